/** Where a cluster leads: its hosts under one spelling, so that two clusters with a host in common are known to be one upstream. */
import type { Message } from "./message.js";
import { everyValue, type Value } from "./value.js";

const LOOPBACK = /^(?:localhost|localhost\.localdomain|ip6-localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|::|::1)$/;

/** One spelling for one host: case, a trailing dot, the forms of IPv6; every name of this machine itself is `loopback`. */
function hostOf(address: string): string {
  let host = address.trim().toLowerCase().replace(/\.$/, "");
  if (host.includes(":")) {
    try {
      host = new URL(`http://[${host}]`).hostname.slice(1, -1);
    } catch {
      return host; // No IPv6 address: compared as it is written.
    }
    const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host);
    const [high, low] = [Number.parseInt(mapped?.[1] ?? "", 16), Number.parseInt(mapped?.[2] ?? "", 16)];
    if (mapped !== null) host = [high >> 8, high & 255, low >> 8, low & 255].join(".");
  }
  return LOOPBACK.test(host) ? "loopback" : host;
}

const field = (value: Value | undefined, snake: string, camel: string): Value | undefined =>
  value?.map?.get(snake) ?? value?.map?.get(camel);

/** Every address below: `host:port`, `unix:path`, `internal:listener`. */
export function placesIn(root: Value | undefined): string[] {
  const found: string[] = [];
  for (const { value } of root === undefined ? [] : everyValue(root)) {
    const socket = field(value, "socket_address", "socketAddress");
    const address = socket?.map?.get("address")?.text;
    const port = field(socket, "port_value", "portValue") ?? field(socket, "named_port", "namedPort");
    if (address !== undefined) found.push(`${hostOf(address)}:${port?.text ?? ""}`);
    const pipe = value.map?.get("pipe")?.map?.get("path")?.text;
    if (pipe !== undefined) found.push(`unix:${pipe}`);
    const internal = field(value, "envoy_internal_address", "envoyInternalAddress");
    const listener = field(internal, "server_listener_name", "serverListenerName")?.text;
    if (listener !== undefined) found.push(`internal:${listener}`);
  }
  return found;
}

const AGGREGATE = "envoy.extensions.clusters.aggregate.v3.ClusterConfig";
/** Clusters whose hosts stand in `load_assignment`, as with the older field `type`. */
export const DNS_CLUSTER = "envoy.extensions.clusters.dns.v3.DnsCluster";
const TYPES = ["STATIC", "STRICT_DNS", "LOGICAL_DNS", "EDS", "ORIGINAL_DST"] as const;

export interface Places {
  readonly places: readonly string[];
  /** Other clusters that it stands for. */
  readonly clusters: readonly string[];
  /** Why its hosts cannot be named, where they cannot. */
  readonly wanders?: string;
}

export function placesOfCluster(cluster: Message): Places {
  const places = placesIn(cluster.take("load_assignment"));
  const type = cluster.choice("type", TYPES);
  const eds = cluster.message("eds_cluster_config");
  if (eds.exists || type === "EDS") places.push(`eds:${eds.text("service_name") ?? cluster.text("name") ?? ""}`);
  const custom = cluster.extension("cluster_type");
  if (custom.type === AGGREGATE) return { places, clusters: custom.message.texts("clusters") };
  if (custom.outer.exists && custom.type !== DNS_CLUSTER)
    return { places, clusters: [], wanders: custom.name || custom.type };
  return { places, clusters: [], ...(type === "ORIGINAL_DST" ? { wanders: type } : {}) };
}
