/** The filter in its two places: directly in the chain, and behind a match on the grant's header, so that others never enter Wasm. */
import { isRecord } from "../../control/base/schema.js";
import { member } from "../../control/gateway/rendered.js";

export interface Forms {
  readonly direct: object;
  readonly composite: object;
}

/** The part that comes by ECDS, at whichever depth. */
function discovered(value: unknown): object | undefined {
  if (Array.isArray(value)) return value.map(discovered).find((found) => found !== undefined);
  if (!isRecord(value)) return undefined;
  return member(value, "config_discovery") === undefined ? discovered(Object.values(value)) : value;
}

/** @param rendered the first filter of a rendered gateway: behind the match */
export function formsOf(rendered: unknown): Forms {
  const direct = discovered(rendered);
  if (direct === undefined) throw new Error("the rendered gateway has no filter by ECDS");
  if (direct === rendered || !isRecord(rendered))
    throw new Error("the rendered gateway's filter stands behind no match");
  return { direct, composite: rendered };
}
