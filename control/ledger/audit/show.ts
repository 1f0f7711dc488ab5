/** An entry as a line for people: when, who, what was decided about what. */
import { isRecord } from "../../base/schema.js";
import { visible } from "../../base/text.js";
import { showTime } from "../../base/time.js";
import { readDrillToken } from "../drill.js";
import { readReview } from "../review.js";
import { type Members, membersOf, textOf, wholeOf } from "./line.js";
import { grantOf, type ReadEntry } from "./reader.js";
import { ownWords } from "./show-own.js";

/** Of bytes that are no line of ours; `--json` shows all of them. */
const SHOWN = 100;

const parts = (...texts: readonly (string | undefined)[]): string =>
  texts.filter((text) => text !== undefined && text !== "").join(" ");

const labelled = (label: string, text: string | number | undefined): string | undefined =>
  text === undefined ? undefined : `${label} ${text}`;

function approversOf(record: Members): string | undefined {
  if (!Array.isArray(record.approvers)) return undefined;
  const names = record.approvers.map((approver: unknown) =>
    isRecord(approver) ? (textOf(approver, "sub") ?? "?") : "?",
  );
  return names.length === 0 ? undefined : `approved by ${names.join(", ")}`;
}

function recordWords(record: Members): string {
  return parts(
    textOf(record, "sub") ?? labelled("key", textOf(record, "kid")) ?? "-",
    textOf(record, "verdict") ?? "?",
    textOf(record, "method"),
    textOf(record, "host"),
    textOf(record, "path"),
    record.ended === true ? "(its stream was ended)" : undefined,
    labelled("(takes back seq", wholeOf(record, "corrects")?.toString().concat(")")),
    record.mode === "shadow" ? "(shadow: nothing was enforced)" : undefined,
    labelled("drill", textOf(record, "drill")),
    approversOf(record),
    labelled("because of", textOf(record, "reason")),
    textOf(record, "incident"),
  );
}

function start(body: Buffer): string {
  const text = body.toString("utf8", 0, SHOWN);
  return body.length > SHOWN ? `${text}... (${body.length} bytes)` : text;
}

function reviewWords(body: Buffer): string {
  const { claims } = readReview(body.toString("latin1")) ?? {};
  if (claims === undefined) return start(body);
  const { sub, review, classification, findings } = claims;
  return parts(`${sub} closed the review of ${review} as ${classification}:`, findings);
}

function drillWords(body: Buffer): string {
  const { claims } = readDrillToken(body.toString("latin1")) ?? {};
  if (claims === undefined) return start(body);
  const { sub, counts, good, report, ended, due, partial } = claims;
  return parts(
    `${sub} signed ${partial === true ? "a part of " : ""}the drill ${claims.name} of ${ended}, which went ${good ? "well" : "wrong"}:`,
    `${counts.passed} as expected, ${counts.failed} not, ${counts.notProbed} not probed;`,
    `next due ${due.slice(0, "2026-11-27".length)}; report ${report}`,
  );
}

function words(entry: ReadEntry, members: Members | undefined): string {
  const { head, body } = entry;
  if (head === undefined) return `no entry of a ledger: ${start(body)}`;
  if (head.type === "quarantine") return parts(head.why, `from ${head.sender}:`, start(body));
  if (head.type === "review") return reviewWords(body);
  if (head.type === "drill") return drillWords(body);
  const own = ownWords(head.type, body, members);
  if (own !== undefined) return own;
  if (members === undefined) return start(body);
  switch (head.type) {
    case "record":
      return recordWords(members);
    case "evidence":
      return parts("of grant", grantOf(entry));
    case "answer":
      return parts(
        labelled("request", textOf(members, "request_id")),
        labelled("status", wholeOf(members, "status") ?? textOf(members, "status")),
        textOf(members, "details"),
      );
    case "alarm":
      return parts(textOf(members, "code")?.concat(":"), textOf(members, "says"));
    default:
      return start(body);
  }
}

/** When it was decided, where it says so, else when it came. */
function timeOf({ head }: ReadEntry, members: Members | undefined): number | undefined {
  for (const text of [members === undefined ? undefined : textOf(members, "ts"), head?.received]) {
    const time = text === undefined ? Number.NaN : Date.parse(text);
    if (!Number.isNaN(time)) return Math.floor(time / 1000);
  }
  return undefined;
}

export function showEntry(entry: ReadEntry): string {
  const members = membersOf(entry.body);
  const time = timeOf(entry, members);
  const when = time === undefined ? "no time" : showTime(time);
  return `${entry.index}  ${when}  ${(entry.head?.type ?? "?").padEnd(10)}  ${visible(words(entry, members))}`;
}
