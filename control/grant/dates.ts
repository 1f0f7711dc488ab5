/** Dates of asks and approvals against this machine's clock, in words that say whose clock to look at. */
import { UserError } from "../base/errors.js";
import { showDuration, showTime } from "../base/time.js";

/** Seconds of skew that a gateway forgives unless it is configured otherwise. */
export const LEEWAY = 5;
/** An ask that was made longer ago is not approved, unless its entitlement gives more time: whoever is in need asks anew. */
export const MAX_ASK_AGE = 600;

/** The last second of the year 9999: what comes after it is a mistake. */
const LAST_SECOND = 253_402_300_799;
const isDate = (seconds: number): boolean => seconds >= 0 && seconds <= LAST_SECOND;

const COMPARE = "Compare both clocks with a third one: `date -u` beside a phone.";

interface Dates {
  readonly iat: number;
  readonly exp: number;
}

/** Refuses dates that no honest ask has. @param now seconds, by this machine */
export function checkDates({ iat, exp }: Dates, now: number): void {
  if (!isDate(iat) || !isDate(exp)) {
    throw new UserError(`The ask has an impossible date: iat ${iat}, exp ${exp}, in seconds since 1970.`, {
      hint: "It was not made by `glassgate ask`, or by a machine whose clock is broken. Ask again.",
    });
  }
  if (exp <= iat) throw new UserError(`The ask ends (${showTime(exp)}) before it begins (${showTime(iat)}).`);
  const ahead = iat - now;
  if (ahead > LEEWAY) {
    throw new UserError(
      `The ask says that it was made ${showDuration(ahead)} in the future, at ${showTime(iat)}; your clock says ${showTime(now)}. The requester's clock is ahead of yours, or yours is behind.`,
      { hint: `${COMPARE} The one that is wrong is set, then ask again.`, exitCode: 1 },
    );
  }
  if (exp <= now) {
    throw new UserError(`The ask expired at ${showTime(exp)}; your clock says ${showTime(now)}.`, {
      hint: "Ask again. If it was made just now, compare the requester's clock and yours.",
      exitCode: 1,
    });
  }
}

/**
 * For approvers: an old ask may have been overtaken by what happened since.
 * @param maxWait seconds that the entitlement gives for gathering approvals
 */
export function checkAge({ iat }: Dates, now: number, maxWait: number): void {
  const age = now - iat;
  const most = Math.max(MAX_ASK_AGE, maxWait);
  if (age <= most) return;
  throw new UserError(
    `The ask says that it was made ${showDuration(age)} ago, at ${showTime(iat)}; your clock says ${showTime(now)}. At most ${showDuration(most)} may pass.`,
    {
      hint: `If it was made just now, the requester's clock is behind yours, or yours is ahead. ${COMPARE} Otherwise the requester asks again.`,
      exitCode: 1,
    },
  );
}

/**
 * Refuses an approval whose date no gateway takes.
 * @returns seconds until it is in time: 0, or what little skew a short wait heals
 */
export function approvalWait(name: string, approvedAt: number, ask: Dates, now: number): number {
  const both = `It says ${showTime(approvedAt)}`;
  if (approvedAt < ask.iat - LEEWAY) {
    throw new UserError(
      `The approval by ${name} was made ${showDuration(ask.iat - approvedAt)} before the ask. ${both}; the ask was made at ${showTime(ask.iat)}. No gateway will ever take it: the clock of ${name} is behind that of the machine that asked, or that one is ahead.`,
      { hint: `${COMPARE} Then have it approved again, or ask again.`, exitCode: 1 },
    );
  }
  const wait = approvedAt - LEEWAY - now;
  if (wait <= 0) return 0;
  if (wait <= LEEWAY) return wait;
  const isInTime = isDate(approvedAt) && approvedAt - LEEWAY < ask.exp;
  const outlook = isInTime
    ? `A gateway takes it ${showDuration(wait)} from now, if its clock agrees with yours`
    : "The ask ends before a gateway would take it";
  throw new UserError(
    `The approval by ${name} was made in the future. ${both}; your clock says ${showTime(now)}. The clock of ${name} is ahead of yours, or yours is behind. ${outlook}.`,
    { hint: `${COMPARE} Then have it approved again${isInTime ? ", or wait and run this again" : ""}.`, exitCode: 1 },
  );
}
