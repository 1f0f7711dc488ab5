/** What is said of a gateway's state: one sentence of what is, and a finding where it is another than it must be. */
import { showDuration } from "../base/time.js";
import { FACTS } from "./cases/index.js";
import type { Assertion } from "./model.js";

export function factOf(
  gateway: string,
  what: string,
  expected: string,
  seen: string,
  finding: string | undefined,
): Assertion {
  const common = { case: FACTS, gateway, what, expected, seen, calls: [] };
  return finding === undefined ? { ...common, ok: true } : { ...common, ok: false, finding };
}

export const bundleWords = (number: number | undefined): string =>
  number === undefined ? "none" : `version ${number}`;

/** A gateway takes grants this many seconds ahead of its clock, if nothing else is set; a `Date` may lag by one. */
const LEEWAY = 6;

/** @param ahead its clock less ours, seconds */
export function clockFact(id: string, ahead: number): Assertion {
  const isOff = Math.abs(ahead) > LEEWAY;
  const off = `${showDuration(Math.abs(ahead))} ${ahead < 0 ? "behind" : "ahead"}`;
  return factOf(
    id,
    "its clock",
    "as this machine's",
    isOff ? off : "as this machine's",
    isOff
      ? `The clock of ${id} is ${off} of this machine's: grants end too ${ahead < 0 ? "late" : "early"} there, or are not valid yet. Set it by NTP.`
      : undefined,
  );
}
