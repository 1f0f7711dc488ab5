/** A Kong of the drill file, with what its declarative file says of it. */
import { UserError } from "../base/errors.js";
import { readText } from "../base/files.js";
import { KongAdmin } from "../gateway/kong/admin.js";
import { isKongFile } from "../gateway/kong/configuration.js";
import { Entities, type Entity } from "../gateway/kong/entities.js";
import { KongFile } from "../gateway/kong/file.js";
import { AUDIT_FIELD } from "../gateway/kong/names.js";
import { type Pair, pairsIn } from "../gateway/kong/pair.js";
import { demandsUnmet } from "../gateway/kong/promises.js";
import { Findings } from "../gateway/verify/findings.js";
import { load } from "../gateway/verify/load.js";
import type { DrillFile } from "./file.js";
import type { KongWay, Taken } from "./kong-way.js";
import { leftOpen } from "./left-out.js";
import type { FleetGateway, NotProbed, Route } from "./model.js";
import { type Around, foreignTo } from "./own.js";

/** As a push has it. */
export const kongAdmin = (url: string): KongAdmin => new KongAdmin(url, process.env.KONG_ADMIN_TOKEN || undefined);

const takenBy = (route: Entity): Taken => ({
  hosts: route.texts("hosts") ?? [],
  paths: route.texts("paths") ?? [],
  methods: route.texts("methods") ?? [],
});

function wayOf(file: string, admin: string, { header }: KongFile, pairs: readonly Pair[]): KongWay {
  return {
    admin,
    file,
    fronts: pairs.flatMap(({ front }) => (front === undefined ? [] : [takenBy(front)])),
    backHosts: [...new Set(pairs.flatMap(({ backs }) => backs.flatMap((back) => back.texts("hosts") ?? [])))].filter(
      (host) => !host.includes("*"),
    ),
    keyHeader: header.name.toLowerCase(),
    isShownIn: (text) => text.includes(header.value),
  };
}

/** Where the log plugin writes that has the filter's records. */
function logOf(entities: Entities): string | undefined {
  const logs = entities
    .of("plugins")
    .filter(
      (plugin) =>
        plugin.text("name") === "file-log" && JSON.stringify(plugin.value.toJson() ?? null).includes(AUDIT_FIELD),
    );
  return logs.map((plugin) => plugin.get("config")?.map?.get("path")?.text).find((path) => path !== undefined);
}

/** A path that a route takes, or why none can be made. */
function placeOf(route: Entity, usual: string): Route | NotProbed {
  const name = route.label;
  const { hosts, paths, methods } = takenBy(route);
  const why = (reason: string): NotProbed => ({ what: `the route ${name}`, why: reason });
  const [host = usual] = hosts;
  const path = paths.length === 0 ? "/" : paths.find((one) => one.startsWith("/"));
  const protocols = route.texts("protocols") ?? ["http", "https"];
  if (!protocols.some((one) => one === "http" || one === "https")) return why("its route takes no HTTP");
  if (path === undefined) return why("its route matches by a regular expression: name a path of it in `routes`");
  if (methods.length > 0 && !methods.includes("GET")) return why("its route takes no GET");
  const headers = [...(route.get("headers")?.map?.keys() ?? [])].filter((one) => one.toLowerCase() !== "x-break-glass");
  if (headers.length > 0) return why("its route looks at headers: only a caller knows which");
  return { host: host.replace(/^\*\./, "glassgate-drill.").replace(/\.\*$/, ".glassgate-drill"), path, name };
}

export function placesIn(entities: Entities, usual: string, open: readonly string[]) {
  const routes: Route[] = [];
  const notProbed: NotProbed[] = [];
  for (const found of entities.of("routes").map((route) => placeOf(route, usual))) {
    if ("why" in found) notProbed.push(found);
    else if (open.includes(found.path)) notProbed.push(leftOpen(`${found.host}${found.path}`));
    else if (!routes.some(({ host, path }) => host === found.host && path === found.path)) routes.push(found);
  }
  return { routes, notProbed };
}

const PER_WORKER: NotProbed = {
  what: "which trust bundle each worker serves",
  why: "a Kong does not tell: what it holds was looked at, and the bundle that each of its records names",
};

/** Throws a finding at the member instead. */
function orRefuse<T>(refuseAt: Around["refuseAt"], member: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return refuseAt(member, `${error.message} ${error.hint ?? ""}`.trim());
  }
}

export function readKongGateway(
  given: DrillFile["gateways"][number],
  url: string,
  { config = "", log, ca, caller, certificate, target, anchors, entitlement, refuseAt }: Around,
): { gateway: FleetGateway; notProbed: readonly NotProbed[] } {
  const admin = orRefuse(refuseAt, "kong", () => kongAdmin(url)).address;
  if (given.admin !== undefined) refuseAt("admin", "is an Envoy's: `kong` has the address of a Kong's Admin API");
  const text = readText(config, "the Kong's declarative file");
  if (!isKongFile(text))
    refuseAt("config", `${given.config} is no declarative file of a Kong: it has no _format_version`);
  const file = orRefuse(refuseAt, "config", () => KongFile.read(text, given.config ?? config));
  for (const configuration of file.written) {
    const foreign = foreignTo(anchors, configuration);
    if (foreign !== undefined) refuseAt("config", `${given.config} ${foreign}`);
  }
  const [unmet] = demandsUnmet({ entitlements: [entitlement] });
  if (unmet !== undefined)
    refuseAt(
      "kong",
      `is a Kong, and ${unmet.entitlement} ${unmet.says}: drill it with an entitlement that demands less`,
    );
  const entities = new Entities(load(text, config).root, new Findings());
  const { routes, notProbed } = placesIn(entities, target.host, given.open);
  const named = given.routes.map((path) => ({ host: target.host, path, name: path }));
  const strip = file.written[0]?.strip;
  return {
    gateway: {
      ...{ id: given.id, url: given.url.replace(/\/$/, ""), ca, admin: "" },
      kong: wayOf(config, admin, file, pairsIn(entities)),
      ...{ filterPath: undefined, filter: undefined },
      auditLog: log ?? logOf(entities),
      ...{ caller, certificate },
      routes: [...routes, ...named.filter((one) => routes.every(({ path }) => path !== one.path))],
      skipped: Array.isArray(strip) ? strip.filter((one) => typeof one === "string") : [],
      isHarmless: given.harmless,
      accept: given.accept,
    },
    notProbed: [...notProbed, PER_WORKER],
  };
}
