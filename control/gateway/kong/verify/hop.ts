/** The way from the filter back to this Kong, and that nobody else has one. */
import type { Entity } from "../entities.js";
import { type Pair, placeOf } from "../pair.js";
import { NAMED, type Walk } from "./context.js";

const SERVICE = new Set([
  ...[...NAMED, "enabled", "host", "port", "protocol", "path", "url", "retries"],
  ...["connect_timeout", "write_timeout", "read_timeout"],
  ...["tls_verify", "tls_verify_depth", "ca_certificates", "client_certificate"],
]);
const UPSTREAM = new Set([
  ...[...NAMED, "host_header", "algorithm", "slots", "hash_on", "hash_fallback", "hash_on_cookie_path", "healthchecks"],
  "use_srv_name",
]);
const TARGET = new Set([...NAMED, "target", "weight", "upstream", "cache_key"]);
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)(?::\d+)?$/;

const targetsOf = (walk: Walk, upstream: Entity | undefined): Entity[] =>
  upstream === undefined ? [] : walk.entities.ownedBy("targets", "upstream", upstream);

/** What any service on the way must be like. */
export function judgeService(walk: Walk, service: Entity): void {
  const { label } = service;
  walk.entities.strangers(service, SERVICE);
  if (!service.is("enabled", true))
    walk.danger(
      service.get("enabled"),
      `service-disabled@${label}`,
      `${label} is disabled: Kong drops its routes, and what they took goes to whatever other route fits it, from the second one with the upstream key`,
      "take `enabled: false` out",
    );
  const beside = ["protocol", "host", "port", "path"].filter((member) => service.get(member) !== undefined);
  if (service.get("url") !== undefined && beside.length > 0)
    walk.danger(
      service.get("url"),
      `two-places@${label}`,
      `${label} has a url and ${beside.join(", ")} beside it: Kong goes where the url says`,
      "leave one of them",
    );
  if ((service.text("retries") ?? "5") !== "0")
    walk.warn(
      service.get("retries") ?? service.value,
      `retries@${label}`,
      `${label}: Kong tries again by itself, and one record may stand for several requests`,
      "retries: 0",
    );
}

/** Counters and intervals that switch a health check on; Kong's own are all 0, and `GET /config` writes them out. */
const CHECKS = [
  ["passive", "unhealthy", ["http_failures", "tcp_failures", "timeouts"]],
  ["active", "healthy", ["interval"]],
  ["active", "unhealthy", ["interval"]],
] as const;

/** Through the one target come the API's own errors: this Kong would lock itself out when they are many, and a passive check lets nobody in again. */
function judgeHealth(walk: Walk, upstream: Entity): void {
  const checks = upstream.get("healthchecks");
  const isOn = CHECKS.some(([kind, side, members]) =>
    members.some((member) => {
      const text = checks?.map?.get(kind)?.map?.get(side)?.map?.get(member)?.text;
      return text !== undefined && text !== "0";
    }),
  );
  if (isOn)
    walk.warn(
      checks,
      `health-checked@${upstream.label}`,
      `${upstream.label} counts answers against this Kong itself: the API's own errors, or a check that no route answers, take its one target out, and no grant opens anything`,
      "no healthchecks on the upstream that leads back to this Kong",
    );
}

export function judgeHop(walk: Walk, hop: Entity, { upstream }: Pair): void {
  const { label } = hop;
  const { protocol, host, path } = placeOf(hop);
  judgeService(walk, hop);
  const targets = targetsOf(walk, upstream);
  if (upstream !== undefined) {
    walk.entities.strangers(upstream, UPSTREAM);
    judgeHealth(walk, upstream);
  }
  for (const target of targets) walk.entities.strangers(target, TARGET);
  const places = upstream === undefined ? [host] : targets.map((target) => target.text("target") ?? "");
  const elsewhere = places.filter((place) => !LOOPBACK.test(place));
  if (elsewhere.length > 0 || places.length === 0)
    walk.danger(
      hop.get("host") ?? hop.value,
      `hop-elsewhere@${label}`,
      `${label} leads to ${elsewhere.join(", ") || "nowhere"}, not to this Kong on loopback: allowed requests, with the upstream key, go there`,
      "an upstream with the one target 127.0.0.1 and Kong's own proxy port",
    );
  else if (places.length > 1)
    walk.danger(
      targets[1]?.value,
      `several-targets@${label}`,
      `${label} leads to ${places.join(", ")}: whatever listens there beside Kong's proxy gets the upstream key`,
      "one target: 127.0.0.1 and Kong's own proxy port",
    );
  if (protocol !== "http" && protocol !== "https")
    walk.danger(hop.get("protocol"), `hop-protocol@${label}`, `${label} speaks ${protocol}`, "protocol: http");
  if (path !== undefined)
    walk.danger(
      hop.get("path") ?? hop.get("url"),
      `hop-path@${label}`,
      `${label} puts ${path} before each path: the second route sees another path than was judged`,
      "take path out",
    );
}

/** Places of this machine that the service leads to, each with its port. */
function loopbackPorts(walk: Walk, service: Entity): string[] {
  const { host, port } = placeOf(service);
  const upstream = walk.entities.of("upstreams").find((one) => one.text("name")?.toLowerCase() === host);
  const places =
    upstream === undefined
      ? [`${host}:${port}`]
      : targetsOf(walk, upstream).map((target) => target.text("target") ?? "");
  return places.filter((place) => LOOPBACK.test(place)).map((place) => /:(\d+)$/.exec(place)?.[1] ?? "8000");
}

/** Routes without the filter to where the hop leads: their callers come to the second route from an address that is trusted there. */
export function judgeOthersOnLoopback(walk: Walk, { front, hop }: Pair, hops: ReadonlySet<Entity>): void {
  const ours = hop === undefined ? [] : loopbackPorts(walk, hop);
  for (const route of walk.entities.of("routes")) {
    const service = route.owner("service");
    if (service === undefined || route === front) continue;
    const isOther = hops.has(service) && service !== hop;
    if (isOther || (service !== hop && !loopbackPorts(walk, service).some((port) => ours.includes(port)))) continue;
    walk.danger(
      route.value,
      `hop-shared@${route.label}`,
      `the route ${route.label} leads to the gateway's own loopback without the filter: its callers come to the second route from an address that is trusted there`,
      service === hop ? "give the hop a service of its own" : "send that route to another place than this Kong itself",
    );
  }
}
