/** Whether the signature under a drill's report holds: the same sentences at the ledger's door, in `verify` and in `due`. */
import { visible } from "../../base/text.js";
import { showTime } from "../../base/time.js";
import type { BundleClaims } from "../../trust/claims.js";
import { drillRoles, mayHoldDrills } from "../../trust/drill-roles.js";
import { type DrillClaims, readDrillToken, type SignedDrill } from "../drill.js";
import { holds } from "./jws.js";
import { faultOfKey, faultOfKeyIn, type Judging, MAX_AHEAD, newest, principalOf } from "./review-signer.js";

export interface JudgedDrill {
  readonly claims: DrillClaims | undefined;
  /** A sentence each. Empty: it holds. */
  readonly faults: readonly string[];
}

/** Who may hold drills: whoever may ask for or approve what is opened in one. @param at seconds */
function faultOfRole(bundle: BundleClaims, audience: string, sub: string, at: readonly number[]): string | undefined {
  const principal = principalOf(bundle, sub);
  if (principal !== undefined && mayHoldDrills(bundle, principal, at)) return undefined;
  const roles = [...drillRoles(bundle)].map(visible).join(", ") || "none";
  return `${visible(sub)} may hold no drill by the trust bundle of ${visible(audience)} (version ${bundle.version}): roles of an entitlement with \`drill: true\` are ${roles}.`;
}

/** What was signed, by the key of whoever is named. */
function faultOfBytes(bundle: BundleClaims, { jws, claims: { sub } }: SignedDrill): string | undefined {
  const key = principalOf(bundle, sub)?.keys.find(({ kid }) => kid === jws.header.kid);
  return key !== undefined && holds(jws, jws.payload, key)
    ? undefined
    : `The signature of ${visible(sub)} does not hold: other bytes were signed.`;
}

const faultOfAudience = ({ aud }: DrillClaims, audience: string): string | undefined =>
  aud === undefined || aud === audience
    ? undefined
    : `It is of a drill in ${visible(aud)}, and the anchors are of ${visible(audience)}.`;

/** By a bundle alone, without a ledger. Undefined where it holds. */
export function faultOfDrillIn(bundle: BundleClaims, audience: string, signed: SignedDrill): string | undefined {
  const { claims, jws } = signed;
  return (
    faultOfAudience(claims, audience) ??
    faultOfKeyIn(bundle, audience, claims, jws.header.kid) ??
    faultOfRole(bundle, audience, claims.sub, [claims.iat]) ??
    faultOfBytes(bundle, signed)
  );
}

/** What the claims themselves say that cannot be. @param now milliseconds */
export function faultsOfTimes({ drill, name, iat, ended }: DrillClaims, now: number): string[] {
  const latest = Math.floor(now / 1000) + MAX_AHEAD;
  const faults: string[] = [];
  if (drill !== name)
    faults.push(`It is under the name ${visible(name)}, and its grants were of the drill ${visible(drill)}.`);
  if (iat > latest) faults.push(`It says that it was signed at ${showTime(iat)}, which is to come.`);
  if (Date.parse(ended) > latest * 1000) faults.push(`It says that the drill ended at ${ended}, which is to come.`);
  // Who signs it later, or says that he did before, tells of one at which he was not.
  else if (iat <= latest && Math.abs(iat - Date.parse(ended) / 1000) > MAX_AHEAD)
    faults.push(
      `It says that the drill ended at ${ended}, and that it was signed at ${showTime(iat)}: a drill is signed as it ends.`,
    );
  return faults;
}

/** Where anchors are pinned twice, people of either may hold drills: one that holds is enough, otherwise each says why not. */
function faultsOfSigner(judging: Judging, signed: SignedDrill): string[] {
  const { rules } = judging;
  const { claims, jws } = signed;
  const { kid } = jws.header;
  const { anchors } = rules.pins;
  // Whoever judges a finished log without pins knows nobody's keys.
  if (anchors.length === 0) return rules.isCounting ? ["No anchors are pinned: nobody's keys are known."] : [];
  const faults: string[] = [];
  for (const [which, { audience }] of anchors.entries()) {
    const bundle = newest(judging, which);
    const fault =
      bundle === undefined
        ? `The ledger knows no trust bundle of ${visible(audience)}.`
        : (faultOfAudience(claims, audience) ??
          faultOfKey(judging, which, bundle, claims, kid) ??
          faultOfRole(bundle, audience, claims.sub, [claims.iat, Math.floor(judging.now / 1000)]) ??
          faultOfBytes(bundle, signed));
    if (fault === undefined) return [];
    faults.push(fault);
  }
  return faults;
}

/** The log that this one goes on from: a drill that was held at its end is signed when nothing is taken in there any more. */
const isBefore = ({ state }: Judging, origin: string | undefined): boolean =>
  origin !== undefined && origin === state.receipts.predecessor;

function faultsOfClaims(judging: Judging, claims: DrillClaims): string[] {
  const { rules, state, now } = judging;
  const { origin, checkpoint } = claims;
  const faults: string[] = [];
  const isOwn = rules.pins.origin === undefined || origin === rules.pins.origin;
  if (!isOwn && !isBefore(judging, origin))
    faults.push(origin === undefined ? "It names no ledger." : `It is of another ledger (${visible(origin)}).`);
  faults.push(...faultsOfTimes(claims, now));
  if (checkpoint !== undefined && checkpoint.size > state.size && !isBefore(judging, origin))
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
