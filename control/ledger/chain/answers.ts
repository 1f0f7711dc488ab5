/** Answers joined with the records that allowed them, by request id. A request id is the client's: two requests may have one. */
import { remember, taken } from "./bounded.js";
import { isEnforced } from "./bundles.js";
import type { Finding, Step } from "./finding.js";
import { MAX_ABOUT } from "./finding.js";
import { type Grants, noteAnswered } from "./grants.js";
import type { Answer, AuditRecord } from "./lines.js";
import { isOver, type Look } from "./look.js";
import type { Rules } from "./rules.js";

/** Of one sender, the newest. A stream may be open for hours before its answer comes. */
const MAX_REQUESTS = 65_536;
const MAX_ORPHANS = 4096;
/** A gateway's clock that is further ahead counts as this. */
const MAX_AHEAD_MS = 600_000;

interface SenderAnswers {
  /** Allowed requests: whose grant. */
  requests: Map<string, { readonly grant: string; readonly ts: number }>;
  /** Lines that were entered, by hash. */
  lines: Map<string, number>;
  /** Answers whose record has not come. */
  orphans: Map<string, { readonly index: number; readonly since: number }>;
  /** The latest decision that was forgotten, 0 for none: of a request that began later nothing was. */
  forgottenTs: number;
}

export interface Answers {
  senders: Map<string, SenderAnswers>;
}

export const newAnswers = (): Answers => ({ senders: new Map() });

const ofSender = (answers: Answers, sender: string): SenderAnswers =>
  taken(answers.senders, sender, () => ({ requests: new Map(), lines: new Map(), orphans: new Map(), forgottenTs: 0 }));

export const knownAnswer = (answers: Answers, sender: string, sha256: string): number | undefined =>
  answers.senders.get(sender)?.lines.get(sha256);

/** A record allows a request. */
export function noteAllowed(answers: Answers, grants: Grants, rules: Rules, record: AuditRecord, step: Step): void {
  const { request_id: id = "", grant_sha256: grant = "" } = record;
  if (!isEnforced(rules, record) || id === "") return;
  const own = ofSender(answers, step.sender);
  const ts = Math.min(Date.parse(record.ts), step.at + MAX_AHEAD_MS);
  const forgotten = remember(own.requests, id, { grant, ts }, MAX_REQUESTS);
  if (forgotten !== undefined) own.forgottenTs = Math.max(own.forgottenTs, forgotten[1].ts);
  for (const { orphans } of answers.senders.values()) if (orphans.delete(id)) noteAnswered(grants, grant);
}

/** Whether a record of that request would be remembered. Its gateway's records may come by another sender than its answers. */
function isCertain(answers: Answers, own: SenderAnswers, { time }: Answer): boolean {
  const those = own.requests.size > 0 ? [own] : [...answers.senders.values()];
  const forgotten = Math.max(...those.map(({ forgottenTs }) => forgottenTs));
  return forgotten === 0 || Date.parse(time ?? "") > forgotten;
}

export function takeAnswer(answers: Answers, grants: Grants, answer: Answer, sha256: string, step: Step): void {
  const own = ofSender(answers, step.sender);
  remember(own.lines, sha256, step.index, MAX_REQUESTS);
  const { request_id: id } = answer;
  for (const { requests } of [own, ...answers.senders.values()]) {
    const request = requests.get(id);
    if (request === undefined) continue;
    noteAnswered(grants, request.grant);
    return;
  }
  if (isCertain(answers, own, answer)) remember(own.orphans, id, { index: step.index, since: step.at }, MAX_ORPHANS);
}

export function dueOfAnswers(answers: Answers, rules: Rules, look: Look): Omit<Finding, "index">[] {
  return [...answers.senders].flatMap(([sender, { orphans }]) => {
    const all = [...orphans].filter(([, { since }]) => isOver(look, since, rules.grace.gap)).slice(0, MAX_ABOUT);
    if (all.length === 0) return [];
    return [
      {
        code: "answer_without_record" as const,
        subject: sender,
        about: all.map(([, { index }]) => index),
        says: `${sender}: no record allows the answered request ${all[0]?.[0] ?? ""}${all.length === 1 ? "" : ` and ${all.length - 1} more`}`,
      },
    ];
  });
}

/** It was told that no record allows these. */
export function dropOrphans(answers: Answers, told: ReadonlySet<number>): void {
  for (const { orphans } of answers.senders.values())
    for (const [id, { index }] of [...orphans]) if (told.has(index)) orphans.delete(id);
}
