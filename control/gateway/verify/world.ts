/** What Envoy holds, from a bootstrap or from the output of /config_dump: listeners, clusters, routes and filters by discovery. */
import { readTextIfThere } from "../../base/files.js";
import type { Findings } from "./findings.js";
import { load } from "./load.js";
import { Message, openAny, type Typed, type Where } from "./message.js";
import type { Value } from "./value.js";

export interface World {
  readonly bootstrap: Message;
  readonly listeners: readonly Message[];
  readonly clusters: readonly Message[];
  /** Route configurations that came by RDS. */
  readonly routes: ReadonlyMap<string, Message>;
  /** Filters that came by ECDS. */
  readonly filters: ReadonlyMap<string, Typed>;
  /** What an ECDS file on this machine holds; undefined where there is none. */
  readonly readEcds: (path: string) => readonly NamedConfig[] | undefined;
  /** Files that would have been read. */
  readonly unseen: string[];
  readonly isDump: boolean;
  /** Whether listeners that came by xDS are here. */
  readonly showsListeners: boolean;
  readonly showsClusters: boolean;
  /** Whether listeners come by xDS and are not here. */
  readonly hidesListeners: boolean;
}

export interface NamedConfig {
  readonly name: string;
  readonly config: Typed;
}

function ecdsReader(where: Where, unseen: string[]): World["readEcds"] {
  return (path) => {
    const text = readTextIfThere(path, "the ECDS file");
    if (text === undefined) {
      unseen.push(`${path} is not on this machine`);
      return undefined;
    }
    const response = Message.of(load(text, path, path).root, "DiscoveryResponse", where);
    return response.values("resources").map((resource) => {
      const extension = Message.of(resource, "TypedExtensionConfig", where);
      return { name: extension.text("name") ?? "", config: extension.any("typed_config") };
    });
  };
}

interface Collected {
  bootstrap: Value | undefined;
  listeners: Value[] | undefined;
  clusters: Value[] | undefined;
  routes: Map<string, Message>;
  filters: Map<string, Typed>;
}

/** `active_state.listener` of a dynamic listener, and its other states: a draining one still serves. */
function states(entry: Message, field: string): Value[] {
  const found = ["active_state", "warming_state", "draining_state"].flatMap((state) => {
    const message = entry.message(state);
    message.harmless("version_info", "last_updated", "client_status");
    return message.take(field) ?? [];
  });
  entry.harmless("name", "error_state", "client_status");
  entry.done();
  return found;
}

function one(entry: Message, field: string): Value[] {
  entry.harmless("last_updated", "version_info", "client_status", "error_state", "name");
  const value = entry.take(field);
  entry.done();
  return value === undefined ? [] : [value];
}

const SILENT = new Set(["SecretsConfigDump", "EndpointsConfigDump", "ScopedRoutesConfigDump"]);

function collect(config: Typed, into: Collected): void {
  const { type, message } = config;
  const kind = type.replace(/^envoy\.admin\.v3\./, "");
  message.harmless("version_info", "last_updated");
  switch (kind) {
    case "BootstrapConfigDump":
      into.bootstrap = message.take("bootstrap");
      break;
    case "ListenersConfigDump":
      into.listeners = [
        ...message.messages("static_listeners").flatMap((entry) => one(entry, "listener")),
        ...message.messages("dynamic_listeners").flatMap((entry) => states(entry, "listener")),
      ];
      break;
    case "ClustersConfigDump":
      into.clusters = ["static_clusters", "dynamic_active_clusters", "dynamic_warming_clusters"].flatMap((field) =>
        message.messages(field).flatMap((entry) => one(entry, "cluster")),
      );
      break;
    case "RoutesConfigDump":
      for (const field of ["static_route_configs", "dynamic_route_configs"]) {
        for (const value of message.messages(field).flatMap((entry) => one(entry, "route_config"))) {
          const route = Message.of(value, "RouteConfiguration", message.where);
          const name = route.text("name") ?? "";
          if (field === "dynamic_route_configs") into.routes.set(name, route);
        }
      }
      break;
    case "EcdsConfigDump":
      for (const value of message.messages("ecds_filters").flatMap((entry) => one(entry, "ecds_filter"))) {
        const extension = Message.of(
          openAny(value, message.where).message.value,
          "TypedExtensionConfig",
          message.where,
        );
        into.filters.set(extension.text("name") ?? "", extension.any("typed_config"));
        extension.done();
      }
      break;
    default:
      if (!SILENT.has(kind))
        message.unknown(`dump:${kind}`, `this part of the dump (${kind || "without @type"}) is not known here`);
      if (kind === "ScopedRoutesConfigDump" && message.values("dynamic_scoped_route_configs").length > 0)
        message.unknown("scoped-routes", "scoped routes are not read here");
      return;
  }
  message.done();
}

const fetchesListeners = (bootstrap: Message): boolean => bootstrap.message("dynamic_resources").has("lds_config");

export function worldOf(root: Value, found: Findings): World {
  const where: Where = { found, scope: "" };
  const top = Message.of(root, "Bootstrap", where);
  const unseen: string[] = [];
  const files = { readEcds: ecdsReader(where, unseen), unseen };
  const isDump = !top.has("static_resources") && top.has("configs");
  if (!isDump) {
    const resources = top.message("static_resources", "StaticResources");
    const listeners = resources.messages("listeners", "Listener");
    const clusters = resources.messages("clusters", "Cluster");
    resources.harmless("secrets");
    resources.done();
    const none = new Map<string, never>();
    const base = { bootstrap: top, listeners, clusters, routes: none, filters: none, isDump };
    return { ...base, ...files, showsListeners: false, showsClusters: false, hidesListeners: fetchesListeners(top) };
  }
  const into: Collected = {
    bootstrap: undefined,
    listeners: undefined,
    clusters: undefined,
    routes: new Map(),
    filters: new Map(),
  };
  for (const config of top.values("configs")) collect(openAny(config, where), into);
  top.done();
  const bootstrap = Message.of(into.bootstrap, "Bootstrap", where);
  const resources = bootstrap.message("static_resources", "StaticResources");
  resources.harmless("secrets");
  const all = (field: string, about: string, dumped: readonly Value[] | undefined): Message[] => {
    const values = dumped ?? resources.values(field);
    resources.harmless(field);
    return values.map((value) => Message.of(value, about, where));
  };
  const listeners = all("listeners", "Listener", into.listeners);
  const clusters = all("clusters", "Cluster", into.clusters);
  resources.done();
  if (into.bootstrap === undefined)
    found.add("not understood", root, "dump-part:bootstrap@", "this dump has no bootstrap", "dump all of /config_dump");
  if (into.listeners === undefined)
    found.add("not understood", root, "dump-part:listeners@", "this dump has no listeners", "dump all of /config_dump");
  return {
    ...files,
    bootstrap,
    listeners,
    clusters,
    routes: into.routes,
    filters: into.filters,
    isDump,
    showsListeners: into.listeners !== undefined,
    hidesListeners: into.listeners === undefined && fetchesListeners(bootstrap),
    showsClusters: into.clusters !== undefined,
  };
}
