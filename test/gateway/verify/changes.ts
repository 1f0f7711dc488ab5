/** Dangerous changes of envoy.yaml, one each: what `verify` must say, and where it can be seen, how it shows on a real Envoy. */

import { beside } from "./beside.js";
import { composite } from "./composite.js";
import {
  ACCESS,
  AUDIT,
  all,
  type Base,
  BRANCH,
  CHAIN,
  DISCOVERY,
  type Edit,
  FILTERS,
  filter,
  GUARD,
  googleType,
  HOST,
  http,
  insert,
  JWT,
  LISTENER,
  MANAGER,
  RBAC,
  ROUTE,
  ROUTE_CONFIG,
  remove,
  set,
  skip,
  skipped,
  verdictIsAllow,
} from "./files.js";
import { tlsChanges } from "./tls.js";
import { unread } from "./unread.js";

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `open`: passes without any credential. `upstream`: with a grant, the upstream gets this. `unrecorded`: allowed, and no record. */
export type Effect = Asked &
  (
    | { readonly kind: "open" | "unrecorded" | "logged" }
    | { readonly kind: "upstream"; readonly gets: RegExp | "the grant" }
  );

export interface Change {
  readonly name: string;
  readonly base?: Base;
  readonly edit: Edit;
  readonly says: RegExp;
  readonly level?: "danger" | "not understood" | "warning";
  readonly effect?: Effect;
  /** Shown with the glassgate filter left out: what its guards are for. */
  readonly filterMissing?: boolean;
  /** Which of the file's listeners shows it. */
  readonly listener?: number;
}

const FILTER_CONFIG = googleType("envoy.config.route.v3.FilterConfig");
const JWT_ROUTE = http("jwt_authn.v3.PerRouteConfig");
const JWT_NAME = "envoy.filters.http.jwt_authn";
const RBAC_NAME = "envoy.filters.http.rbac";
const router = filter("envoy.filters.http.router", "router.v3.Router");
const manager = (config: Readonly<Record<string, unknown>>): unknown => ({
  name: "envoy.filters.network.http_connection_manager",
  typed_config: {
    "@type": googleType("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
    stat_prefix: "side",
    http_filters: [router],
    ...config,
  },
});
const routesTo = (cluster: string): unknown => ({
  virtual_hosts: [{ name: "side", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster } }] }],
});
const side = (...filters: readonly unknown[]): unknown => ({
  name: "side",
  address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
  filter_chains: [{ filters }],
});
const verdictState = (string_match: unknown = { exact: "allow" }): unknown => ({
  filter_state: { key: "wasm.glassgate.verdict", string_match },
});
const policies = (...principals: readonly unknown[]): unknown => ({
  any: { permissions: [{ any: true }], principals },
});
const mutation = (key: string, value: string): unknown => ({
  append: { header: { key, value }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" },
});
const behind = (...mutations: readonly unknown[]): Edit =>
  insert(
    FILTERS,
    GUARD + 1,
    filter("late", "header_mutation.v3.HeaderMutation", { mutations: { request_mutations: mutations } }),
  );
const closedPort = {
  name: "authz",
  type: "STATIC",
  connect_timeout: "1s",
  load_assignment: {
    cluster_name: "authz",
    endpoints: [
      { lb_endpoints: [{ endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: 1 } } } }] },
    ],
  },
};
const authz = (more: Readonly<Record<string, unknown>>, http: Readonly<Record<string, unknown>> = {}) => ({
  http_service: { server_uri: { uri: "http://127.0.0.1:1", cluster: "authz", timeout: "1s" }, ...http },
  ...more,
});
const withAuthz = (entry: unknown): Edit =>
  all(set([...FILTERS, GUARD], entry), insert(["static_resources", "clusters"], 1, closedPort));
const stateValue = (value: string): unknown => ({
  object_key: "wasm.glassgate.verdict",
  factory_key: "envoy.string",
  format_string: { text_format_source: { inline_string: value } },
});

const routes: readonly Change[] = [
  {
    name: "a virtual host switches jwt_authn off",
    edit: set([...HOST, "typed_per_filter_config"], { [JWT_NAME]: { "@type": FILTER_CONFIG, disabled: true } }),
    says: /jwt_authn does not guard this route: it is disabled/,
    effect: { kind: "open" },
  },
  {
    name: "the route configuration switches jwt_authn off, by its own message",
    edit: set([...ROUTE_CONFIG, "typed_per_filter_config"], { [JWT_NAME]: { "@type": JWT_ROUTE, disabled: true } }),
    says: /jwt_authn does not guard this route: it is disabled/,
    effect: { kind: "open" },
  },
  {
    name: "a weighted cluster switches jwt_authn off",
    edit: set([...ROUTE, "route"], {
      weighted_clusters: {
        clusters: [
          {
            name: "upstream",
            weight: 1,
            typed_per_filter_config: { [JWT_NAME]: { "@type": JWT_ROUTE, disabled: true } },
          },
        ],
      },
    }),
    says: /jwt_authn does not guard this route: it is disabled/,
    effect: { kind: "open" },
  },
  {
    name: "a FilterConfig wraps the message that switches jwt_authn off",
    edit: set([...ROUTE, "typed_per_filter_config"], {
      [JWT_NAME]: { "@type": FILTER_CONFIG, config: { "@type": JWT_ROUTE, disabled: true } },
    }),
    says: /jwt_authn does not guard this route: it is disabled/,
    effect: { kind: "open" },
  },
  {
    name: "a route names a requirement that nothing must meet",
    edit: all(
      set([...JWT, "requirement_map"], { lax: { allow_missing_or_failed: {} } }),
      set([...ROUTE, "typed_per_filter_config"], { [JWT_NAME]: { "@type": JWT_ROUTE, requirement_name: "lax" } }),
    ),
    says: /does not guard this route: allow_missing_or_failed/,
    effect: { kind: "open" },
  },
  {
    name: "a header chooses the cluster",
    edit: set([...ROUTE, "route"], { cluster_header: "x-cluster" }),
    says: /x-cluster chooses the upstream/,
    effect: { kind: "upstream", headers: { "x-cluster": "upstream" }, gets: /"path":"\/orders\/7"/ },
  },
  {
    name: "a header becomes the host behind the verdict",
    edit: set([...ROUTE, "route", "host_rewrite_header"], "x-real-host"),
    says: /host becomes what another header says/,
    effect: { kind: "upstream", headers: { "x-real-host": "payroll" }, gets: /"host":"payroll"/ },
  },
  {
    name: "a route adds an attestation",
    edit: set([...ROUTE, "request_headers_to_add"], [{ header: { key: "X-Break-Glass-Grant", value: "forged" } }]),
    says: /takes it for the filter's attestation/,
    effect: { kind: "upstream", gets: /forged/ },
  },
  {
    name: "internal redirects",
    edit: set([...ROUTE, "route", "internal_redirect_policy"], { max_internal_redirects: 2 }),
    says: /internal redirects/,
  },
  {
    name: "a route takes CONNECT",
    edit: insert([...HOST, "routes"], 0, { match: { connect_matcher: {} }, route: { cluster: "upstream" } }),
    says: /a route takes CONNECT/,
  },
  {
    name: "routes by xDS",
    edit: all(
      remove(ROUTE_CONFIG),
      set([...MANAGER, "rds"], { route_config_name: "api", config_source: { ads: {}, resource_api_version: "V3" } }),
    ),
    says: /routes \(api\) come by xDS/,
    level: "not understood",
  },
];

const jwt: readonly Change[] = [
  {
    name: "a rule without a requirement",
    edit: insert([...JWT, "rules"], 0, { match: { prefix: "/public" } }),
    says: /lets \/public pass without a valid token/,
    effect: { kind: "open", path: "/public/x" },
  },
  {
    name: "rules for a part of the paths",
    edit: set([...JWT, "rules", 0, "match"], { prefix: "/orders" }),
    says: /no rule for every path/,
    effect: { kind: "open", path: "/admin" },
  },
  {
    name: "a rule for requests with a header only",
    edit: set([...JWT, "rules", 0, "match"], { prefix: "/", headers: [{ name: "x-app", present_match: true }] }),
    says: /no rule for every path/,
    effect: { kind: "open" },
  },
  {
    name: "allow_missing two levels down",
    edit: set([...JWT, "rules", 0, "requires"], {
      requires_all: {
        requirements: [
          { requires_any: { requirements: [{ provider_name: "idp" }, { allow_missing: {} }] } },
          { requires_any: { requirements: [{ allow_missing_or_failed: {} }, { provider_name: "idp" }] } },
        ],
      },
    }),
    says: /pass without a valid token: allow_missing/,
    effect: { kind: "open" },
  },
  {
    name: "preflights pass",
    edit: set([...JWT, "bypass_cors_preflight"], true),
    says: /bypass_cors_preflight/,
    effect: {
      kind: "open",
      method: "OPTIONS",
      headers: { origin: "https://evil.example", "access-control-request-method": "DELETE" },
    },
  },
  {
    name: "tokens in the query",
    edit: set([...JWT, "providers", "idp", "from_params"], ["token"]),
    says: /reads tokens from the query \(token\)/,
    effect: { kind: "upstream", path: "/orders/7?token=forged", gets: /token=forged/ },
  },
  {
    name: "tokens in a cookie",
    edit: set([...JWT, "providers", "idp", "from_cookies"], ["session"]),
    says: /reads tokens from cookies \(session\)/,
    effect: { kind: "upstream", headers: { cookie: "session=forged" }, gets: /session=forged/ },
  },
  {
    name: "a claim's header that strip lacks",
    edit: set([...JWT, "providers", "idp", "claim_to_headers"], [{ header_name: "X-Org", claim_name: "org" }]),
    says: /x-org; a client's own passes/,
    effect: { kind: "upstream", headers: { "x-org": "victim" }, gets: /"x-org":"victim"/ },
  },
];

const order: readonly Change[] = [
  {
    name: "jwt_authn is skipped where nothing matches",
    edit: set([...FILTERS, GUARD, "typed_config", "xds_matcher", "on_no_match"], skip),
    says: /skipped on more than the verdict/,
    effect: { kind: "open" },
  },
  {
    name: "jwt_authn is skipped by a table over a header",
    edit: set([...FILTERS, GUARD, "typed_config", "xds_matcher"], {
      matcher_tree: {
        input: {
          name: "h",
          typed_config: {
            "@type": googleType("envoy.type.matcher.v3.HttpRequestHeaderMatchInput"),
            header_name: "x-go",
          },
        },
        exact_match_map: { map: { yes: skip } },
      },
    }),
    says: /skipped on more than the verdict/,
    effect: { kind: "open", headers: { "x-go": "yes" } },
  },
  {
    name: "jwt_authn is skipped unless a header is there and the verdict is not allow",
    edit: set([...FILTERS, GUARD, "typed_config", "xds_matcher", "matcher_list", "matchers", 0, "predicate"], {
      not_matcher: {
        and_matcher: {
          predicate: [
            verdictIsAllow,
            {
              single_predicate: {
                input: {
                  name: "h",
                  typed_config: {
                    "@type": googleType("envoy.type.matcher.v3.HttpRequestHeaderMatchInput"),
                    header_name: "x-go",
                  },
                },
                value_match: { exact: "no" },
              },
            },
          ],
        },
      },
    }),
    says: /skipped on a request header \(x-go\)/,
    effect: { kind: "open" },
  },
  {
    name: "jwt_authn is disabled",
    edit: set([...FILTERS, GUARD, "disabled"], true),
    says: /jwt_authn is disabled: it guards nothing/,
    effect: { kind: "open" },
  },
  {
    name: "no authentication at all",
    edit: remove([...FILTERS, GUARD]),
    says: /nothing behind the glassgate filter asks who calls/,
    effect: { kind: "open" },
  },
  {
    name: "the connection writes the verdict",
    edit: insert([...CHAIN, "filters"], 0, {
      name: "state",
      typed_config: {
        "@type": googleType("envoy.extensions.filters.network.set_filter_state.v3.Config"),
        on_new_connection: [stateValue("allow")],
      },
    }),
    says: /set_filter_state writes wasm\.glassgate\.verdict/,
    effect: { kind: "open" },
  },
  {
    name: "a TypedStruct writes the verdict, in camelCase",
    edit: insert(FILTERS, 1, {
      name: "state",
      typed_config: {
        "@type": googleType("xds.type.v3.TypedStruct"),
        type_url: http("set_filter_state.v3.Config"),
        value: {
          onRequestHeaders: [
            {
              objectKey: "wasm.glassgate.verdict",
              factoryKey: "envoy.string",
              formatString: { textFormatSource: { inlineString: "%REQ(x-in)%" } },
            },
          ],
        },
      },
    }),
    says: /set_filter_state writes wasm\.glassgate\.verdict/,
    effect: { kind: "open", headers: { "x-in": "allow" } },
  },
  {
    name: "the method changes behind the verdict",
    edit: behind(mutation(":method", "%REQ(x-m)%")),
    says: /:method is changed behind the verdict/,
  },
  {
    name: "the host changes behind the verdict",
    edit: behind(mutation(":authority", "payroll")),
    says: /:authority is changed behind the verdict/,
  },
  {
    name: "a route copies an override header behind the verdict",
    edit: all(
      behind(),
      set([...ROUTE, "typed_per_filter_config"], {
        late: {
          "@type": http("header_mutation.v3.HeaderMutationPerRoute"),
          mutations: { request_mutations: [mutation("x-original-url", "%REQ(x-u)%")] },
        },
      }),
    ),
    says: /x-original-url is copied from the client/,
    effect: { kind: "upstream", headers: { "x-u": "/admin" }, gets: /"x-original-url":"\/admin"/ },
  },
  {
    name: "Lua behind the verdict",
    edit: insert(
      FILTERS,
      GUARD + 1,
      filter("script", "lua.v3.Lua", {
        default_source_code: {
          inline_string: 'function envoy_on_request(h) h:headers():replace(":path", "/admin") end',
        },
      }),
    ),
    says: /the filter script .*Lua.* is not known here/,
    level: "not understood",
    effect: { kind: "upstream", gets: /"path":"\/admin"/ },
  },
  {
    name: "an override header is copied behind the verdict",
    edit: behind(mutation("X-HTTP-Method-Override", "%REQ(x-m)%")),
    says: /x-http-method-override is copied/,
    effect: { kind: "upstream", headers: { "x-m": "DELETE" }, gets: /"x-http-method-override":"DELETE"/ },
  },
  {
    name: "a filter towards the upstream adds an override header",
    edit: set(["static_resources", "clusters", 0, "typed_extension_protocol_options"], {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": googleType("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
        explicit_http_config: { http_protocol_options: {} },
        http_filters: [
          filter("last", "header_mutation.v3.HeaderMutation", {
            mutations: { request_mutations: [mutation("x-original-url", "/admin")] },
          }),
          filter("codec", "upstream_codec.v3.UpstreamCodec"),
        ],
      },
    }),
    says: /last stands between the verdict and the upstream/,
    level: "not understood",
    effect: { kind: "upstream", gets: /"x-original-url":"\/admin"/ },
  },
  {
    name: "the glassgate filter runs for some grants only",
    edit: set([...BRANCH, "predicate", "single_predicate", "value_match", "safe_regex", "regex"], "short"),
    says: /runs on another condition than the presence/,
  },
  {
    name: "the glassgate filter is disabled",
    edit: set([...FILTERS, 0, "disabled"], "true"),
    says: /the glassgate filter is disabled/,
  },
  {
    name: "tap",
    edit: insert(FILTERS, 0, filter("tap", "tap.v3.Tap", { common_config: { admin_config: { config_id: "t" } } })),
    says: /tap writes whole requests down/,
  },
  {
    name: "a second Wasm plugin in the filter's own VM",
    edit: insert(
      FILTERS,
      1,
      filter("other", "wasm.v3.Wasm", {
        config: {
          name: "other",
          vm_config: {
            vm_id: "glassgate-1",
            runtime: "envoy.wasm.runtime.v8",
            code: { local: { filename: "/x.wasm" } },
          },
        },
      }),
    ),
    says: /another plugin has the glassgate filter's vm_id/,
  },
];

const others: readonly Change[] = [
  {
    name: "ext_authz whose service may fail",
    edit: withAuthz(skipped("authz", "ext_authz.v3.ExtAuthz", authz({ failure_mode_allow: true }))),
    says: /where the authorization service fails, everybody passes/,
    effect: { kind: "open" },
  },
  {
    name: "ext_authz for no request",
    edit: withAuthz(
      skipped("authz", "ext_authz.v3.ExtAuthz", authz({ filter_enabled: { default_value: { numerator: 0 } } })),
    ),
    says: /a share of the requests is not asked about/,
    effect: { kind: "open" },
  },
  {
    name: "headers that a skipped ext_authz would overwrite",
    edit: withAuthz(
      skipped(
        "authz",
        "ext_authz.v3.ExtAuthz",
        authz(
          {},
          {
            authorization_response: {
              allowed_upstream_headers: { patterns: [{ exact: "x-auth-user" }, { prefix: "x-user-" }] },
            },
          },
        ),
      ),
    ),
    says: /ext_authz would have set or removed x-auth-user/,
    effect: { kind: "upstream", headers: { "x-auth-user": "root" }, gets: /"x-auth-user":"root"/ },
  },
  {
    name: "the name that a skipped basic_auth would set",
    edit: set(
      [...FILTERS, GUARD],
      skipped("basic", "basic_auth.v3.BasicAuth", {
        users: { inline_string: "user1:{SHA}tESsBmE/yNY3lb6a0L6vVQEZNqw=" },
        forward_username_header: "x-username",
      }),
    ),
    says: /basic_auth would have set or removed x-username/,
    effect: { kind: "upstream", headers: { "x-username": "root" }, gets: /"x-username":"root"/ },
  },
  {
    name: "an API key in the query",
    edit: set(
      [...FILTERS, GUARD],
      skipped("keys", "api_key_auth.v3.ApiKeyAuth", {
        credentials: [{ key: "k", client: "c" }],
        key_sources: [{ query: "key" }],
      }),
    ),
    says: /reads its credential from the query \(key\)/,
    effect: { kind: "upstream", path: "/orders/7?key=forged", gets: /key=forged/ },
  },
  {
    name: "a TCP proxy to the same cluster",
    edit: insert(
      ["static_resources", "listeners"],
      1,
      side({
        name: "tcp",
        typed_config: {
          "@type": googleType("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"),
          stat_prefix: "t",
          cluster: "upstream",
        },
      }),
    ),
    says: /leads to upstream, which is guarded elsewhere, past the guard/,
    effect: { kind: "open" },
    listener: 1,
  },
  {
    name: "a listener without guard to the same address under another name",
    edit: (document) => {
      insert(["static_resources", "listeners"], 1, side(manager({ route_config: routesTo("shadow") })))(document);
      const upstream: unknown = document.toJS().static_resources.clusters[0];
      insert(["static_resources", "clusters"], 1, { ...Object(upstream), name: "shadow" })(document);
    },
    says: /leads to shadow, which is guarded elsewhere, past the guard/,
    effect: { kind: "open" },
    listener: 1,
  },
  {
    name: "a filter chain without guard beside the guarded one",
    edit: insert([...LISTENER, "filter_chains"], 1, {
      filter_chain_match: { source_prefix_ranges: [{ address_prefix: "127.0.0.0", prefix_len: 8 }] },
      filters: [manager({ route_config: routesTo("upstream") })],
    }),
    says: /leads to upstream, which is guarded elsewhere, past the guard/,
    effect: { kind: "open" },
  },
  {
    name: "an upgrade with a filter chain of its own",
    edit: set([...MANAGER, "upgrade_configs"], [{ upgrade_type: "websocket", filters: [router] }]),
    says: /websocket has a filter chain of its own/,
    effect: { kind: "open", headers: { connection: "Upgrade", upgrade: "websocket" } },
  },
  {
    name: "the original destination by a header",
    edit: all(
      set(["static_resources", "clusters", 0, "type"], "ORIGINAL_DST"),
      set(["static_resources", "clusters", 0, "lb_policy"], "CLUSTER_PROVIDED"),
      set(["static_resources", "clusters", 0, "original_dst_lb_config"], { use_http_header: true }),
    ),
    says: /x-envoy-original-dst-host/,
  },
  {
    name: "statistics hidden by an exclusion",
    edit: set(["stats_config", "stats_matcher"], {
      exclusion_list: { patterns: [{ safe_regex: { regex: "wasm.*" } }] },
    }),
    says: /stats_matcher hides the filter's gauges/,
  },
];

const unseen: readonly Change[] = [
  {
    name: "addresses from X-Forwarded-For",
    edit: set([...MANAGER, "xff_num_trusted_hops"], 1),
    says: /who reaches this listener past those proxies chooses it/,
    level: "not understood",
  },
  {
    name: "a mirror",
    edit: set([...ROUTE, "route", "request_mirror_policies"], [{ cluster: "other" }]),
    says: /a copy of each request/,
    level: "not understood",
  },
  {
    name: "headers that the filter keeps",
    edit: set(
      [...DISCOVERY, "default_config", "config", "configuration", "value"],
      '{"strip":["x-jwt-payload"],"keep":["x-forwarded-host"]}',
    ),
    says: /the filter keeps x-forwarded-host/,
    level: "not understood",
  },
  {
    name: "a route to the admin interface",
    edit: (document) => {
      const admin: unknown = document.toJS().admin.address;
      insert(["static_resources", "clusters"], 1, {
        name: "stats",
        load_assignment: { cluster_name: "stats", endpoints: [{ lb_endpoints: [{ endpoint: { address: admin } }] }] },
      })(document);
      insert([...HOST, "routes"], 0, { match: { prefix: "/stats" }, route: { cluster: "stats" } })(document);
    },
    says: /leads to the admin interface \(127\.0\.0\.1:9901\)/,
  },
  {
    name: "RBAC alone asks who calls",
    edit: set([...FILTERS, GUARD], skipped("rbac", "rbac.v3.RBAC", { rules: { policies: policies({ any: true }) } })),
    says: /RBAC rules alone ask who calls here/,
    level: "not understood",
    effect: { kind: "open" },
  },
  {
    name: "RBAC skipped by a header, behind jwt_authn",
    edit: insert(FILTERS, GUARD + 1, {
      name: "roles",
      typed_config: {
        "@type": googleType("envoy.extensions.common.matching.v3.ExtensionWithMatcher"),
        xds_matcher: {
          matcher_list: {
            matchers: [
              {
                predicate: {
                  single_predicate: {
                    input: {
                      name: "h",
                      typed_config: {
                        "@type": googleType("envoy.type.matcher.v3.HttpRequestHeaderMatchInput"),
                        header_name: "x-go",
                      },
                    },
                    value_match: { exact: "yes" },
                  },
                },
                on_match: skip,
              },
            ],
          },
        },
        extension_config: {
          name: "roles",
          typed_config: { "@type": http("rbac.v3.RBAC"), rules: { action: "DENY", policies: policies({ any: true }) } },
        },
      },
    }),
    says: /roles is skipped on a request header \(x-go\)/,
    effect: { kind: "upstream", headers: { "x-go": "yes" }, gets: /"path":"\/orders\/7"/ },
  },
];

const records: readonly Change[] = [
  {
    name: "the audit log goes nowhere",
    edit: set([...AUDIT, "typed_config", "path"], "/dev/null"),
    says: /no access log writes the audit record.*\/dev\/null/,
    effect: { kind: "unrecorded" },
  },
  {
    name: "the audit log takes failures only",
    edit: set([...AUDIT, "filter"], { response_flag_filter: { flags: ["UH"] } }),
    says: /the audit log has a filter/,
    effect: { kind: "unrecorded" },
  },
  {
    name: "the audit record inside JSON",
    edit: set([...AUDIT, "typed_config", "log_format"], {
      omit_empty_values: true,
      json_format: { record: "%FILTER_STATE(wasm.glassgate.audit:PLAIN)%" },
    }),
    says: /no access log writes the audit record/,
    effect: { kind: "unrecorded" },
  },
  {
    name: "a log prints the grant as an alternative, cut",
    edit: set(
      [...ACCESS, "typed_config", "log_format", "json_format", "deep"],
      [{ er: "%REQ(x-nothing?X-Break-Glass):60%" }],
    ),
    says: /this format prints the grant/,
    effect: { kind: "logged" },
    filterMissing: true,
  },
  {
    name: "an early copy of the grant",
    edit: insert(
      [...MANAGER, "early_header_mutation_extensions", 0, "typed_config", "mutations"],
      0,
      mutation("x-copy", "%REQ(x-break-glass)%"),
    ),
    says: /this format prints the grant/,
    effect: { kind: "upstream", gets: "the grant" },
  },
  {
    name: "a copy of the grant before the filter",
    edit: insert(
      FILTERS,
      0,
      filter("copy", "header_mutation.v3.HeaderMutation", {
        mutations: { request_mutations: [mutation("x-copy", "a-%REQUEST_HEADER(x-break-glass)%")] },
      }),
    ),
    says: /this format prints the grant/,
  },
  {
    name: "a trace with the grant as a tag",
    edit: set([...MANAGER, "tracing"], {
      custom_tags: [{ tag: "t", request_header: { name: "X-Break-Glass" } }],
    }),
    says: /sends the grant.* to a log or trace/,
  },
  {
    name: "gRPC logs with the grant's header",
    edit: insert([...MANAGER, "access_log"], 2, {
      name: "als",
      typed_config: {
        "@type": googleType("envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig"),
        common_config: { log_name: "l", grpc_service: { envoy_grpc: { cluster_name: "upstream" } } },
        additional_request_headers_to_log: ["x-Break-glass"],
      },
    }),
    says: /sends the grant.* to a log or trace/,
  },
];

const guards: readonly Change[] = [
  {
    name: "RBAC counts and never enforces",
    edit: set(RBAC, { "@type": http("rbac.v3.RBAC"), shadow_rules: { policies: policies(verdictState()) } }),
    says: /shadow_rules only/,
  },
  {
    name: "RBAC denies the verdict",
    edit: set([...RBAC, "rules"], { action: "DENY", policies: policies(verdictState()) }),
    says: /DENY does not cover every request without the verdict/,
  },
  {
    name: "RBAC logs, by number",
    edit: set([...RBAC, "rules"], { action: 2, policies: policies(verdictState()) }),
    says: /its action is LOG/,
  },
  {
    name: "RBAC the other way round",
    edit: set([...RBAC, "rules"], { policies: policies({ not_id: verdictState() }) }),
    says: /also admits requests without the verdict/,
  },
  {
    name: "RBAC with an address beside the verdict",
    edit: set([...RBAC, "rules"], {
      policies: policies({
        or_ids: { ids: [verdictState(), { direct_remote_ip: { address_prefix: "127.0.0.0", prefix_len: 8 } }] },
      }),
    }),
    says: /also admits requests without the verdict/,
  },
  {
    name: "a second policy for everybody",
    edit: set([...RBAC, "rules", "policies", "healthz"], { permissions: [{ any: true }], principals: [{ any: true }] }),
    says: /policy healthz also admits/,
  },
  {
    name: "a route with RBAC rules of its own",
    edit: set([...ROUTE, "typed_per_filter_config"], {
      [RBAC_NAME]: {
        "@type": http("rbac.v3.RBACPerRoute"),
        rbac: { rules: { policies: policies({ any: true }) } },
      },
    }),
    says: /rbac does not guard this route/,
  },
  {
    name: "the route configuration switches RBAC off",
    edit: set([...ROUTE_CONFIG, "typed_per_filter_config"], {
      [RBAC_NAME]: { "@type": FILTER_CONFIG, disabled: true },
    }),
    says: /rbac does not guard this route: it is disabled/,
  },
].map((change) => ({
  ...change,
  base: "require" as const,
  effect: { kind: "open" as const },
  filterMissing: true,
}));

export const changes: readonly Change[] = [
  ...routes,
  ...jwt,
  ...order,
  ...others,
  ...unseen,
  ...records,
  ...guards,
  ...unread,
  ...composite,
  ...beside,
  ...tlsChanges,
];
