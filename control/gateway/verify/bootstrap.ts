/** What stands round the listeners: node, admin interface, statistics, runtime, and what comes by xDS. */

import { type Plugin, readPlugin } from "./filters/wasm.js";
import { judgeAccessLogs } from "./logs.js";
import type { Message } from "./message.js";
import { placesIn } from "./places.js";
import type { Value } from "./value.js";
import type { World } from "./world.js";

/** Gauges that `push` reads. */
const GAUGES = [
  "wasmcustom.glassgate.generation.domain=0123456789abcdef",
  "wasmcustom.glassgate.generation_vms.domain=0123456789abcdef",
  "wasmcustom.glassgate.bundle_version.domain=0123456789abcdef",
  "wasmcustom.glassgate.decisions.verdict=allow",
  "wasm.envoy.wasm.runtime.v8.active",
  "extension_config_discovery.http_filter.glassgate.config_fail",
] as const;

/** Whether a StringMatcher fits; a pattern that cannot be read fits everything. */
function fits(pattern: Message, name: string): boolean {
  const fold = pattern.flag("ignore_case") === true ? (text: string) => text.toLowerCase() : (text: string) => text;
  const test = (field: string, is: (text: string) => boolean): boolean | undefined => {
    const text = pattern.text(field);
    return text === undefined ? undefined : is(fold(text));
  };
  const shown = fold(name);
  const plain =
    test("exact", (text) => shown === text) ??
    test("prefix", (text) => shown.startsWith(text)) ??
    test("suffix", (text) => shown.endsWith(text)) ??
    test("contains", (text) => shown.includes(text));
  if (plain !== undefined) return plain;
  const regex = pattern.message("safe_regex").text("regex");
  if (regex === undefined || /\)[*+{]/.test(regex)) return true; // A repeated group may take for ever here, not in RE2.
  try {
    return new RegExp(`^(?:${regex})$`, "u").test(name);
  } catch {
    return true; // RE2 knows forms that are none here: taken for one that fits.
  }
}

function judgeStats(bootstrap: Message): void {
  const config = bootstrap.message("stats_config", "StatsConfig");
  config.harmless("stats_tags", "use_all_default_tags", "histogram_bucket_settings");
  const matcher = config.message("stats_matcher", "StatsMatcher");
  config.done();
  if (!matcher.exists) return;
  const patterns = (list: string): Message[] => matcher.message(list).messages("patterns", "StringMatcher");
  const included = patterns("inclusion_list");
  const excluded = patterns("exclusion_list");
  const isHidden = (name: string): boolean =>
    (matcher.has("inclusion_list") && !included.some((pattern) => fits(pattern, name))) ||
    excluded.some((pattern) => fits(pattern, name));
  if (matcher.flag("reject_all") === true || GAUGES.some(isHidden))
    matcher.danger(
      "stats-hidden",
      "stats_matcher hides the filter's gauges: nobody can see what serves, and a push or a revocation cannot be confirmed",
      "let the prefixes wasmcustom.glassgate., wasm. and extension_config_discovery. through",
    );
  matcher.done();
}

export interface AdminPlace {
  /** As clusters name it. */
  readonly place: string;
  readonly shown: string;
}

export function adminPlaceOf(bootstrap: Message): AdminPlace | undefined {
  const address = bootstrap.message("admin", "Admin").message("address", "Address");
  const [place] = placesIn(address.value);
  if (place === undefined) return undefined;
  const socket = address.message("socket_address");
  return { place, shown: socket.exists ? `${socket.text("address")}:${socket.text("port_value") ?? ""}` : place };
}

function judgeAdmin(bootstrap: Message): void {
  const admin = bootstrap.message("admin", "Admin");
  if (!admin.exists) return;
  const where = admin.inScope("admin");
  const address = admin.message("address", "Address").message("socket_address", "SocketAddress").text("address");
  if (address !== undefined && !/^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/i.test(address))
    where.danger(
      "admin-open",
      `the admin interface listens on ${address}: whoever reaches it can stop the gateway`,
      "bind it to 127.0.0.1",
    );
  judgeAccessLogs(where, "access_log");
  where.harmless("access_log_path", "profile_path", "address", "socket_options", "ignore_global_conn_limit");
  if (where.values("allow_paths").length > 0)
    where.warn(
      "admin-paths",
      "admin.allow_paths may hide what `glassgate push` reads",
      "allow /stats, /server_info, /listeners and /config_dump",
      where.at("allow_paths"),
    );
  where.done();
}

function judgeNode(bootstrap: Message): void {
  const node = bootstrap.message("node", "Node");
  for (const key of ["id", "cluster"]) {
    if ((node.text(key) ?? "") === "")
      bootstrap.danger(
        `node-${key}`,
        `node.${key} is not set: ECDS needs it, and records name the gateway by node.id`,
        `set node.${key}`,
        node.value ?? bootstrap.value,
      );
  }
}

/** A name that more than this file reads: this finding comes before all others. */
export const LISTENERS_BY_XDS = "listeners-by-xds";

/** What curl takes to read the dump, from the admin interface that stands in the file; an odd address is left to the reader. */
function dumpAt(bootstrap: Message): string {
  const address = bootstrap.message("admin").message("address");
  const socket = address.message("socket_address");
  const host = socket.text("address") ?? "";
  const port = socket.text("port_value") ?? "";
  const path = address.message("pipe").text("path") ?? "";
  if (/^[\w./-]+$/.test(path)) return `--unix-socket ${path} 'http://localhost/config_dump?include_eds'`;
  const isPlain = /^[\w.:-]+$/.test(host) && /^[1-9]\d*$/.test(port);
  const place = isPlain ? `${host.includes(":") ? `[${host}]` : host}:${port}` : "ADMIN";
  return `'${place}/config_dump?include_eds'`;
}

function judgeDynamic(bootstrap: Message, world: World): void {
  const dynamic = bootstrap.message("dynamic_resources", "DynamicResources");
  if (world.hidesListeners)
    dynamic.unknown(
      LISTENERS_BY_XDS,
      `listeners come by xDS and are not in this file. See them with: curl ${dumpAt(bootstrap)} > dump.json; glassgate gateway verify dump.json`,
      dynamic.at("lds_config"),
    );
  dynamic.harmless("lds_config");
  if (dynamic.take("cds_config") !== undefined && !world.showsClusters)
    dynamic.warn(
      "clusters-by-xds",
      "clusters come by xDS and are not in this file",
      "verify the gateway's config_dump",
    );
  dynamic.harmless("ads_config", "lds_resources_locator", "cds_resources_locator");
  dynamic.done();
}

/** Runtime keys that change nothing about who may pass. */
const QUIET_KEYS = /^(?:envoy\.restart_features\.|re2\.|overload\.|upstream\.|health_check\.|envoy\.resource_limits\.)/;

/** Nested maps are keys with dots, as Envoy takes them; a fraction is a value. */
function keysOf(entries: readonly [string, Value][]): [string, Value][] {
  return entries.flatMap(([key, value]): [string, Value][] =>
    value.map === undefined || value.map.has("numerator") || value.map.has("denominator")
      ? [[key, value]]
      : keysOf([...value.map].map(([inner, below]) => [`${key}.${inner}`, below])),
  );
}

function judgeRuntime(bootstrap: Message): void {
  const runtime = bootstrap.message("layered_runtime", "LayeredRuntime");
  for (const layer of runtime.messages("layers", "RuntimeLayer")) {
    const name = layer.text("name") ?? "";
    for (const [key, value] of keysOf(layer.entries("static_layer")))
      if (!QUIET_KEYS.test(key))
        layer.unknown(
          `runtime:${key}`,
          `the runtime key ${key} changes how Envoy behaves, and is not known here`,
          value,
        );
    for (const field of ["disk_layer", "rtds_layer"])
      if (layer.take(field) !== undefined)
        layer.unknown(`runtime-layer:${name}`, `runtime values come from elsewhere (${field})`, layer.at(field));
    if (layer.take("admin_layer") !== undefined)
      layer.warn(
        `runtime-layer:${name}`,
        "admin_layer: whoever reaches the admin interface can switch off what this file says (runtime_modify)",
        "take the layer out",
        layer.at("admin_layer"),
      );
    layer.done();
  }
  runtime.done();
}

const HARMLESS = [
  ...["cluster_manager", "hds_config", "flags_path", "deferred_stat_options", "stats_flush_interval"],
  ...["stats_flush_on_admin", "stats_eviction_interval", "watchdog", "watchdogs", "tracing", "overload_manager"],
  ...["enable_dispatcher_stats", "header_prefix", "stats_server_version_override", "use_tcp_for_dns_lookups"],
  ...["dns_resolution_config", "typed_dns_resolver_config", "fatal_actions", "config_sources", "default_config_source"],
  ...["node_context_params", "inline_headers", "perf_tracing_file_path", "default_regex_engine", "listener_manager"],
  ...["application_log_config", "memory_allocator_manager", "grpc_async_client_manager_config", "node"],
  ...["default_socket_interface", "certificate_provider_instances", "static_resources"],
] as const;

const SINKS =
  /^envoy\.(?:config\.metrics\.v3\.(?:StatsdSink|DogStatsdSink|HystrixSink|MetricsServiceConfig)|extensions\.stat_sinks\.(?:graphite_statsd|open_telemetry)\.v3\.\w+)$/;

/** @returns Wasm plugins that run beside the listeners */
export function judgeBootstrap(world: World, hasFilter: boolean): Plugin[] {
  const { bootstrap } = world;
  if (!bootstrap.exists) return [];
  if (hasFilter) {
    judgeNode(bootstrap);
    judgeStats(bootstrap);
    judgeRuntime(bootstrap);
  } else bootstrap.harmless("stats_config", "layered_runtime");
  judgeAdmin(bootstrap);
  judgeDynamic(bootstrap, world);
  const plugins: Plugin[] = [];
  for (const { type, message, outer, name } of bootstrap.extensions("bootstrap_extensions")) {
    if (type === "envoy.extensions.wasm.v3.WasmService") plugins.push(readPlugin(message.harmless("singleton"), false));
    else if (!type.endsWith(".internal_listener.v3.InternalListener"))
      outer.unknown(`bootstrap:${type || name}`, `the bootstrap extension ${name} is not known here`);
  }
  for (const { type, message, outer, name } of bootstrap.extensions("stats_sinks")) {
    if (type === "envoy.extensions.stat_sinks.wasm.v3.Wasm") plugins.push(readPlugin(message, false));
    else if (!SINKS.test(type))
      outer.unknown(`stats-sink:${type || name}`, `the statistics sink ${name} is not known here`);
  }
  const prefix = bootstrap.take("header_prefix");
  if (prefix !== undefined && hasFilter)
    bootstrap.unknown("header-prefix", "header_prefix renames Envoy's own headers", prefix);
  bootstrap.harmless(...HARMLESS);
  bootstrap.done();
  return plugins;
}
