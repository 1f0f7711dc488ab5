/** What the filter says now to all that a grant asks for, and until when it will go on saying so. */
import type { VerdictCode } from "../base/verdicts.gen.js";
import type { Detail } from "../trust/names.js";
import type { AskClaims } from "./ask.js";
import { holderOf } from "./check.js";
import { headerOf } from "./message.js";
import { type Approver, beganAt } from "./quorum.js";
import { type Rehearsal, rehearse } from "./rehearsal.js";
import { samplesOf } from "./scope.js";
import type { Denial } from "./stage.js";

export interface Judgement {
  readonly denial: Denial | undefined;
  /** The filter allows now, and no longer from then on, before the grant's own end. */
  readonly ends: { readonly at: number; readonly verdict: VerdictCode } | undefined;
  /** When its life ends, by its approvals so far: a bundle or a key that ends before may be followed by another. */
  readonly livesUntil: number;
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

/** Whoever has approved, and those who will now. */
function certainApprovers({ bundle, approvals, ownKids, now }: Rehearsal): Approver[] {
  const headers = approvals.map((text) => headerOf(text.split(".", 1)[0] ?? ""));
  const made = headers.map((header) => ({
    kid: header?.kid ?? "",
    iat: header?.typ === "bg-approval+jws" ? header.iat : now,
  }));
  return [...made, ...ownKids.map((kid) => ({ kid, iat: now }))].flatMap(({ kid, iat }) => {
    const holder = holderOf(bundle, kid);
    return holder === undefined ? [] : [{ principal: holder.principal, iat }];
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
  if (denial !== undefined || sample === undefined) return { denial, ends: undefined, livesUntil: claims.exp };
  const approvals = rehearsal.approvals.map((text) => headerOf(text.split(".", 1)[0] ?? "")?.kid ?? "");
  const certain = changes(bundle, [rehearsal.requesterKid, ...rehearsal.ownKids, ...approvals]);
  // Whoever stands in for people who are not chosen yet says nothing about the time after his own windows.
  const others = changes(bundle, rehearsal.otherKids).filter((time) => time > now);
  const entitlement = bundle.entitlements.find(({ id }) => id === claims.ent);
  const life = entitlement?.max_ttl ?? Number.POSITIVE_INFINITY;
  // As if they had approved now: the life that begins with a later approval is longer.
  const assumed = rehearsal.otherKids.length === 0 ? [] : [now + life];
  const until = Math.min(claims.exp, ...others, ...assumed);
  const began = entitlement && beganAt(entitlement, claims.iat, certainApprovers(rehearsal), now);
  const livesUntil = Math.min(claims.exp, began === undefined ? claims.exp : began + life);
  const times = [...new Set([bundle.exp, livesUntil, ...certain])].filter((time) => time > now && time < until);
  return {
    denial,
    ends: stage.firstDenial(
      sample,
      times.sort((a, b) => a - b),
    ),
    livesUntil,
  };
}
