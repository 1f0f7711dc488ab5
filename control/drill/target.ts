/** The request that a drill opens: one that the entitlement opens, and that writes nothing where nobody said that it may. */
import { visible } from "../base/text.js";
import type { Entitlement } from "../trust/claims.js";
import { overlapOf } from "../trust/overlap.js";
import type { DrillSource } from "./file.js";
import type { Target } from "./model.js";

type Refuse = (path: readonly string[], message: string) => never;

const READING: readonly string[] = ["GET", "HEAD"];

/** Each gateway is sent it many times, also as a normal caller. */
export function targetOf(source: DrillSource, entitlement: Entitlement, refuseAt: Refuse): Target {
  const target = namedOrFirst(source, entitlement, refuseAt);
  const { method, host, path } = target;
  const at = source.drill.target === undefined ? ["entitlement"] : ["target"];
  const [bare = path] = path.split("?", 1);
  const request = { type: "break_glass_http" as const, locations: [host], actions: [method], paths: [bare] };
  if (entitlement.authorization_details.every((one) => overlapOf(one, request) === undefined))
    refuseAt(at, `${method} ${host}${path} is nothing that ${entitlement.id} opens: name a request within it`);
  const without = source.drill.gateways.find(({ harmless }) => !harmless);
  if (without !== undefined && !READING.includes(method))
    refuseAt(
      at,
      `${method} ${host}${path} would be sent to each upstream, and that of ${visible(without.id)} is not said to be \`harmless\`: open GET or HEAD in a drill, or say so of each gateway where it is true`,
    );
  return target;
}

function namedOrFirst(
  { drill }: DrillSource,
  { authorization_details: details }: Entitlement,
  refuseAt: Refuse,
): Target {
  if (drill.target !== undefined) return drill.target;
  const [first] = details;
  const host = first?.locations.find((one) => one !== "*");
  const actions = first?.actions ?? [];
  const method = actions.includes("*") ? "GET" : (READING.find((one) => actions.includes(one)) ?? actions[0]);
  const path = first?.paths[0]?.replace(/\*\*$/, "glassgate-drill").replaceAll("*", "glassgate-drill");
  if (host !== undefined && method !== undefined && path !== undefined) return { method, host, path };
  return refuseAt(["entitlement"], "opens any host: name the request that the drill opens in `target`");
}
