/** An alarm as a person hears it who watches: what is wrong, the entry that has it whole, and what to do. */
import { visible } from "../base/text.js";
import { alarmRows } from "../ledger/chain/codes.gen.js";
import type { Alarm } from "../ledger/chain/finding.js";
import { say, warn } from "./output.js";

/** Under the text behind `warning: `. */
const HANG = 9;

export function tellAlarm({ code, entry, says }: Alarm): void {
  const { severity, operator } = alarmRows[code];
  const what = visible(`${code} (entry ${entry}): ${says}`);
  if (severity === "notice") {
    say(what, HANG);
    return;
  }
  warn(what);
  say(`${" ".repeat(HANG)}${operator}`, HANG);
}
