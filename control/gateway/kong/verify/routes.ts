/** The chain and the two routes: what takes a request where, and that nothing is judged that is then sent otherwise. */
import type { Entity } from "../entities.js";
import { fitsHost, type Pair, placeOf } from "../pair.js";
import { NAMED, type Walk } from "./context.js";
import { judgeHop, judgeOthersOnLoopback, judgeService } from "./hop.js";

const CHAIN = new Set([...NAMED, "enabled", "route", "service", "filters"]);
const FILTER = new Set(["name", "enabled", "config"]);
const ROUTE = new Set([
  ...[...NAMED, "protocols", "hosts", "paths", "methods", "headers", "strip_path", "preserve_host", "service"],
  ...["path_handling", "regex_priority", "https_redirect_status_code", "request_buffering", "response_buffering"],
]);

export function judgeChain(walk: Walk, { chain, filter, front, hop }: Pair): void {
  const { label } = chain;
  walk.entities.strangers(chain, CHAIN);
  for (const [name, value] of filter.map ?? [])
    if (!FILTER.has(name))
      walk.unknown(value, `member:${name}@${label}`, `${label}: the filter's ${name} is not known`);
  if (!chain.is("enabled", true) || filter.map?.get("enabled")?.data === false)
    walk.danger(
      chain.value,
      `chain-disabled@${label}`,
      `the filter chain ${label} is disabled: Kong lets requests pass it, and none gets a key`,
      "take `enabled: false` out",
    );
  const filters = chain.get("filters")?.list ?? [];
  if (filters.length > 1)
    walk.danger(
      chain.get("filters"),
      `chain-shared@${label}`,
      `other filters stand in the chain ${label}: one before ours can change what is judged, one behind it reads the upstream key and can change what was judged`,
      "leave glassgate alone in it",
    );
  if (chain.owner("route") === undefined)
    walk.danger(
      chain.value,
      `chain-on-service@${label}`,
      `the chain ${label} does not hang on a route of its own`,
      "give it `route: NAME`, as `glassgate gateway render --for kong` does",
    );
  const besides = walk.entities
    .of("filter_chains")
    .filter((one) => one !== chain && (one.owner("service") === hop || one.owner("route") === front));
  for (const other of hop === undefined ? [] : besides)
    walk.danger(
      other.value,
      `chain-twice@${other.label}`,
      `the chain ${other.label} runs on the break-glass route as well: its filters see the upstream key`,
      "take it from this service and route",
    );
}

/** What both routes must be like, so that what is judged is what is sent. */
function judgeRoute(walk: Walk, route: Entity): void {
  const { label } = route;
  walk.entities.strangers(route, ROUTE);
  const paths = route.texts("paths") ?? ["/"];
  if (route.is("strip_path", true) && paths.some((path) => path !== "/"))
    walk.danger(
      route.get("strip_path") ?? route.value,
      `strip-path@${label}`,
      `${label}: Kong strips the matched path, so the upstream gets another path than the one that was judged`,
      "strip_path: false",
    );
  if (paths.some((path) => path.startsWith("~")))
    walk.warn(
      route.get("paths"),
      `paths-regex@${label}`,
      `${label}: a regular expression chooses the route, and Kong matches it against the path that it has normalized`,
      "paths: [ / ]: what may be done stands in the grant",
    );
  if ((route.text("path_handling") ?? "v0") !== "v0")
    walk.danger(
      route.get("path_handling"),
      `path-handling@${label}`,
      `${label}: path_handling ${route.text("path_handling")} puts paths together otherwise: the upstream may get another than was judged`,
      "leave path_handling out",
    );
  const protocols = route.texts("protocols") ?? ["http", "https"];
  const others = protocols.filter((protocol) => protocol !== "http" && protocol !== "https");
  if (others.length > 0)
    walk.danger(
      route.get("protocols"),
      `protocols@${label}`,
      `${label} takes ${others.join(", ")}, of which no stream can be ended with its grant`,
      "protocols: [ http, https ]",
    );
  for (const member of ["request_buffering", "response_buffering"])
    if (!route.is(member, true))
      walk.unknown(
        route.get(member),
        `${member}@${label}`,
        `${label}: ${member}: false takes another way through Kong, on which nobody has run the filter`,
        "leave it out",
      );
}

function judgeFront(walk: Walk, route: Entity, hopHost: string | undefined): void {
  const { label } = route;
  judgeRoute(walk, route);
  const hosts = route.texts("hosts") ?? [];
  if (hosts.length === 0 || hosts.some((host) => host.includes("*")))
    walk.danger(
      route.get("hosts") ?? route.value,
      `hosts@${label}`,
      `${label} takes any host: a grant for one host opens this upstream under its name`,
      "hosts: [ the API's own ]",
    );
  if (hopHost !== undefined && hosts.some((host) => fitsHost(host, hopHost)))
    walk.danger(
      route.get("hosts"),
      `loop@${label}`,
      `${label} takes the gateway's own requests (${hopHost}) again: without the filter they go round until Kong gives up`,
      "give the two routes different hosts",
    );
  if (route.is("preserve_host", false))
    walk.danger(
      route.get("preserve_host"),
      `preserve-host@${label}`,
      `${label}: the caller's host is kept, so the caller chooses which route the gateway's own request takes`,
      "preserve_host: false",
    );
  const wanted = [...(route.get("headers")?.map ?? [])].map(([name]) => name.toLowerCase());
  if (!wanted.includes("x-break-glass"))
    walk.warn(
      route.get("headers") ?? route.value,
      `takes-all@${label}`,
      `${label} takes requests without a grant too, and denies them: normal callers of these hosts and paths are locked out`,
      'headers: { x-break-glass: [ "~*." ] }',
    );
}

/** How many kinds of condition a route has: Kong takes the route with the most. */
const weight = (route: Entity): number =>
  ["hosts", "paths", "methods", "headers", "snis", "sources", "destinations"].filter(
    (member) => (route.get(member)?.list?.length ?? 0) > 0 || (route.get(member)?.map?.size ?? 0) > 0,
  ).length;

function judgeRivals(walk: Walk, { front, backs, hopHost }: Pair): void {
  for (const route of walk.entities.of("routes")) {
    if (route === front || backs.includes(route)) continue;
    const hosts = route.texts("hosts") ?? [];
    const takes = (host: string | undefined): boolean =>
      host !== undefined && (hosts.length === 0 || hosts.some((one) => fitsHost(one, host)));
    const [back] = backs;
    if (front !== undefined && (front.texts("hosts") ?? []).some(takes) && weight(route) >= weight(front))
      walk.warn(
        route.value,
        `rival@${route.label}`,
        `the route ${route.label} weighs as much as the break-glass route, and may take its requests: they are judged as any caller's there`,
        "name methods and the header x-break-glass in the break-glass route",
      );
    const isHeavier =
      back !== undefined &&
      (weight(route) > weight(back) || (back.texts("hosts") ?? []).some((one) => one.includes("*")));
    if (back !== undefined && takes(hopHost) && weight(route) >= weight(back))
      walk[isHeavier ? "danger" : "warn"](
        route.value,
        `hop-rival@${route.label}`,
        `the route ${route.label} may take the gateway's own requests, which come from loopback with the upstream key`,
        "give that route hosts",
      );
  }
}

/** What the break-glass route lets through must end at the second route: elsewhere the key would be shown to somebody else. */
function judgeWidth(walk: Walk, front: Entity, back: Entity, hop: Entity): void {
  const { label } = back;
  const some = (route: Entity, member: string): string[] => route.texts(member) ?? [];
  const lack: string[] = [];
  const methods = some(back, "methods");
  const wanted = some(front, "methods");
  if (methods.length > 0 && (wanted.length === 0 || wanted.some((method) => !methods.includes(method))))
    lack.push(wanted.filter((method) => !methods.includes(method)).join(", ") || "any method");
  const paths = some(back, "paths");
  const below = (path: string): boolean =>
    paths.some((one) => one === path || (!one.startsWith("~") && path.startsWith(one)));
  const fronts = some(front, "paths");
  if (
    paths.length > 0 &&
    !(fronts.length === 0 ? ["/"] : fronts.map((path) => (path.startsWith("~") ? "/" : path))).every(below)
  )
    lack.push(`paths besides ${paths.join(", ")}`);
  if ((back.get("headers")?.map?.size ?? 0) > 0) lack.push("requests without a header of its choice");
  const { protocol } = placeOf(hop);
  if (!(back.texts("protocols") ?? ["http", "https"]).includes(protocol)) lack.push(protocol);
  if (lack.length > 0)
    walk.danger(
      back.value,
      `narrow@${label}`,
      `${label} does not take all that the filter lets through (${lack.join("; ")}): such a request goes on, with the upstream key, to whatever other route of this Kong fits it`,
      "the same methods and paths on both routes, and no headers on the second",
    );
}

/** The API's own service, behind the second route. */
function judgeUpstream(walk: Walk, service: Entity): void {
  const { label } = service;
  judgeService(walk, service);
  const { path } = placeOf(service);
  if (path !== undefined && path !== "/")
    walk.warn(
      service.get("path") ?? service.get("url"),
      `path-before@${label}`,
      `${label} puts ${path} before each path: the API gets another path than grants and records name`,
      "take path out, or say so to those who approve grants",
    );
}

/** @param hops of all pairs in the file */
export function judgeRoutes(walk: Walk, pair: Pair, hops: ReadonlySet<Entity>): Entity | undefined {
  const { chain, front, hop, hopHost, backs } = pair;
  if (front === undefined || hop === undefined) {
    walk.danger(
      (front ?? chain).value,
      `no-hop@${chain.label}`,
      `${front === undefined ? "the chain hangs on no route" : `the route ${front.label} has no service`}: there is no way through it`,
      "start from `glassgate gateway render --for kong`",
    );
    return undefined;
  }
  judgeFront(walk, front, hopHost);
  judgeHop(walk, hop, pair);
  judgeOthersOnLoopback(walk, pair, hops);
  judgeRivals(walk, pair);
  const [back, ...more] = backs;
  if (back === undefined || more.length > 0) {
    const which = back === undefined ? "no route" : `the routes ${backs.map(({ label }) => label).join(", ")}`;
    walk.danger(
      hop.value,
      back === undefined ? `no-second-route@${hop.label}` : `two-second-routes@${hop.label}`,
      `the gateway's own requests (host ${hopHost ?? "unknown"}) fit ${which} in this file: ${back === undefined ? "where they end nobody knows, and nothing asks for the key" : "each must ask for the key, and only one is expected"}`,
      "one route with exactly that host, with key-auth, acl and ip-restriction",
    );
    return undefined;
  }
  judgeRoute(walk, back);
  judgeWidth(walk, front, back, hop);
  const service = back.owner("service");
  if (service !== undefined) judgeUpstream(walk, service);
  return back;
}
