/** An alarm as it goes out: one JSON text for webhooks and commands, with a line for people in it. */
import { visible } from "../../base/text.js";
import { alarmRows } from "../chain/codes.gen.js";
import type { Alarm } from "../chain/finding.js";

export type { Alarm };

const MAX_TEXT = 600;

/** For Slack and its kin: `&`, `<` and `>` are theirs, and inside of a code span nothing else is. So no mention, link or format. */
function spanOf(outside: string): string {
  const plain = visible(outside).slice(0, MAX_TEXT).replaceAll("`", "'");
  return `\`${plain.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")}\``;
}

/** One or two lines for people; what is from outside stands in code spans. */
export function textOf({ code, says, entry }: Alarm, origin: string): string {
  const { severity, title, operator } = alarmRows[code];
  return `[${severity}] ${title} (${code})\n${spanOf(says)}\n${operator.replaceAll("`", "")}\nEntry ${entry} of ${spanOf(origin)}`;
}

/** The body of a webhook, and what a command gets on its standard input. */
export function bodyOf(alarm: Alarm, origin: string): string {
  const { code, entry, about, at, vm, seq, grant_sha256, ranges, count, says } = alarm;
  const { severity, title, operator } = alarmRows[code];
  const told = {
    ...(vm === undefined ? {} : { vm: visible(vm) }),
    ...(seq === undefined ? {} : { seq }),
    ...(grant_sha256 === undefined ? {} : { grant_sha256 }),
    ...(ranges === undefined ? {} : { ranges }),
    ...(count === undefined ? {} : { count }),
  };
  return JSON.stringify({
    type: "glassgate.ledger.alarm",
    timestamp: new Date(at).toISOString(),
    text: textOf(alarm, origin),
    data: { code, severity, title, operator, origin, entry, about, ...told, says: visible(says) },
  });
}

/** What a person sends to see whether it arrives: as an alarm is, with a code that none has, and without an entry. */
export function testBody(origin: string, at: number): string {
  const severity = "notice";
  const title = "This is a test: nothing is wrong";
  const operator = "Nothing. Somebody tries whether alarms arrive here.";
  const says = "sent by `glassgate ledger test-alarms`";
  return JSON.stringify({
    type: "glassgate.ledger.alarm",
    timestamp: new Date(at).toISOString(),
    text: `[test] ${title} (test)\n${spanOf(says)}\n${operator}\nNo entry of ${spanOf(origin)}`,
    data: { code: "test", severity, title, operator, origin, entry: null, about: [], says },
  });
}
