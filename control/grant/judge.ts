/** What the filter says now to all that a grant asks for, and until when it will go on saying so. */
import type { VerdictCode } from "../base/verdicts.gen.js";
import type { Detail } from "../trust/names.js";
import type { AskClaims } from "./ask.js";
import { holderOf } from "./check.js";
import { headerOf } from "./message.js";
import { type Rehearsal, rehearse } from "./rehearsal.js";
import { samplesOf } from "./scope.js";
import type { Denial } from "./stage.js";

export interface Judgement {
  readonly denial: Denial | undefined;
  /** The filter allows now, and no longer from then on, before the grant's own end. */
  readonly ends: { readonly at: number; readonly verdict: VerdictCode } | undefined;
}

type Bundle = Rehearsal["bundle"];

/** Moments at which a window of these keys' owners opens or closes. */
function changes(bundle: Bundle, kids: readonly string[]): number[] {
  return kids.flatMap((kid) => {
    const holder = holderOf(bundle, kid);
    if (holder === undefined) return [];
    const windows = [holder.key, ...holder.principal.roles.filter((role) => typeof role !== "string")];
    return windows.flatMap(({ nbf, exp }) => [nbf, exp].filter((time) => time !== undefined));
  });
}

/** The details that the entitlement covers, for choosing what to judge. */
export const detailsOf = (bundle: Bundle, ent: string): readonly Detail[] =>
  bundle.entitlements.find(({ id }) => id === ent)?.authorization_details ?? [];

export async function judgeAhead(rehearsal: Rehearsal, claims: AskClaims): Promise<Judgement> {
  const { bundle, now } = rehearsal;
  const stage = await rehearse(rehearsal);
  const samples = () => samplesOf(claims.authorization_details, detailsOf(bundle, claims.ent));
  const denial = stage.judgeAll(samples());
  const [sample] = samples();
  if (denial !== undefined || sample === undefined) return { denial, ends: undefined };
  const approvals = rehearsal.approvals.map((text) => headerOf(text.split(".", 1)[0] ?? "")?.kid ?? "");
  const certain = changes(bundle, [rehearsal.requesterKid, ...rehearsal.ownKids, ...approvals]);
  // Whoever stands in for people who are not chosen yet says nothing about the time after his own windows.
  const others = changes(bundle, rehearsal.otherKids).filter((time) => time > now);
  const until = Math.min(claims.exp, ...others);
  const times = [...new Set([bundle.exp, ...certain])].filter((time) => time > now && time < until);
  return {
    denial,
    ends: stage.firstDenial(
      sample,
      times.sort((a, b) => a - b),
    ),
  };
}
