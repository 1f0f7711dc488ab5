/** Upstreams: where they are, and what happens to a request between the filter and the upstream. */
import { inside, Message } from "./message.js";
import { everyValue } from "./value.js";
import type { World } from "./world.js";

/** `host:port` of every endpoint that a cluster names. */
export function endpointsOf(cluster: Message): string[] {
  const found: string[] = [];
  const assignment = cluster.take("load_assignment");
  for (const { value } of assignment === undefined ? [] : everyValue(assignment)) {
    const socket = value.map?.get("socket_address") ?? value.map?.get("socketAddress");
    const address = socket?.map?.get("address")?.text;
    const port = socket?.map?.get("port_value") ?? socket?.map?.get("portValue") ?? socket?.map?.get("named_port");
    if (address !== undefined) found.push(`${address.toLowerCase()}:${port?.text ?? ""}`);
    const pipe = value.map?.get("pipe")?.map?.get("path")?.text;
    if (pipe !== undefined) found.push(`unix:${pipe}`);
  }
  const discovery = cluster.message("eds_cluster_config");
  const service = discovery.text("service_name");
  if (service !== undefined) found.push(`eds:${service}`);
  return found;
}

const OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const SOCKETS =
  /^envoy\.extensions\.transport_sockets\.(?:tls\.v3\.UpstreamTlsContext|raw_buffer\.v3\.RawBuffer|proxy_protocol\.v3\.ProxyProtocolUpstreamTransport|quic\.v3\.QuicUpstreamTransport)$/;

const HARMLESS = [
  ...["name", "alt_stat_name", "type", "eds_cluster_config", "connect_timeout", "per_connection_buffer_limit_bytes"],
  ...["lb_policy", "load_assignment", "health_checks", "max_requests_per_connection", "circuit_breakers"],
  ...[
    "upstream_http_protocol_options",
    "common_http_protocol_options",
    "http_protocol_options",
    "http2_protocol_options",
  ],
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
  ...["ignore_health_on_host_removal", "load_balancing_policy", "track_timeout_budgets", "track_cluster_stats"],
  ...["preconnect_policy", "connection_pool_per_downstream_connection", "lrs_report_endpoint_metrics", "dns_options"],
] as const;

/** A cluster that requests reach past a guard. */
function judgeCluster(cluster: Message): void {
  for (const [key, value] of cluster.entries("typed_extension_protocol_options")) {
    const options = Message.of(value, key, cluster.where);
    if (!(value.map?.get("@type")?.text ?? "").endsWith(`/${OPTIONS}`)) {
      cluster.unknown(`protocol-options:${key}`, `these protocol options (${key}) are not known here`, value);
      continue;
    }
    for (const filter of options.extensions("http_filters"))
      if (!filter.type.endsWith(".upstream_codec.v3.UpstreamCodec"))
        filter.outer.unknown(
          `upstream-filter:${filter.type || filter.name}`,
          `${filter.name} stands between the verdict and the upstream: it may make another request of it`,
        );
  }
  const custom = cluster.extension("cluster_type");
  if (custom.outer.exists)
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
  const sockets = [cluster.extension("transport_socket")];
  for (const match of cluster.messages("transport_socket_matches")) sockets.push(match.extension("transport_socket"));
  for (const { outer, type } of sockets)
    if (outer.exists && !SOCKETS.test(type))
      outer.unknown(`upstream-socket:${type}`, `the transport socket ${type} is not known here`);
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
  /** Names of the cluster and its endpoints: two clusters with one of them in common are one upstream. */
  placesOf(cluster: string): ReadonlySet<string>;
  judge(cluster: string): void;
}

export function upstreamsOf(world: World): Upstreams {
  const byName = new Map(world.clusters.map((cluster) => [cluster.text("name") ?? "", cluster] as const));
  const judged = new Set<string>();
  return {
    placesOf: (name) => {
      const cluster = byName.get(name);
      return new Set([name, ...(cluster === undefined ? [] : endpointsOf(cluster))]);
    },
    judge: (name) => {
      const cluster = byName.get(name);
      if (cluster === undefined || judged.has(name)) return;
      judged.add(name);
      judgeCluster(Message.of(cluster.value, "Cluster", inside(cluster.where, `cluster:${name}`)));
    },
  };
}
