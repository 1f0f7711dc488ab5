/** Ways to a guarded upstream that pass no guard. */
import type { Upstreams } from "./clusters.js";
import type { Findings } from "./findings.js";
import type { Entrance } from "./listeners.js";

const hasOurs = ({ manager }: Entrance): boolean => manager?.guarding.glassgate !== undefined;
/** Whether a way asks who calls, by our filter or by itself. */
const asks = ({ manager }: Entrance): boolean => manager?.guarding.isClosed === true;

function placesOf(entrance: Entrance, upstreams: Upstreams): Set<string> {
  return new Set([...entrance.reach.clusters.keys()].flatMap((name) => [...upstreams.placesOf(name)]));
}

/**
 * Names entrances that lead where a guarded one leads. Guarded is what has our filter; without one in the file, what asks who calls.
 * @returns the entrances whose findings matter: they lead to a guarded upstream, or it cannot be seen where they lead
 */
export function judgeReach(
  entrances: readonly Entrance[],
  upstreams: Upstreams,
  adminPlace: string | undefined,
  found: Findings,
): Entrance[] {
  for (const { reach, scope } of entrances)
    for (const name of reach.wide)
      if (adminPlace !== undefined && upstreams.placesOf(name).has(adminPlace))
        found.add(
          "danger",
          reach.clusters.get(name)?.value,
          `admin-proxied:${name}@${scope}`,
          `this leads to the admin interface (${adminPlace}): whoever reaches it can stop the gateway`,
          "route to it by the exact path /stats/prometheus only, or not at all",
        );
  const isOurs = entrances.some(hasOurs);
  const guarded = entrances.filter((entrance) => (isOurs ? hasOurs(entrance) : asks(entrance)));
  const places = new Set(guarded.flatMap((entrance) => [...placesOf(entrance, upstreams)]));
  for (const entrance of guarded) for (const name of entrance.reach.clusters.keys()) upstreams.judge(name);
  return entrances.filter((entrance) => {
    if (guarded.includes(entrance)) return true;
    const shared = [...entrance.reach.clusters].find(([name]) =>
      [...upstreams.placesOf(name)].some((place) => places.has(place)),
    );
    if (shared === undefined) return !isOurs || entrance.reach.isUnknown;
    const [cluster, route] = shared;
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
