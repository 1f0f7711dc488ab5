/** Upstreams: where they are, and what happens to a request between the filter and the upstream. */
import { inside, Message } from "./message.js";
import { DNS_CLUSTER, placesOfCluster } from "./places.js";
import type { World } from "./world.js";

const OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const SOCKETS =
  /^envoy\.extensions\.transport_sockets\.(?:tls\.v3\.UpstreamTlsContext|raw_buffer\.v3\.RawBuffer|proxy_protocol\.v3\.ProxyProtocolUpstreamTransport|quic\.v3\.QuicUpstreamTransport)$/;

const HARMLESS = [
  ...["name", "alt_stat_name", "type", "eds_cluster_config", "connect_timeout", "per_connection_buffer_limit_bytes"],
  ...["lb_policy", "load_assignment", "health_checks", "max_requests_per_connection", "circuit_breakers"],
  ...["common_http_protocol_options", "http_protocol_options", "http2_protocol_options"],
  ...[
    "dns_refresh_rate",
    "dns_jitter",
    "dns_failure_refresh_rate",
    "respect_dns_ttl",
    "dns_lookup_family",
    "dns_resolvers",
  ],
  ...["use_tcp_for_dns_lookups", "dns_resolution_config", "typed_dns_resolver_config", "wait_for_warm_on_init"],
  ...["outlier_detection", "cleanup_interval", "upstream_bind_config", "lb_subset_config", "ring_hash_lb_config"],
  ...["maglev_lb_config", "least_request_lb_config", "round_robin_lb_config", "common_lb_config", "metadata"],
  ...["protocol_selection", "upstream_connection_options", "close_connections_on_host_health_failure"],
  ...["ignore_health_on_host_removal", "track_timeout_budgets", "track_cluster_stats"],
  ...["preconnect_policy", "connection_pool_per_downstream_connection", "lrs_report_endpoint_metrics", "dns_options"],
] as const;

const BALANCERS =
  /^envoy\.extensions\.load_balancing_policies\.(?:round_robin|least_request|random|ring_hash|maglev|pick_first|cluster_provided|client_side_weighted_round_robin)\.v3\.\w+$/;

function judgeBalancing(policy: Message): void {
  for (const choice of policy.messages("policies")) {
    const { type, name, outer } = choice.extension("typed_extension_config");
    if (!BALANCERS.test(type))
      outer.unknown(
        `balancer:${type || name}`,
        `the load balancing policy ${name} is not known here: who chooses the host?`,
      );
  }
}

/** The name that TLS asks for: an upstream that routes by it is another one for each name. */
function judgeServerName(options: Message): void {
  if (options.take("override_auto_sni_header") !== undefined)
    options.unknown(
      "sni-header",
      "a request header chooses the server name towards the upstream",
      options.at("override_auto_sni_header"),
    );
  options.harmless("auto_sni", "auto_san_validation");
  options.done();
}

function judgeOptions(options: Message): void {
  for (const filter of options.extensions("http_filters"))
    if (!filter.type.endsWith(".upstream_codec.v3.UpstreamCodec"))
      filter.outer.unknown(
        `upstream-filter:${filter.type || filter.name}`,
        `${filter.name} stands between the verdict and the upstream: it may make another request of it`,
      );
  judgeServerName(options.message("upstream_http_protocol_options", "UpstreamHttpProtocolOptions"));
  options.harmless(
    ...["common_http_protocol_options", "explicit_http_config", "use_downstream_protocol_config", "auto_config"],
    ...["outlier_detection", "hash_policy", "retry_policy"],
  );
  options.done();
}

/** What speaks HTTP/2 or 3 gets a client's trailers, and so does HTTP/1.1 that was told to. */
function getsTrailers(cluster: Message): boolean {
  const speaks = (options: Message): boolean =>
    options.has("http2_protocol_options") ||
    options.has("http3_protocol_options") ||
    options.message("http_protocol_options", "Http1ProtocolOptions").flag("enable_trailers") === true;
  return (
    speaks(cluster) ||
    cluster.entries("typed_extension_protocol_options").some(([, value]) => {
      const options = Message.of(value, "HttpProtocolOptions", cluster.where);
      const forms = ["explicit_http_config", "use_downstream_protocol_config"].map((name) => options.message(name));
      return options.has("auto_config") || forms.some(speaks);
    })
  );
}

/** A cluster that requests reach past a guard. */
function judgeCluster(cluster: Message): void {
  for (const [key, value] of cluster.entries("typed_extension_protocol_options")) {
    if (!(value.map?.get("@type")?.text ?? "").endsWith(`/${OPTIONS}`)) {
      cluster.unknown(`protocol-options:${key}`, `these protocol options (${key}) are not known here`, value);
      continue;
    }
    judgeOptions(Message.of(value, "HttpProtocolOptions", cluster.where));
  }
  judgeServerName(cluster.message("upstream_http_protocol_options", "UpstreamHttpProtocolOptions"));
  judgeBalancing(cluster.message("load_balancing_policy", "LoadBalancingPolicy"));
  const custom = cluster.extension("cluster_type");
  if (custom.outer.exists && custom.type !== DNS_CLUSTER)
    custom.outer.unknown(
      `cluster-type:${custom.type || custom.name}`,
      `the cluster type ${custom.name} chooses the upstream`,
    );
  const original = cluster.message("original_dst_lb_config");
  if (original.flag("use_http_header") === true)
    original.danger(
      "original-dst-header",
      "a request header (x-envoy-original-dst-host) chooses the upstream: any client can send it",
      "take use_http_header out",
    );
  original.done();
  const sockets = [cluster.extension("transport_socket")];
  for (const match of cluster.messages("transport_socket_matches")) sockets.push(match.extension("transport_socket"));
  for (const { outer, type, message } of sockets) {
    if (outer.exists && !SOCKETS.test(type))
      outer.unknown(`upstream-socket:${type}`, `the transport socket ${type} is not known here`);
    if (message.message("common_tls_context").has("key_log"))
      outer.danger("key-log", "key_log writes TLS keys down: whoever has them reads the requests", "take key_log out");
  }
  if (cluster.take("filters") !== undefined)
    cluster.unknown(
      "upstream-network-filters",
      "network filters towards the upstream are not read here",
      cluster.at("filters"),
    );
  for (const field of ["lrs_server", "transport_socket_matcher"]) cluster.harmless(field);
  cluster.harmless(...HARMLESS);
  cluster.done();
}

export interface Upstreams {
  /** Names of the cluster and its hosts: two clusters with one of them in common are one upstream. */
  placesOf(cluster: string): ReadonlySet<string>;
  /** Why a cluster's hosts cannot be named from this file; undefined where they can. */
  wanders(cluster: string): string | undefined;
  /** Whether Envoy hands a client's trailers on to it. */
  getsTrailers(cluster: string): boolean;
  judge(cluster: string): void;
}

export function upstreamsOf(world: World): Upstreams {
  const byName = new Map(world.clusters.map((cluster) => [cluster.text("name") ?? "", cluster] as const));
  const judged = new Set<string>();
  const follow = (name: string, places: Set<string>): string | undefined => {
    const isKnown = places.has(name);
    places.add(name);
    const cluster = byName.get(name);
    if (cluster === undefined || isKnown) return undefined;
    const found = placesOfCluster(cluster);
    for (const place of found.places) places.add(place);
    return found.clusters.map((inner) => follow(inner, places)).find((why) => why !== undefined) ?? found.wanders;
  };
  return {
    placesOf: (name) => {
      const places = new Set<string>();
      follow(name, places);
      return places;
    },
    wanders: (name) => follow(name, new Set()),
    getsTrailers: (name) => {
      const cluster = byName.get(name);
      return cluster !== undefined && getsTrailers(Message.of(cluster.value, "Cluster", cluster.where));
    },
    judge: (name) => {
      const cluster = byName.get(name);
      if (cluster === undefined || judged.has(name)) return;
      judged.add(name);
      judgeCluster(Message.of(cluster.value, "Cluster", inside(cluster.where, `cluster:${name}`)));
    },
  };
}
