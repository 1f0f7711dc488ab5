/** The story of one grant, step by step, from the ask to its end. */
import { alarmRows } from "../ledger/chain/codes.gen.js";
import type { GrantFacts } from "./facts.js";
import type { Call, Closure, Step, Teardown } from "./model.js";
import type { Proof } from "./proven.js";

interface Told {
  readonly facts: GrantFacts;
  readonly proof: Proof;
  readonly calls: readonly Call[];
  readonly teardown: Teardown;
  readonly closures: readonly Closure[];
  /** Milliseconds. */
  readonly now: number;
}

const requestOf = ({ method = "", host = "", path = "", isPathCut }: Call): string =>
  `${method} ${host}${path}${isPathCut ? "..." : ""}`;

function stepsOfCall(call: Call, sub: string, isFirst: boolean): Step[] {
  const { entry, at, verdict, mode, answer, ended } = call;
  const isAllowed = verdict === "allow";
  const became = answer?.status === undefined ? "" : `: ${answer.status}`;
  const shadow = mode === "enforce" ? "" : ` (${mode}: nothing was enforced)`;
  const says = isAllowed ? `${requestOf(call)}${became}${shadow}` : `${requestOf(call)}: denied, ${verdict}${shadow}`;
  const step: Step = { at, what: isFirst ? "first_use" : isAllowed ? "call" : "denied", who: sub, says, entry };
  if (ended === undefined) return [step];
  const cut = `the gateway ended the stream ${requestOf(call)}: ${ended.verdict}`;
  return [step, { at: ended.at, what: "ended", who: undefined, says: cut, entry: ended.entry }];
}

/** Steps of one moment stand in the order in which such things follow each other. */
const order: readonly Step["what"][] = [
  "asked",
  "approved",
  "issued",
  "first_use",
  "call",
  "denied",
  "alarm",
  "ended",
  "revoked",
  "expired",
  "closed",
];

function stepsOfEnd({ facts, teardown: { exp, revokedAt }, now }: Told): Step[] {
  const steps: Step[] = [];
  if (revokedAt !== undefined)
    steps.push({ at: revokedAt, what: "revoked", who: undefined, says: "it was revoked", entry: facts.revokedEntry });
  if (exp !== undefined && exp <= now && (revokedAt === undefined || exp < revokedAt))
    steps.push({ at: exp, what: "expired", who: undefined, says: "it ended by itself", entry: undefined });
  return steps;
}

export function timelineOf(told: Told): Step[] {
  const { facts, proof, calls, closures } = told;
  const { claims, sub, first, firstUse } = facts;
  const steps: Step[] = [];
  if (claims !== undefined)
    steps.push({
      at: claims.iat * 1000,
      what: "asked",
      who: sub,
      says: `asked for ${first.ent ?? ""}: ${claims.text}`,
      entry: undefined,
    });
  for (const { sub: who, at, isProven } of proof.approvals) {
    const says = isProven
      ? "approved; the signature holds"
      : "approved, as the record says: no signature here proves it";
    steps.push({ at, what: "approved", who, says, entry: undefined });
  }
  if (proof.began !== undefined && proof.approvals.length > 0)
    steps.push({
      at: proof.began * 1000,
      what: "issued",
      who: undefined,
      says: "the approvals that it needs were there",
      entry: undefined,
    });
  for (const call of calls) steps.push(...stepsOfCall(call, sub, call.entry === firstUse?.entry));
  for (const { code, entry, at, says } of facts.alarms)
    steps.push({ at, what: "alarm", who: undefined, says: `${alarmRows[code].title}: ${says}`, entry });
  steps.push(...stepsOfEnd(told));
  for (const { entry, at, by, classification, isOutdated } of closures)
    steps.push({
      at,
      what: "closed",
      who: by.sub,
      says: `signed as ${classification}${isOutdated ? "; something came after it" : ""}`,
      entry,
    });
  const placeOf = (what: Step["what"]): number => order.indexOf(what);
  return steps.sort((a, b) => a.at - b.at || placeOf(a.what) - placeOf(b.what));
}
