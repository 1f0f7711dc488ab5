/** Other routes to the API, where no filter stands: they ask who calls, and take away what only the filter may say. */
import type { Entity } from "../entities.js";
import { placeOf } from "../pair.js";
import { setting, type Walk } from "./context.js";
import { AUTHENTICATION } from "./plugins.js";

const ATTESTATION = "x-break-glass-grant";
const TRANSFORMERS: ReadonlySet<string> = new Set(["request-transformer", "request-transformer-advanced"]);
/** After `remove`, in this plugin's order. */
const WRITES = ["rename", "replace", "add", "append"];

const placeName = (service: Entity): string => {
  const { host, port } = placeOf(service);
  return `${host}:${port}`;
};

/** `remove: { headers: [...] }`, and nothing else that brings it in again. */
function removes(route: Entity, plugin: Entity): boolean {
  const protocols = plugin.texts("protocols");
  const isFor = (one: string): boolean => protocols?.includes(one) !== false;
  const headersOf = (member: string): string[] =>
    (setting(plugin, member)?.map?.get("headers")?.list ?? []).map(({ text = "" }) => text.toLowerCase());
  return (
    (route.texts("protocols") ?? ["http", "https"]).every(isFor) &&
    headersOf("remove").includes(ATTESTATION) &&
    WRITES.every((member) => !headersOf(member).some((line) => line.includes(ATTESTATION)))
  );
}

/** For callers without a consumer, and for each consumer that has one of its own: Kong runs one of a name. */
function isAttestationRemoved(walk: Walk, route: Entity): boolean {
  const own = walk
    .pluginsFor(route)
    .filter((plugin) => plugin.isOwned("consumer") && plugin.is("enabled", true))
    .filter((plugin) => TRANSFORMERS.has(plugin.text("name") ?? ""));
  const usual = walk.effective(route).filter((plugin) => TRANSFORMERS.has(plugin.text("name") ?? ""));
  return usual.some((one) => removes(route, one)) && own.every((one) => removes(route, one));
}

/** @param backs the second routes of all break-glass ways: only what a filter sent gets through them */
export function judgeOtherWays(walk: Walk, back: Entity, backs: ReadonlySet<Entity>): void {
  const service = back.owner("service");
  if (service === undefined) return;
  for (const route of walk.entities.of("routes")) {
    const other = route.owner("service");
    if (route === back || other === undefined || placeName(other) !== placeName(service)) continue;
    if (!backs.has(route) && !isAttestationRemoved(walk, route))
      walk.danger(
        route.value,
        `forges@${route.label}`,
        `the route ${route.label} leads to the same upstream, and ${ATTESTATION} is not removed there: a caller can forge it to the API`,
        `hang request-transformer on it: config: { remove: { headers: [ ${ATTESTATION} ] } }`,
      );
    // What a grant would open is open.
    if (walk.effective(route).some((plugin) => AUTHENTICATION.has(plugin.text("name") ?? ""))) continue;
    walk.warn(
      route.value,
      `asks-nobody@${route.label}`,
      `the route ${route.label} leads to the same upstream and asks nobody who calls`,
      "hang your normal authentication on it",
    );
  }
}
