/** Weaknesses of a gateway, each by how it is put in, the cases that it affects, and what the drill must say of it. */
import { isNode, parseDocument } from "yaml";
import type { RenderedFilter } from "../../control/gateway/rendered.js";
import type { PublicKey } from "../../control/signer/jwk.js";
import type { BundleClaims } from "../../control/trust/claims.js";
import type { Certificate } from "../kit/certificates.js";
import type { Clock } from "../kit/clock.js";
import type { FleetOptions } from "./fleet.js";

type Weaken = ReturnType<NonNullable<FleetOptions["weaken"]>>;

export interface Weakness {
  readonly name: string;
  readonly how: Weaken;
  /** Which case finds it, and its finding behind the gateway's name. */
  readonly found: readonly (readonly [name: string, finding: RegExp])[];
  /** What else must fail of the same cause, and may. */
  readonly also?: readonly string[] | "anything";
}

const MANAGER = ["static_resources", "listeners", 0, "filter_chains", 0, "filters", 0, "typed_config"] as const;
const TLS = ["static_resources", "listeners", 0, "filter_chains", 0, "transport_socket", "typed_config"] as const;
const http = (type: string): string => `type.googleapis.com/envoy.extensions.filters.http.${type}`;

type Place = readonly (string | number)[];

/** Written out first: what is replaced may hold the anchor of what stays. `undefined` takes it out. */
const set =
  (...changes: readonly (readonly [path: Place, value: unknown])[]) =>
  (config: string): string => {
    const document = parseDocument(
      JSON.stringify(parseDocument(config, { merge: true }).toJS({ maxAliasCount: 1000 })),
    );
    for (const [path, value] of changes)
      if (value === undefined) document.deleteIn(path);
      else document.setIn(path, document.createNode(value));
    return document.toString({ lineWidth: 0 });
  };

const manager = (...changes: readonly (readonly [path: Place, value: unknown])[]) =>
  set(...changes.map(([path, value]) => [[...MANAGER, ...path], value] as const));

/** What stands there, written out. */
function read(config: string, path: Place): unknown {
  const found = parseDocument(set()(config)).getIn([...MANAGER, ...path], true);
  return isNode(found) ? JSON.parse(JSON.stringify(found)) : found;
}

/** In place of the filter that only adds a header. */
const second = (filter: Readonly<Record<string, unknown>>) => manager([["http_filters", 1], filter]);

const drills =
  (change: (one: BundleClaims["entitlements"][number]) => BundleClaims["entitlements"][number]) =>
  (claims: BundleClaims): BundleClaims => ({
    ...claims,
    entitlements: claims.entitlements.map((one) => (one.drill === true ? change(one) : one)),
  });

const failing =
  (policy: string) =>
  (filter: RenderedFilter): RenderedFilter => ({ ...filter, config: { ...filter.config, failure_policy: policy } });

const openRoute = [
  {
    match: { prefix: "/status" },
    route: { cluster: "upstream" },
    typed_per_filter_config: {
      "envoy.filters.http.jwt_authn": { "@type": http("jwt_authn.v3.PerRouteConfig"), disabled: true },
    },
  },
  { match: { prefix: "/" }, route: { cluster: "upstream" } },
];

export const withOpenRoute = manager([["route_config", "virtual_hosts", 0, "routes"], openRoute]);

const fromFilterState = {
  name: "forge",
  typed_config: {
    "@type": http("set_filter_state.v3.Config"),
    on_request_headers: [
      {
        object_key: "wasm.glassgate.verdict",
        factory_key: "envoy.string",
        format_string: { text_format_source: { inline_string: "allow" } },
      },
    ],
  },
};

const fromLua = {
  name: "script",
  typed_config: {
    "@type": http("lua.v3.Lua"),
    default_source_code: {
      inline_string:
        'function envoy_on_request(handle) handle:streamInfo():filterState():set("wasm.glassgate.verdict", "envoy.string", "allow") end',
    },
  },
};

const TARGET = "GET api\\.example\\.com/drill/orders";

/** @param tls of the gateway @param former a key that the project's bundle has no more, and the requester's had */
export function weaknesses(tls: Certificate, former: PublicKey, clock: Clock | undefined): readonly Weakness[] {
  const requires = { require: true } as const;
  const rbac = { hasNoCaller: true, render: requires } as const;
  const clocks: readonly Weakness[] =
    clock === undefined
      ? []
      : [
          {
            name: "a clock an hour behind",
            how: { before: clock.before(-3600) },
            found: [
              ["gateway-state", /^The clock of GATEWAY is .*behind .*: grants end too late there/],
              ["opens", new RegExp(`^GATEWAY denies .* on ${TARGET} with not_yet_valid`)],
            ],
            also: "anything",
          },
          {
            name: "a clock an hour ahead",
            how: { before: clock.before(3600) },
            found: [
              ["gateway-state", /^The clock of GATEWAY is .*ahead .*: grants end too early there/],
              ["opens", new RegExp(`^GATEWAY denies .* on ${TARGET} with expired`)],
            ],
            also: "anything",
          },
        ];
  return [
    ...clocks,
    {
      name: "the filter off",
      how: { drift: manager([["http_filters", 0, "disabled"], true]), isOff: true },
      found: [
        ["opens", new RegExp(`^GATEWAY did not judge .* on ${TARGET}: .*The filter is off there`)],
        ["forged-grant", /^GATEWAY did not judge a forged grant on GET api\.example\.com\//],
        ["configuration", /^The configuration that GATEWAY runs: the glassgate filter is disabled/],
      ],
      also: "anything",
    },
    {
      name: "shadow mode left on",
      how: { render: { mode: "shadow" } },
      found: [
        ["opens", /^GATEWAY runs in shadow mode/],
        ["forged", /^GATEWAY runs in shadow mode/],
      ],
      also: "anything",
    },
    {
      name: "an entitlement twice as wide",
      how: {
        bundle: drills((one) => ({
          ...one,
          authorization_details: one.authorization_details.map((detail) => ({ ...detail, paths: ["/drill/*"] })),
        })),
      },
      found: [
        [
          "entitlement-scope",
          /^GATEWAY let a grant for more than the entitlement opens: a path beside it through on GET api\.example\.com\/drill\/.*compare the trust bundle/,
        ],
      ],
    },
    {
      name: "an entitlement that lasts twice as long",
      how: { bundle: drills((one) => ({ ...one, max_ttl: one.max_ttl * 2 })) },
      found: [
        ["over-max-ttl", new RegExp(`^GATEWAY let a grant that lives a second longer .* through on ${TARGET}, .* ttl`)],
      ],
    },
    {
      name: "a quorum lowered",
      how: { bundle: drills((one) => ({ ...one, approvals: one.approvals.slice(0, 1) })) },
      found: [
        [
          "one-approval-short",
          /^GATEWAY let a grant that drill-anna has not approved through on GET .*denied with quorum/,
        ],
      ],
    },
    {
      name: "an old bundle",
      how: { bundle: (claims) => ({ ...claims, version: claims.version - 1 }) },
      found: [["gateway-state", /^GATEWAY serves trust bundle version 6, and the project has version 7/]],
    },
    {
      name: "a key not rotated",
      how: {
        bundle: (claims) => ({
          ...claims,
          principals: claims.principals.map((one) =>
            one.id === "drill-rita" ? { ...one, keys: [...one.keys, former] } : one,
          ),
        }),
      },
      found: [["former-key", new RegExp(`^GATEWAY let a grant by a key that was replaced through on ${TARGET}`)]],
    },
    {
      name: "the audit log at /dev/null",
      how: { render: { auditLogPath: "/dev/null" } },
      found: [
        ["opens", new RegExp(`^GATEWAY judged requests and has no record of them, of ${TARGET}`)],
        ["expired", /^GATEWAY judged requests and has no record of them/],
      ],
      also: "anything",
    },
    {
      name: "the audit log filtered",
      how: {
        drift: manager([
          ["access_log", 0, "filter"],
          {
            status_code_filter: { comparison: { op: "GE", value: { default_value: 400, runtime_key: "glassgate" } } },
          },
        ]),
      },
      found: [
        ["opens", new RegExp(`^GATEWAY judged requests and has no record of them, of ${TARGET}`)],
        ["configuration", /^The configuration that GATEWAY runs: the audit log has a filter/],
      ],
      also: ["normal-caller", "override-headers-stripped", "forged-attestation", "proof-replayed"],
    },
    {
      name: "a log that leaks the header",
      how: {
        drift: manager([
          ["access_log", 1, "typed_config", "log_format", "json_format", "grant"],
          "%REQ(X-BREAK-GLASS)%",
        ]),
      },
      found: [["configuration", /^The configuration that GATEWAY runs: this format prints the grant/]],
    },
    {
      name: "the RBAC guard gone",
      how: { ...rbac, drift: manager([["http_filters", 2], undefined]) },
      found: [["configuration", /^The configuration that GATEWAY runs: .*no RBAC filter demands the verdict/]],
    },
    {
      name: "the RBAC guard in shadow only",
      how: {
        ...rbac,
        drift: (config) => {
          const rules = read(config, ["http_filters", 2, "typed_config", "rules"]);
          const at = ["http_filters", 2, "typed_config"];
          return manager([[...at, "rules"], undefined], [[...at, "shadow_rules"], rules])(config);
        },
      },
      found: [["configuration", /^The configuration that GATEWAY runs: the RBAC guard does not demand the verdict/]],
    },
    {
      name: "a route with jwt_authn disabled",
      how: { edit: withOpenRoute },
      found: [
        ["no-credential", /^GATEWAY serves GET api\.example\.com\/status to callers without a credential \(200\)/],
        ["configuration", /^The configuration that GATEWAY runs: .*jwt_authn does not guard this route/],
      ],
    },
    {
      name: "a verdict forged by set_filter_state",
      how: { drift: second(fromFilterState) },
      found: [
        ["no-credential", new RegExp(`^GATEWAY serves ${TARGET} to callers without a credential \\(200\\)`)],
        ["configuration", /^The configuration that GATEWAY runs: .*set_filter_state writes wasm\.glassgate\.verdict/],
      ],
      also: ["forged-attestation", "header-tricks"],
    },
    {
      name: "a verdict forged by Lua",
      how: { drift: second(fromLua) },
      found: [
        ["no-credential", new RegExp(`^GATEWAY serves ${TARGET} to callers without a credential \\(200\\)`)],
        ["configuration", /^The configuration that GATEWAY runs: .*[Ll]ua/],
      ],
      also: ["forged-attestation", "header-tricks"],
    },
    {
      name: "sessions that resume",
      how: {
        render: { tls },
        drift: set(
          [[...TLS, "disable_stateless_session_resumption"], undefined],
          [[...TLS, "disable_stateful_session_resumption"], undefined],
        ),
      },
      found: [["configuration", /^The configuration that GATEWAY runs: whoever takes .* resumes its connection/]],
    },
    {
      name: "client certificates that nobody is asked for",
      how: {
        render: { tls },
        drift: set([[...TLS, "common_tls_context", "validation_context"], undefined]),
      },
      found: [
        [
          "certificate-bound",
          new RegExp(
            `^GATEWAY denies a grant bound to a certificate, over a connection with it on ${TARGET} with binding_missing`,
          ),
        ],
      ],
      also: ["configuration"],
    },
    {
      name: "a stats_matcher",
      how: {
        isOff: true,
        drift: set([["stats_config", "stats_matcher"], { exclusion_list: { patterns: [{ prefix: "wasmcustom." }] } }]),
      },
      found: [
        ["configuration", /^The configuration that GATEWAY runs: stats_matcher hides the filter's gauges/],
        ["gateway-state", /^GATEWAY/],
      ],
    },
    {
      name: "the strip list shortened",
      how: { options: { strip: [] } },
      found: [
        ["override-headers-stripped", new RegExp(`^GATEWAY, .* on ${TARGET}: the upstream received x-jwt-payload`)],
        ["configuration", /^The configuration that GATEWAY runs: .*x-jwt-payload/],
      ],
    },
    {
      name: "FAIL_OPEN",
      how: { serve: failing("FAIL_OPEN") },
      found: [["configuration", /^The configuration that GATEWAY runs: the filter fails open/]],
    },
    {
      name: "FAIL_OPEN before the first push",
      how: {
        drift: (config) => config.replace("failure_policy: FAIL_RELOAD", "failure_policy: FAIL_OPEN"),
      },
      found: [["configuration", /^The configuration that GATEWAY runs: the filter fails open/]],
    },
    {
      name: "attestations from outside let in",
      how: { drift: manager([["early_header_mutation_extensions"], undefined]) },
      found: [
        ["forged-attestation", /^GATEWAY, .*the upstream received the forged attestation/],
        ["configuration", /^The configuration that GATEWAY runs: .*x-break-glass-grant/],
      ],
    },
    {
      name: "an override header kept",
      how: { render: { keep: ["x-original-url"] } },
      found: [
        ["override-headers-stripped", new RegExp(`^GATEWAY, .* on ${TARGET}: the upstream received x-original-url`)],
        ["configuration", /^The configuration that GATEWAY runs: the filter keeps x-original-url/],
      ],
    },
    {
      name: "paths passed on as they come",
      how: {
        drift: manager(
          [["normalize_path"], false],
          [["merge_slashes"], false],
          [["path_with_escaped_slashes_action"], "KEEP_UNCHANGED"],
        ),
      },
      found: [["configuration", /^The configuration that GATEWAY runs: .*path/]],
    },
    {
      name: "another identity provider than the callers'",
      how: { render: { issuer: "https://other.example.com" } },
      found: [["normal-caller", new RegExp(`^GATEWAY refuses a normal caller on ${TARGET} \\(401\\)`)]],
      also: ["forged-attestation"],
    },
    {
      name: "authentication that the verdict does not skip",
      how: {
        drift: (config) => {
          const all = read(config, ["http_filters", 2, "typed_config", "extension_config"]);
          return manager([["http_filters", 2], all])(config);
        },
      },
      found: [
        [
          "opens",
          new RegExp(`^GATEWAY allows .* on ${TARGET}, and something behind the filter refuses it all the same`),
        ],
      ],
      also: "anything",
    },
  ];
}

/** Of these a gateway is honest, and the drill must find nothing. */
export const honest = (tls: Certificate): readonly { name: string; how: Weaken }[] => [
  { name: "the standard one", how: {} },
  { name: "the one where the filter is the only guard", how: { hasNoCaller: true, render: { require: true } } },
  { name: "the one with TLS", how: { render: { tls } } },
];
