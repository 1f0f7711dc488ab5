/** Ways to a guarded upstream that pass no guard. */
import type { AdminPlace } from "./bootstrap.js";
import type { Upstreams } from "./clusters.js";
import type { Finding, Findings } from "./findings.js";
import type { Entrance } from "./listeners.js";

const hasOurs = ({ manager }: Entrance): boolean => manager?.guarding.glassgate !== undefined;
/** Whether a way asks who calls, by our filter or by itself. */
const asks = ({ manager }: Entrance): boolean => manager?.guarding.isClosed === true;

function placesOf(entrance: Entrance, upstreams: Upstreams): Set<string> {
  return new Set([...entrance.reach.clusters.keys()].flatMap((name) => [...upstreams.placesOf(name)]));
}

function judgeAdminReach(
  entrances: readonly Entrance[],
  upstreams: Upstreams,
  admin: AdminPlace | undefined,
  found: Findings,
): void {
  if (admin === undefined) return;
  for (const { reach, scope } of entrances)
    for (const name of reach.wide)
      if (upstreams.placesOf(name).has(admin.place))
        found.add(
          "danger",
          reach.clusters.get(name)?.value,
          `admin-proxied:${name}@${scope}`,
          `this leads to the admin interface (${admin.shown}): whoever reaches it can stop the gateway`,
          "route to it by the exact path /stats/prometheus only, or not at all",
        );
}

/** Listeners of this file that a guarded one leads to: what they reach is guarded, and whoever reaches them passes the guard. */
function judgeHops(entrances: readonly Entrance[], guarded: readonly Entrance[], upstreams: Upstreams): Set<Entrance> {
  const hops = new Set<Entrance>();
  const open = [...guarded];
  for (let from = open.pop(); from !== undefined; from = open.pop()) {
    for (const [name, route] of from.reach.clusters) {
      const places = upstreams.placesOf(name);
      for (const next of entrances) {
        if (hops.has(next) || guarded.includes(next) || !next.addresses.some((address) => places.has(address)))
          continue;
        hops.add(next);
        open.push(next);
        route.unknown(
          `hop:${name}`,
          `${name} leads to the listener ${next.scope} of this file: whoever else can reach it passes the guard`,
        );
      }
    }
  }
  return hops;
}

/** Of a way that is open to everybody, what could lead anywhere; how it logs and who calls there is its own affair. */
const OWN_AFFAIR =
  /^(?:trusted-hops|proxy-protocol|request-id-extension|only-rbac|(?:log|formatter|operator|format-source|address|socket|tracer|rate-limit)[:@])/;
const couldLead = ({ level, name }: Finding): boolean => level === "not understood" && !OWN_AFFAIR.test(name);

/** A way that asks nobody and shares no upstream with a guarded one, as far as can be seen: what cannot be seen is said. */
function judgeStranger(entrance: Entrance, upstreams: Upstreams, found: Findings): void {
  found.addAll(entrance.found.list.filter(couldLead));
  for (const [name, route] of entrance.reach.clusters) {
    const why = upstreams.wanders(name);
    if (why !== undefined)
      found.add(
        "not understood",
        route.value,
        `wanders:${name}@${route.where.scope}`,
        `${name} finds its hosts while it runs (${why}): from here, without a guard, a client may reach a guarded upstream`,
        "look at it, then accept it by its name, or take it out",
      );
  }
}

/** No filter judges trailers, and none is stripped: where they go on, one may look like what was judged. */
function judgeTrailers({ reach, manager }: Entrance, upstreams: Upstreams): void {
  if (manager?.guarding.dropsTrailers === true) return;
  const [name, route] = [...reach.clusters].find(([cluster]) => upstreams.getsTrailers(cluster)) ?? [];
  route?.warn(
    `trailers:${name}`,
    `${name} gets a client's trailers as they are: x-break-glass-grant and authorization may stand there, forged`,
    'first in http_filters, a header_mutation with request_trailers_mutations: remove_on_match: key_matcher: safe_regex: regex: ".*"; or see that the upstream never merges trailers into headers',
  );
}

/**
 * Names entrances that lead where a guarded one leads. Guarded is what has our filter; without one in the file, what asks who calls.
 * @returns the entrances whose findings matter: they lead to a guarded upstream, or it cannot be seen where they lead
 */
export function judgeReach(
  entrances: readonly Entrance[],
  upstreams: Upstreams,
  admin: AdminPlace | undefined,
  found: Findings,
): Entrance[] {
  judgeAdminReach(entrances, upstreams, admin, found);
  const isOurs = entrances.some(hasOurs);
  const guarded = entrances.filter((entrance) => (isOurs ? hasOurs(entrance) : asks(entrance)));
  const hops = judgeHops(entrances, guarded, upstreams);
  const places = new Set([...guarded, ...hops].flatMap((entrance) => [...placesOf(entrance, upstreams)]));
  for (const entrance of guarded) {
    for (const name of entrance.reach.clusters.keys()) upstreams.judge(name);
    if (isOurs) judgeTrailers(entrance, upstreams);
  }
  return entrances.filter((entrance) => {
    if (guarded.includes(entrance)) return true;
    if (hops.has(entrance) && entrance.isLocal) return true;
    const shared = [...entrance.reach.clusters].find(([name]) =>
      [...upstreams.placesOf(name)].some((place) => places.has(place)),
    );
    if (shared === undefined) {
      if (isOurs && !asks(entrance)) judgeStranger(entrance, upstreams, found);
      return !isOurs || entrance.reach.isUnknown;
    }
    const [cluster, route] = shared;
    if (isOurs && entrance.manager?.removesAttestation === false)
      route.danger(
        `second-way-forges:${cluster}`,
        `this leads to ${cluster} as well, and x-break-glass-grant is not removed here: a client can forge it to the upstream`,
        "add early_header_mutation_extensions as in envoy.yaml to this connection manager, too",
      );
    if (asks(entrance))
      route.warn(
        `second-way:${cluster}`,
        `this leads to ${cluster} as well, without the glassgate filter: a grant opens nothing here, and is not removed`,
        "put the filter into this chain, too",
      );
    else
      route.danger(
        `back-door:${cluster}`,
        `this leads to ${cluster}, which is guarded elsewhere, past the guard`,
        "take the route out, or guard this chain as well",
      );
    return true;
  });
}
