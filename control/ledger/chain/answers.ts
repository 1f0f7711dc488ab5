/** Answers joined with the records that allowed them, by request id. A request id is the client's: two requests may have one. */
import { remember, taken } from "./bounded.js";
import type { Finding, Step } from "./finding.js";
import { MAX_ABOUT } from "./finding.js";
import { type Grants, noteAnswered } from "./grants.js";
import type { Answer, AuditRecord } from "./lines.js";
import type { Rules } from "./rules.js";

/** Of one sender. A stream may be open for hours before its answer comes. */
const MAX_REQUESTS = 65_536;
const MAX_ORPHANS = 4096;

interface SenderAnswers {
  /** Allowed requests: whose grant. */
  requests: Map<string, { readonly grant: string }>;
  /** Lines that were entered, by hash. */
  lines: Map<string, number>;
  /** Answers whose record has not come. */
  orphans: Map<string, { readonly index: number; readonly since: number }>;
  /** Requests were forgotten: an answer without a record may have had one. */
  isFull: boolean;
}

export interface Answers {
  senders: Map<string, SenderAnswers>;
}

export const newAnswers = (): Answers => ({ senders: new Map() });

const ofSender = (answers: Answers, sender: string): SenderAnswers =>
  taken(answers.senders, sender, () => ({ requests: new Map(), lines: new Map(), orphans: new Map(), isFull: false }));

export const knownAnswer = (answers: Answers, sender: string, sha256: string): number | undefined =>
  answers.senders.get(sender)?.lines.get(sha256);

/** A record allows a request. */
export function noteAllowed(answers: Answers, grants: Grants, record: AuditRecord, step: Step): void {
  const { request_id: id = "", grant_sha256: grant = "", verdict, mode } = record;
  if (verdict !== "allow" || mode !== "enforce" || id === "") return;
  const own = ofSender(answers, step.sender);
  if (remember(own.requests, id, { grant }, MAX_REQUESTS) !== undefined) own.isFull = true;
  for (const { orphans } of answers.senders.values()) if (orphans.delete(id)) noteAnswered(grants, grant);
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
  if (!own.isFull) remember(own.orphans, id, { index: step.index, since: step.at }, MAX_ORPHANS);
}

export function dueOfAnswers(answers: Answers, rules: Rules, now: number): Omit<Finding, "index">[] {
  return [...answers.senders].flatMap(([sender, { orphans }]) => {
    const all = [...orphans].filter(([, { since }]) => now - since > rules.grace.gap * 1000).slice(0, MAX_ABOUT);
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
