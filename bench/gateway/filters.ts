/** What stands before the same direct answer, one listener each: native filters, ours, and the benchmark's own modules. */

export const LISTENERS = [
  "none",
  "jwt",
  "jwtOptional",
  "jwtCached",
  "nativeWork",
  "direct",
  "composite",
  "whole",
  "authz",
  "tlsNone",
  "tlsDirect",
] as const;
export type ListenerName = (typeof LISTENERS)[number];
/** Those that speak TLS, and ask for a certificate. */
export const OVER_TLS: ReadonlySet<string> = new Set<ListenerName>(["tlsNone", "tlsDirect"]);

/** The parts of a rendered envoy.yaml that are put together anew. */
export interface RenderedFilters {
  /** Our filter in both of its places. */
  readonly direct: unknown;
  readonly composite: unknown;
  /** jwt_authn without the skipping, for the comparison: what an operator has today. */
  readonly jwt: NativeJwt;
  readonly router: unknown;
  /** The whole chain as it is. */
  readonly whole: readonly unknown[];
}
export interface NativeJwt {
  readonly name: string;
  readonly typed_config: { readonly providers: { readonly idp: object }; readonly [member: string]: unknown };
}

const HTTP = "type.googleapis.com/envoy.extensions.filters.http";
const METADATA = "envoy.filters.http.jwt_authn";
/** The claim that stands for the entitlement. */
export const DEMANDED_ENTITLEMENT = "alone";

function withCache(jwt: NativeJwt, more: object = {}): NativeJwt {
  const idp = { ...jwt.typed_config.providers.idp, jwt_cache_config: { jwt_cache_size: 100 }, ...more };
  return { ...jwt, typed_config: { ...jwt.typed_config, providers: { idp } } };
}

/** A request without a token passes. */
const withoutNeed = (jwt: NativeJwt): NativeJwt => ({
  ...jwt,
  typed_config: {
    ...jwt.typed_config,
    rules: [
      {
        match: { prefix: "/" },
        requires: { requires_any: { requirements: [{ provider_name: "idp" }, { allow_missing: {} }] } },
      },
    ],
  },
});

/** Method, host, path and a claim: what a grant's scope says, in RBAC. */
const scopeCheck = {
  name: "envoy.filters.http.rbac",
  typed_config: {
    "@type": `${HTTP}.rbac.v3.RBAC`,
    rules: {
      action: "ALLOW",
      policies: {
        scope: {
          permissions: [
            {
              and_rules: {
                rules: [
                  { header: { name: ":method", string_match: { exact: "GET" } } },
                  { header: { name: ":authority", string_match: { exact: "api.example.com" } } },
                  {
                    uri_template: {
                      name: "path",
                      typed_config: {
                        "@type":
                          "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
                        path_template: "/orders/*",
                      },
                    },
                  },
                ],
              },
            },
          ],
          principals: [
            {
              sourced_metadata: {
                metadata_matcher: {
                  filter: METADATA,
                  path: [{ key: "claims" }, { key: "ent" }],
                  value: { string_match: { exact: DEMANDED_ENTITLEMENT } },
                },
              },
            },
          ],
        },
      },
    },
  },
};

/** The members of the access log that are the same decision's record, from jwt_authn's metadata. */
export const CLAIMS_LOG: Readonly<Record<string, string>> = Object.fromEntries(
  ["jti", "sub", "ent", "reason", "incident", "iat", "exp"].map((claim) => [
    claim,
    `%DYNAMIC_METADATA(${METADATA}:claims:${claim})%`,
  ]),
);

const AUTHZ_CLUSTER = "authz";
const externalCheck = (port: number) => ({
  name: "envoy.filters.http.ext_authz",
  typed_config: {
    "@type": `${HTTP}.ext_authz.v3.ExtAuthz`,
    http_service: {
      server_uri: { uri: `http://127.0.0.1:${port}`, cluster: AUTHZ_CLUSTER, timeout: "5s" },
      authorization_response: { allowed_upstream_headers: { patterns: [{ exact: "x-break-glass-grant" }] } },
    },
    allowed_headers: { patterns: [{ exact: "x-break-glass" }, { exact: "x-request-id" }] },
    failure_mode_allow: false,
  },
});

export const authzCluster = (port: number) => ({
  name: AUTHZ_CLUSTER,
  type: "STATIC",
  connect_timeout: "2s",
  load_assignment: {
    cluster_name: AUTHZ_CLUSTER,
    endpoints: [
      { lb_endpoints: [{ endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } } }] },
    ],
  },
});

export function filtersOf(name: ListenerName, parts: RenderedFilters, authzPort: number): readonly unknown[] {
  const { direct, composite, jwt, router, whole } = parts;
  const chains: Readonly<Record<ListenerName, readonly unknown[]>> = {
    none: [router],
    jwt: [jwt, router],
    jwtOptional: [withoutNeed(jwt), router],
    jwtCached: [withCache(jwt), router],
    nativeWork: [withCache(jwt, { payload_in_metadata: "claims" }), scopeCheck, router],
    direct: [direct, router],
    composite: [composite, router],
    whole,
    authz: [externalCheck(authzPort), router],
    tlsNone: [router],
    tlsDirect: [direct, router],
  };
  return chains[name];
}
