/** What was expected of a call beside what was seen and recorded of it. */
import { type VerdictCode, verdicts } from "../base/verdicts.gen.js";
import type { Call, Expectation, Outcome } from "./model.js";
import type { FoundRecord } from "./records.js";

/** Why it is not as expected; the words are those of findings.ts. */
export type Fault =
  | "no_answer"
  | "limited"
  | "failed"
  | "open"
  | "let_in"
  | "shadow"
  | "unjudged"
  | "unrecorded"
  | "elsewhere"
  | "refused"
  | "unsaid"
  | "other_verdict"
  | "other_reply"
  | "not_cut"
  | "no_stream"
  | "other";

export interface Judged {
  readonly expected: string;
  readonly seen: string;
  readonly fault: Fault | undefined;
}

export const REFUSED: ReadonlySet<number> = new Set([401, 403]);
const isFilters = ({ seen }: Call): boolean => seen.code !== undefined;
/** Nothing stood in its way: the upstream answered, or the gateway itself with a page. */
export const isServed = ({ seen }: Call): boolean =>
  !REFUSED.has(seen.status) && (seen.reached || (seen.status >= 200 && seen.status < 300) || seen.status === 101);
/** Whether the filter says so to the caller; of a HEAD there is no body that could. */
export const isTold = ({ method, seen }: Call, verdict: VerdictCode): boolean =>
  seen.status === verdicts[verdict].status && (seen.code === verdict || method === "HEAD");
/** Authentication let it by, and something behind it failed. */
export const isPast = ({ seen }: Call): boolean => seen.code === undefined && seen.status >= 500;

export function expectedWords(expected: Expectation): string {
  switch (expected.kind) {
    case "verdict":
      return `denied: ${expected.verdict}`;
    case "allow":
      return "allowed";
    case "shut":
      return "not let in";
    case "closed":
      return "not let in, by the filter or by the gateway itself";
    case "one_reading":
      return "denied, or read as the granted path by everybody";
    case "unauthenticated":
      return "refused, as it has no credential";
    case "normal":
      return "not refused";
    case "cut":
      return "allowed, and cut when the grant ends";
  }
}

function seenWords(call: Call, found: FoundRecord | undefined): string {
  const { status, code, error } = call.seen;
  if (error !== undefined) return `no answer: ${error}`;
  const answer = `${status}${code === undefined ? "" : ` ${code}`}`;
  const mode = found === undefined || found.record.mode === "enforce" ? "" : ` (mode ${found.record.mode})`;
  const record = found === undefined ? "no record" : `recorded as ${found.record.verdict}${mode}`;
  return `${answer}, ${record}${found?.ended === undefined ? "" : `, ended: ${found.ended.record.verdict}`}`;
}

/** Of every grant that was judged: on record, by this gateway, in earnest. */
function ofRecord(call: Call, found: FoundRecord | undefined): Fault | undefined {
  if (found === undefined) return isFilters(call) ? "unrecorded" : "unjudged";
  if (found.by !== call.gateway) return "elsewhere";
  return found.record.mode === "enforce" ? undefined : "shadow";
}

function ofVerdict(call: Call, found: FoundRecord | undefined, verdict: VerdictCode, told: VerdictCode) {
  if (isServed(call) || isPast(call)) return found?.record.mode === "shadow" ? "shadow" : "let_in";
  const record = ofRecord(call, found);
  if (record !== undefined) return record;
  if (found?.record.verdict !== verdict) return found?.record.verdict === "allow" ? "let_in" : "other_verdict";
  return isTold(call, told) ? undefined : "other_reply";
}

function ofAllow(call: Call, found: FoundRecord | undefined): Fault | undefined {
  if (isFilters(call)) return "refused";
  const record = ofRecord(call, found);
  if (record !== undefined) return record === "unjudged" && isServed(call) ? "unrecorded" : record;
  if (found?.record.verdict !== "allow") return "refused";
  if (REFUSED.has(call.seen.status)) return "unsaid";
  return call.seen.status < 500 ? undefined : "other";
}

function ofReading(call: Call, found: FoundRecord | undefined, granted: string): Fault | undefined {
  if (!isServed(call) && !isPast(call)) return found?.record.mode === "shadow" ? "shadow" : undefined;
  const upstream = call.seen.upstream?.path;
  const isSame = found?.record.path === granted && (upstream === undefined || upstream === granted);
  return found?.record.verdict === "allow" && isSame ? undefined : "let_in";
}

function ofUnauthenticated(call: Call): Fault | undefined {
  const { status } = call.seen;
  if (REFUSED.has(status) || isFilters(call)) return undefined;
  return isServed(call) || status < 300 || status >= 500 ? "open" : undefined;
}

/** Neither the filter nor, as far as that shows, an upstream said so: who did is not known from here. */
const isFailed = (call: Call, found: FoundRecord | undefined): boolean =>
  isPast(call) && !call.seen.reached && found === undefined;
/** Somebody's limit of requests, not the filter's `busy`: whoever comes less often may well be answered otherwise. */
const isLimited = ({ seen }: Call, found: FoundRecord | undefined): boolean =>
  seen.status === 429 && seen.code === undefined && found === undefined;

const MAY_BE_CUT: ReadonlySet<Expectation["kind"]> = new Set(["shut", "closed", "one_reading"]);

function faultOf({ expected, call }: Outcome, found: FoundRecord | undefined, granted: string): Fault | undefined {
  if (call.seen.error !== undefined && !MAY_BE_CUT.has(expected.kind)) return "no_answer";
  if (isLimited(call, found)) return "limited";
  switch (expected.kind) {
    case "verdict":
      return ofVerdict(call, found, expected.verdict, expected.told ?? expected.verdict);
    case "allow":
      return ofAllow(call, found);
    case "shut":
      return isServed(call) || isPast(call) || found?.record.verdict === "allow" ? "let_in" : undefined;
    case "closed":
      return isServed(call) || call.seen.reached || found?.record.verdict === "allow" ? "let_in" : undefined;
    case "one_reading":
      return ofReading(call, found, granted);
    case "unauthenticated":
      return ofUnauthenticated(call);
    case "normal":
      return REFUSED.has(call.seen.status) || call.seen.status >= 500 ? "refused" : undefined;
    case "cut": {
      const fault = ofAllow(call, found);
      if (fault !== undefined) return fault;
      if (call.seen.endedAfterMs === undefined || call.seen.endedAfterMs > expected.withinMs) return "not_cut";
      return found?.ended?.record.verdict === "expired" ? undefined : "no_stream";
    }
  }
}

/** @param found its record, where there is one @param granted the path that the drill's grants name */
export function judge(outcome: Outcome, found: FoundRecord | undefined, granted: string): Judged {
  const own = faultOf(outcome, found, granted);
  // Told apart from what an upstream answered, that neither hides the other.
  const isOpened = own === "open" || own === "let_in";
  const judged = isOpened && isFailed(outcome.call, found) ? "failed" : own;
  const fault = judged ?? (outcome.faults === undefined ? undefined : "other");
  const { notes = [], faults = [] } = outcome;
  const seen = [seenWords(outcome.call, found), ...notes, ...faults].join("; ");
  return { expected: expectedWords(outcome.expected), seen, fault };
}
