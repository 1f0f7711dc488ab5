/** Whether the signature under a drill's report holds: the same sentences at the ledger's door and in `verify`. */
import { visible } from "../../base/text.js";
import { showTime } from "../../base/time.js";
import { type DrillClaims, readDrillToken, type SignedDrill } from "../drill.js";
import { holds } from "./jws.js";
import { faultOfKey, type Judging, MAX_AHEAD, newest, principalOf } from "./review-signer.js";

export interface JudgedDrill {
  readonly claims: DrillClaims | undefined;
  /** A sentence each. Empty: it holds. */
  readonly faults: readonly string[];
}

/** Where anchors are pinned twice, people of either may hold drills: one that holds is enough, otherwise each says why not. */
function faultsOfSigner(judging: Judging, { claims, jws }: SignedDrill): string[] {
  const { rules } = judging;
  const { sub } = claims;
  const { kid } = jws.header;
  const { anchors } = rules.pins;
  // Whoever judges a finished log without pins knows nobody's keys.
  if (anchors.length === 0) return rules.isCounting ? ["No anchors are pinned: nobody's keys are known."] : [];
  const faults: string[] = [];
  for (const [which, { audience }] of anchors.entries()) {
    const bundle = newest(judging, which);
    const key = principalOf(bundle, sub)?.keys.find((one) => one.kid === kid);
    const fault =
      bundle === undefined
        ? `The ledger knows no trust bundle of ${visible(audience)}.`
        : faultOfKey(judging, which, bundle, claims, kid);
    if (fault !== undefined) faults.push(fault);
    else if (key !== undefined && holds(jws, jws.payload, key)) return [];
    else faults.push(`The signature of ${visible(sub)} does not hold: other bytes were signed.`);
  }
  return faults;
}

function faultsOfClaims({ rules, state, now }: Judging, { origin, iat, ended, checkpoint }: DrillClaims): string[] {
  const latest = Math.floor(now / 1000) + MAX_AHEAD;
  const faults: string[] = [];
  if (rules.pins.origin !== undefined && origin !== rules.pins.origin)
    faults.push(origin === undefined ? "It names no ledger." : `It is of another ledger (${visible(origin)}).`);
  if (iat > latest) faults.push(`It says that it was signed at ${showTime(iat)}, which is to come.`);
  if (Date.parse(ended) > latest * 1000) faults.push(`It says that the drill ended at ${ended}, which is to come.`);
  if (checkpoint !== undefined && checkpoint.size > state.size)
    faults.push(`It names ${checkpoint.size} entries, and the ledger has ${state.size}.`);
  return faults;
}

export function judgeDrill(judging: Judging, token: string): JudgedDrill {
  const signed = readDrillToken(token);
  if (signed === undefined)
    return { claims: undefined, faults: ["It is no signature of a drill's report (`bg-drill+jws`)."] };
  return {
    claims: signed.claims,
    faults: [...faultsOfSigner(judging, signed), ...faultsOfClaims(judging, signed.claims)],
  };
}
