/** Dangerous changes in fields that a reader takes for harmless, and ways round that the names of things hide. */
import type { Change } from "./changes.js";
import {
  ACCESS,
  AUDIT,
  all,
  DISCOVERY,
  type Edit,
  FILTERS,
  filter,
  GUARD,
  googleType,
  HOST,
  http,
  insert,
  MANAGER,
  ROUTE,
  set,
  skip,
} from "./files.js";

const LISTENERS = ["static_resources", "listeners"] as const;
const CLUSTERS = ["static_resources", "clusters"] as const;
const PORT = ["endpoint", "address", "socket_address", "port_value"] as const;
const VM = [...DISCOVERY, "default_config", "config", "vm_config"];
const router = filter("envoy.filters.http.router", "router.v3.Router");
const network = (name: string, type: string, config: object): object => ({
  name,
  typed_config: { "@type": googleType(`envoy.extensions.filters.network.${type}`), ...config },
});
const manager = (routes: readonly unknown[], ...filters: readonly unknown[]): object =>
  network("side", "http_connection_manager.v3.HttpConnectionManager", {
    stat_prefix: "side",
    http_filters: [...filters, router],
    route_config: { virtual_hosts: [{ name: "side", domains: ["*"], routes }] },
  });
const to = (cluster: string): object => ({ match: { prefix: "/" }, route: { cluster } });
const side = (more: object, ...filters: readonly unknown[]): Edit =>
  insert(LISTENERS, 1, {
    name: "side",
    address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
    ...(filters.length > 0 ? { filter_chains: [{ filters }] } : {}),
    ...more,
  });
const at = (address: object, more: object = {}): object => ({
  connect_timeout: "1s",
  type: "STATIC",
  load_assignment: { cluster_name: "c", endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  ...more,
});
const socket = (address: string, port_value: number): object => ({ socket_address: { address, port_value } });
const cluster = (name: string, value: object): Edit => insert(CLUSTERS, 1, { name, ...value });
/** A listener without a guard that calls the guarded upstream's host by another name. */
const calls = (host: string, type: string): Edit => {
  return (document) => {
    const port = Number(
      document.getIn([...CLUSTERS, 0, "load_assignment", "endpoints", 0, "lb_endpoints", 0, ...PORT]),
    );
    const dns = type === "STATIC" ? {} : { dns_lookup_family: "V4_ONLY" };
    all(side({}, manager([to("two")])), cluster("two", at(socket(host, port), { type, ...dns })))(document);
  };
};
const limit = (config: Readonly<Record<string, unknown>>): unknown =>
  filter("limit", "local_ratelimit.v3.LocalRateLimit", {
    stat_prefix: "l",
    token_bucket: { max_tokens: 1, tokens_per_fill: 1, fill_interval: "60s" },
    filter_enabled: { default_value: { numerator: 100 } },
    ...config,
  });
const behind = (entry: unknown): Edit => insert(FILTERS, GUARD + 1, entry);
const protocol = (options: object): Edit =>
  set([...CLUSTERS, 0, "typed_extension_protocol_options"], {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": googleType("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
      explicit_http_config: { http_protocol_options: {} },
      ...options,
    },
  });
const onHeader = (header_name: string): object => ({
  single_predicate: {
    input: {
      name: "h",
      typed_config: { "@type": googleType("envoy.type.matcher.v3.HttpRequestHeaderMatchInput"), header_name },
    },
    value_match: { safe_regex: { regex: ".*" } },
  },
});

const requests: readonly Change[] = [
  {
    name: "the path chooses the host behind the verdict",
    edit: set([...ROUTE, "route", "host_rewrite_path_regex"], {
      pattern: { regex: "^/(.+)/.+$" },
      substitution: "\\1.internal",
    }),
    says: /host becomes what the client's path says/,
    effect: { kind: "upstream", gets: /"host":"orders\.internal"/ },
  },
  {
    name: "a rate limit adds an attestation",
    edit: behind(
      limit({
        request_headers_to_add_when_not_enforced: [{ header: { key: "x-break-glass-grant", value: "forged" } }],
      }),
    ),
    says: /takes it for the filter's attestation/,
  },
  {
    name: "a rate limit of the route adds an attestation",
    edit: all(
      behind(limit({})),
      set([...ROUTE, "typed_per_filter_config"], {
        limit: {
          "@type": http("local_ratelimit.v3.LocalRateLimit"),
          stat_prefix: "r",
          request_headers_to_add_when_not_enforced: [{ header: { key: "x-break-glass-grant", value: "forged" } }],
        },
      }),
    ),
    says: /takes it for the filter's attestation/,
  },
  {
    name: "a tag of addresses is an attestation",
    edit: behind(
      filter("tags", "ip_tagging.v3.IPTagging", {
        request_type: "BOTH",
        ip_tags: [{ ip_tag_name: "forged", ip_list: [{ address_prefix: "0.0.0.0", prefix_len: 0 }] }],
        ip_tag_header: { header: "X-Break-Glass-Grant", action: "SANITIZE" },
      }),
    ),
    says: /takes it for the filter's attestation/,
    effect: { kind: "upstream", gets: /forged/ },
  },
  {
    name: "an override header with a fixed value behind the verdict",
    edit: set([...ROUTE, "request_headers_to_add"], [{ header: { key: "X-Original-URL", value: "/admin" } }]),
    says: /x-original-url is set behind the verdict/,
    effect: { kind: "upstream", gets: /"x-original-url":"\/admin"/ },
  },
  {
    name: "an upgrade chain that is off until a route switches it on",
    edit: all(
      set([...MANAGER, "upgrade_configs"], [{ upgrade_type: "websocket", enabled: false, filters: [router] }]),
      set([...ROUTE, "route", "upgrade_configs"], [{ upgrade_type: "websocket", enabled: true }]),
    ),
    says: /websocket has a filter chain of its own/,
    effect: { kind: "open", headers: { connection: "Upgrade", upgrade: "websocket" } },
  },
  {
    name: "the server name towards the upstream by a header",
    edit: protocol({ upstream_http_protocol_options: { auto_sni: true, override_auto_sni_header: "x-sni" } }),
    says: /a request header chooses the server name/,
    level: "not understood",
  },
  {
    name: "a header chooses the host by load balancing",
    edit: set([...CLUSTERS, 0, "load_balancing_policy"], {
      policies: [
        {
          typed_extension_config: {
            name: "override",
            typed_config: {
              "@type": googleType("envoy.extensions.load_balancing_policies.override_host.v3.OverrideHost"),
            },
          },
        },
      ],
    }),
    says: /the load balancing policy override is not known here/,
    level: "not understood",
  },
  {
    name: "a field of the upstream's protocol that nobody knows",
    edit: protocol({ request_mirror_policies: [{ cluster: "other" }] }),
    says: /request_mirror_policies of HttpProtocolOptions is not known here/,
    level: "not understood",
  },
  {
    name: "a route asks another authorization service",
    edit: set([...ROUTE, "typed_per_filter_config"], {
      authz: {
        "@type": http("ext_authz.v3.ExtAuthzPerRoute"),
        check_settings: { http_service: { server_uri: { uri: "http://x", cluster: "x", timeout: "1s" } } },
      },
    }),
    says: /http_service of CheckSettings is not known here/,
    level: "not understood",
  },
  {
    name: "a matcher inside a matcher skips the glassgate filter",
    edit: (document) => {
      const inner: unknown = document.getIn([...DISCOVERY, "default_config"]);
      const nested = { matcher_list: { matchers: [{ predicate: onHeader("x-off"), on_match: skip }] } };
      set([...FILTERS, 0], {
        name: "glassgate",
        typed_config: {
          "@type": googleType("envoy.extensions.common.matching.v3.ExtensionWithMatcher"),
          xds_matcher: {
            matcher_list: { matchers: [{ predicate: onHeader(":path"), on_match: { matcher: nested } }] },
          },
          extension_config: { name: "glassgate", typed_config: inner },
        },
      })(document);
    },
    says: /a matcher decides about the glassgate filter/,
    level: "not understood",
  },
  {
    name: "code from elsewhere",
    edit: set([...VM, "code"], {
      remote: { http_uri: { uri: "http://x/x.wasm", cluster: "upstream", timeout: "1s" }, sha256: "00" },
    }),
    says: /the filter's code is no file of this machine/,
    level: "not understood",
  },
];

const ways: readonly Change[] = [
  ...(
    [
      ["localhost", "STRICT_DNS"],
      ["LOCALHOST.", "STRICT_DNS"],
      ["127.9.9.9", "STATIC"],
      ["0.0.0.0", "STATIC"],
      ["::ffff:127.0.0.1", "STATIC"],
      ["0:0:0:0:0:0:0:1", "STATIC"],
    ] as const
  ).map(
    ([host, type]): Change => ({
      name: `without a guard to the same host as ${host}`,
      edit: calls(host, type),
      says: /leads to two, which is guarded elsewhere, past the guard/,
      ...(host === "localhost" ? { effect: { kind: "open" }, listener: 1 } : {}),
    }),
  ),
  {
    name: "without a guard to a cluster of clusters",
    edit: all(
      side({}, manager([to("both")])),
      cluster("both", {
        connect_timeout: "1s",
        lb_policy: "CLUSTER_PROVIDED",
        cluster_type: {
          name: "envoy.clusters.aggregate",
          typed_config: {
            "@type": googleType("envoy.extensions.clusters.aggregate.v3.ClusterConfig"),
            clusters: ["upstream"],
          },
        },
      }),
    ),
    says: /leads to both, which is guarded elsewhere, past the guard/,
    effect: { kind: "open" },
    listener: 1,
  },
  {
    name: "without a guard to where the host header says",
    edit: all(
      side({}, manager([to("any")])),
      cluster("any", {
        connect_timeout: "1s",
        lb_policy: "CLUSTER_PROVIDED",
        cluster_type: {
          name: "envoy.clusters.dynamic_forward_proxy",
          typed_config: {
            "@type": googleType("envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig"),
            dns_cache_config: { name: "c" },
          },
        },
      }),
    ),
    says: /any finds its hosts while it runs/,
    level: "not understood",
  },
  {
    name: "a script without a guard calls the upstream",
    edit: side(
      {},
      manager(
        [{ match: { prefix: "/" }, direct_response: { status: 404 } }],
        filter("script", "lua.v3.Lua", {
          default_source_code: {
            inline_string: `function envoy_on_request(h)
  local head, body = h:httpCall("upstream", { [":method"] = "GET", [":path"] = "/orders/7", [":authority"] = "x" }, "", 5000)
  h:respond({ [":status"] = "200" }, body)
end`,
          },
        }),
      ),
    ),
    says: /the filter script .*Lua.* is not known here/,
    level: "not understood",
    effect: { kind: "open" },
    listener: 1,
  },
  {
    name: "the guarded listener leads on to another of its own file",
    edit: all(
      side({ address: socket("0.0.0.0", 10001) }, manager([to("upstream")])),
      cluster("hop", at(socket("127.0.0.1", 10001))),
      set([...ROUTE, "route", "cluster"], "hop"),
    ),
    says: /this leads to upstream, which is guarded elsewhere, past the guard/,
  },
  {
    name: "the guarded listener leads on to an internal one, which another reaches as well",
    edit: all(
      side({}, manager([to("hop")])),
      insert(LISTENERS, 2, {
        name: "inner",
        internal_listener: {},
        filter_chains: [
          { filters: [network("tcp", "tcp_proxy.v3.TcpProxy", { stat_prefix: "t", cluster: "upstream" })] },
        ],
      }),
      cluster("hop", at({ envoy_internal_address: { server_listener_name: "inner" } })),
      set([...ROUTE, "route", "cluster"], "hop"),
    ),
    says: /hop leads to the listener inner of this file/,
    level: "not understood",
  },
  {
    name: "the server name chooses the cluster",
    edit: side(
      {},
      network("sni", "sni_cluster.v3.SniCluster", {}),
      network("tcp", "tcp_proxy.v3.TcpProxy", { stat_prefix: "t", cluster: "other" }),
    ),
    says: /the network filter sni .* is not known here/,
    level: "not understood",
  },
  {
    name: "a listener whose filter chains come by xDS alone",
    edit: side({ fcds_config: { config_source: { ads: {} } } }),
    says: /filter chains come by xDS/,
    level: "not understood",
  },
  {
    name: "a listener without filter chains that forwards datagrams",
    edit: side({
      listener_filters: [
        {
          name: "udp",
          typed_config: { "@type": googleType("envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig") },
        },
      ],
    }),
    says: /the listener filter udp .* is not known here/,
    level: "not understood",
  },
  {
    name: "a harmless page of the admin interface becomes another",
    edit: all(
      cluster("stats", at(socket("localhost", 9901))),
      insert([...HOST, "routes"], 0, {
        match: { path: "/ready" },
        route: { cluster: "stats", prefix_rewrite: "/quitquitquit" },
      }),
    ),
    says: /leads to the admin interface/,
  },
  {
    name: "a Wasm sink of statistics in the filter's own VM",
    edit: set(
      ["stats_sinks"],
      [
        {
          name: "sink",
          typed_config: {
            "@type": googleType("envoy.extensions.stat_sinks.wasm.v3.Wasm"),
            config: { name: "x", vm_config: { vm_id: "glassgate-1", code: { local: { filename: "/x.wasm" } } } },
          },
        },
      ],
    ),
    says: /another plugin has the glassgate filter's vm_id/,
  },
];

const leaks: readonly Change[] = [
  {
    name: "a format hides an operator in another's argument",
    edit: set(
      [...ACCESS, "typed_config", "log_format", "json_format", "odd"],
      "%START_TIME(a(b)%%REQ(x-break-glass)%)%%",
    ),
    says: /this format prints the grant/,
    effect: { kind: "logged" },
    filterMissing: true,
  },
  {
    name: "a rate limit descriptor with the grant",
    edit: set(
      [...ROUTE, "route", "rate_limits"],
      [{ actions: [{ request_headers: { header_name: "X-Break-Glass", descriptor_key: "k" } }] }],
    ),
    says: /sends the grant.* to a log or trace/,
  },
  {
    name: "a rate limit descriptor by an expression",
    edit: set([...HOST, "rate_limits"], [{ actions: [{ extension: { name: "cel" } }] }]),
    says: /an expression makes this descriptor/,
    level: "not understood",
  },
  {
    name: "a quota's bucket by the grant",
    edit: insert(
      FILTERS,
      0,
      filter("quota", "rate_limit_quota.v3.RateLimitQuotaFilterConfig", {
        domain: "d",
        bucket_matchers: { on_no_match: { action: { custom_value: { header_name: "x-break-glass" } } } },
      }),
    ),
    says: /quota reads x-break-glass/,
    level: "not understood",
  },
  ...["../../../../dev/null", "/proc/self/root/dev/null", "/dev/shm/../null", "/dev/fd/9"].map(
    (path): Change => ({
      name: `the audit log goes to ${path}`,
      edit: set([...AUDIT, "typed_config", "path"], path),
      says: /no access log writes the audit record/,
    }),
  ),
  {
    name: "TLS keys towards the upstream written down",
    edit: set([...CLUSTERS, 0, "transport_socket"], {
      name: "tls",
      typed_config: {
        "@type": googleType("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"),
        common_tls_context: { key_log: { path: "/x" } },
      },
    }),
    says: /key_log writes TLS keys down/,
  },
];

export const unread: readonly Change[] = [...requests, ...ways, ...leaks];
