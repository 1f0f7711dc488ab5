/** Listeners and their filter chains, down to connection managers and TCP proxies. */
import type { Anchors } from "../../trust/anchors.js";
import { HARMLESS_LISTENER, HARMLESS_NETWORK } from "./filters/others.js";
import { judgeState } from "./filters/state.js";
import { type Plugin, readPlugin } from "./filters/wasm.js";
import { Findings } from "./findings.js";
import { judgeAccessLogs } from "./logs.js";
import { type Manager, walkManager } from "./manager.js";
import { type Extension, Message } from "./message.js";
import { placesIn } from "./places.js";
import { noReach, type Reach } from "./routes.js";
import { judgeSocket } from "./tls.js";
import { everyValue, type Value } from "./value.js";
import type { World } from "./world.js";

/** One way in: what was found on it is kept apart until it is known whether it leads to a guarded upstream. */
export interface Entrance {
  readonly found: Findings;
  readonly at: Message;
  readonly manager: Manager | undefined;
  readonly reach: Reach;
  readonly plugins: readonly Plugin[];
  /** Where it listens, as clusters name it. */
  readonly addresses: readonly string[];
  /** Whether only this machine reaches it. */
  readonly isLocal: boolean;
  /** `api`, or `api#2` for the second chain. */
  readonly scope: string;
}

const network = (name: string): string => `envoy.extensions.filters.network.${name}`;
const MANAGER = network("http_connection_manager.v3.HttpConnectionManager");
const TCP = network("tcp_proxy.v3.TcpProxy");

/** Fields of a TCP proxy that change nothing about where it leads. */
const TCP_HARMLESS = [
  ...["stat_prefix", "metadata_match", "idle_timeout", "access_log_options", "max_connect_attempts", "hash_policy"],
  ...["tunneling_config", "max_downstream_connection_duration", "access_log_flush_interval", "backoff_options"],
  ...["flush_access_log_on_connected", "proxy_protocol_tlvs", "upstream_connect_mode", "max_early_data_bytes"],
] as const;

function tcpReach(proxy: Message): Reach {
  const reach = noReach();
  const name = proxy.text("cluster");
  if (name !== undefined) reach.clusters.set(name, proxy);
  for (const cluster of proxy.message("weighted_clusters").messages("clusters"))
    reach.clusters.set(cluster.text("name") ?? "", cluster);
  if (reach.clusters.size === 0) reach.isUnknown = true;
  for (const reached of reach.clusters.keys()) reach.wide.add(reached);
  judgeAccessLogs(proxy);
  proxy.harmless(...TCP_HARMLESS);
  proxy.done();
  return reach;
}

const PROXY_HEADER =
  "the PROXY header says where the client is: who reaches this listener past the proxy chooses it, and that cannot be seen here";

type Common = Pick<Entrance, "found" | "addresses" | "isLocal" | "scope">;

interface Walked {
  readonly at: Message;
  readonly manager: Manager | undefined;
  readonly reach: Reach;
  readonly plugins: Plugin[];
}

function walkFilter(filter: Extension, world: World, anchors: Anchors | undefined): Walked {
  const { type, message, outer, name } = filter;
  const walked: Walked = { at: outer, manager: undefined, reach: noReach(), plugins: [] };
  if (outer.has("config_discovery")) {
    outer.unknown(`network-discovery:${name}`, `what ${name} does comes by xDS and is not in this file`);
    outer.harmless("config_discovery");
    outer.done();
    return { ...walked, reach: noReach(true) };
  }
  outer.done();
  if (type === MANAGER) {
    const manager = walkManager(message, world, anchors);
    return { ...walked, at: message, manager, reach: manager.reach, plugins: [...manager.guarding.plugins] };
  }
  if (type === TCP) return { ...walked, reach: tcpReach(message) };
  if (judgeState(type, message) || HARMLESS_NETWORK.has(type)) return walked;
  if (type === network("wasm.v3.Wasm")) walked.plugins.push(readPlugin(message, false));
  outer.unknown(`network:${type || name}`, `the network filter ${name} (${type || "without type"}) is not known here`);
  return { ...walked, reach: noReach(true) };
}

function walkChain(chain: Message, world: World, anchors: Anchors | undefined, common: Common): Entrance {
  const walked = chain.extensions("filters").map((filter) => walkFilter(filter, world, anchors));
  const clusters = new Map(walked.flatMap(({ reach }) => [...reach.clusters]));
  const wide = new Set(walked.flatMap(({ reach }) => [...reach.wide]));
  const main = walked.find(({ manager }) => manager !== undefined) ?? walked.at(-1);
  judgeSocket(chain, main?.manager?.guarding.glassgate !== undefined);
  if (chain.flag("use_proxy_proto") === true) chain.unknown("proxy-protocol", PROXY_HEADER);
  chain.harmless("filter_chain_match", "metadata", "transport_socket_connect_timeout", "name");
  chain.done();
  return {
    ...common,
    at: main?.at ?? chain,
    manager: main?.manager,
    reach: { clusters, wide, isUnknown: walked.some(({ reach }) => reach.isUnknown) },
    plugins: walked.flatMap(({ plugins }) => plugins),
  };
}

const HARMLESS = [
  ...["name", "stat_prefix", "filter_chain_matcher", "use_original_dst", "metadata"],
  ...["per_connection_buffer_limit_bytes", "drain_type", "listener_filters_timeout", "transparent", "freebind"],
  ...["continue_on_listener_filters_timeout", "socket_options", "tcp_fast_open_queue_length", "traffic_direction"],
  ...["udp_listener_config", "connection_balance_config", "enable_reuse_port", "reuse_port", "tcp_backlog_size"],
  ...["max_connections_to_accept_per_socket_event", "bind_to_port", "enable_mptcp"],
  ...["ignore_global_conn_limit", "bypass_overload_manager", "deprecated_v1"],
] as const;

function judgeListenerFilters(listener: Message): void {
  for (const { type, message, outer, name } of listener.extensions("listener_filters")) {
    outer.harmless("filter_disabled");
    outer.done();
    if (judgeState(type, message) || HARMLESS_LISTENER.has(type)) continue;
    if (type.endsWith(".proxy_protocol.v3.ProxyProtocol")) outer.unknown("proxy-protocol", PROXY_HEADER);
    else outer.unknown(`listener-filter:${type || name}`, `the listener filter ${name} (${type}) is not known here`);
  }
}

function walkListener(value: Value, name: string, world: World, anchors: Anchors | undefined): Entrance[] {
  const common = new Findings();
  const listener = Message.of(value, "Listener", { found: common, scope: name });
  judgeListenerFilters(listener);
  judgeAccessLogs(listener);
  if (listener.take("api_listener") !== undefined)
    listener.unknown("api-listener", "an api_listener is not read here", listener.at("api_listener"));
  if (listener.take("fcds_config") !== undefined)
    listener.unknown("filter-chains", "filter chains come by xDS and are not in this file", listener.at("fcds_config"));
  const chains = [...listener.values("filter_chains")];
  const fallback = listener.take("default_filter_chain");
  if (fallback !== undefined) chains.push(fallback);
  const own = ["address", "additional_addresses"].flatMap((field) => placesIn(listener.take(field)));
  const isInternal = listener.take("internal_listener") !== undefined;
  const addresses = isInternal ? [...own, `internal:${name}`] : own;
  const isLocal = addresses.length > 0 && (isInternal || isLoopback(listener));
  listener.harmless(...HARMLESS);
  listener.done();
  const commonOf = (scope: string): Common => {
    const found = new Findings();
    found.addAll(common.list);
    return { found, addresses, isLocal, scope };
  };
  // Nothing to walk, and what was found on the listener itself counts all the same.
  if (chains.length === 0)
    return [{ ...commonOf(name), at: listener, manager: undefined, reach: noReach(true), plugins: [] }];
  return chains.map((chain, index) => {
    const common = commonOf(index === 0 ? name : `${name}#${chain.map?.get("name")?.text ?? index + 1}`);
    return walkChain(Message.of(chain, "FilterChain", common), world, anchors, common);
  });
}

/** Not `0.0.0.0`, which is this machine to a cluster and every network to a listener. */
function isLoopback(listener: Message): boolean {
  const texts = [...listener.values("address"), ...listener.values("additional_addresses")].flatMap((value) => [
    ...everyValue(value),
  ]);
  const hosts = texts.filter(({ key, value }) => key === "address" && value.text !== undefined);
  return hosts.length > 0 && hosts.every(({ value }) => /^(?:127\.\d+\.\d+\.\d+|::1)$/.test(value.text ?? ""));
}

export function walkListeners(world: World, anchors: Anchors | undefined): Entrance[] {
  return world.listeners.flatMap(({ value }, index) => {
    if (value === undefined) return [];
    const inner = value.map?.get("name")?.text ?? `listener-${index + 1}`;
    return walkListener(value, inner, world, anchors);
  });
}
