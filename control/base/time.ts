/** Times for people and for tokens. Tokens hold integer seconds since 1970. */
import { UserError } from "./errors.js";

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** Beyond this JavaScript knows no date (ECMA-262, "Time Values"). */
const LAST_DATE = 8_640_000_000_000;

const pad = (number: number): string => String(Math.abs(number)).padStart(2, "0");

/** `2026-11-24 10:32:00` of a date's own UTC fields. */
const stamp = (date: Date): string =>
  date
    .toISOString()
    .replace(/\.\d+Z$/, "")
    .replace("T", " ");

/**
 * `2026-11-24 10:32:00 UTC (2026-11-24 11:32:00 +01:00)`: the same digits in every language, so that two people can compare
 * them by phone. Every number has its own text, dates or not.
 */
export function showTime(seconds: number): string {
  if (!Number.isInteger(seconds) || Math.abs(seconds) > LAST_DATE)
    return `${seconds} seconds after 1970, which is no date`;
  const date = new Date(seconds * 1000);
  const minutes = Math.round(-date.getTimezoneOffset());
  const local = new Date(date.getTime() + minutes * 60_000);
  const utc = `${stamp(date)} UTC`;
  if (minutes === 0 || Number.isNaN(local.getTime())) return utc;
  const zone = `${minutes < 0 ? "-" : "+"}${pad(Math.trunc(minutes / 60))}:${pad(minutes % 60)}`;
  return `${utc} (${stamp(local)} ${zone})`;
}

/** The last moment that a person may write: what is later is most likely milliseconds, and a token's `exp` for ever. */
export const LAST_MOMENT = Date.UTC(2100, 0, 1) / 1000;
/** Numbers below this (9 September 2001) are no moment that anybody means: a duration, or a date without its dashes. */
const FIRST_NUMBER = 1_000_000_000;

const short = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(/:\d\d\.\d+Z$/, "Z");

/** What is wrong with a number as a moment in seconds since 1970, or undefined. 0 is no limit at all. */
export function faultOfMoment(seconds: number): string | undefined {
  if (!Number.isInteger(seconds))
    return "must be whole seconds since 1970, without a fraction, or a date such as 2027-01-31";
  if (seconds < 0) return "is before 1970; write a date such as 2027-01-31";
  if (seconds > LAST_MOMENT) {
    for (const [unit, size] of [
      ["milliseconds", 1e3],
      ["microseconds", 1e6],
      ["nanoseconds", 1e9],
    ] as const) {
      const meant = Math.floor(seconds / size);
      if (meant >= FIRST_NUMBER && meant <= LAST_MOMENT)
        return `looks like ${unit}: did you mean ${meant}, that is ${short(meant)}?`;
    }
    return "is after the year 2100; leave it out where there is to be no limit";
  }
  if (seconds > 0 && seconds < FIRST_NUMBER) {
    const digits = /^((?:19|20)\d\d)(\d\d)(\d\d)$/.exec(String(seconds));
    const meant = digits === null ? "a date such as 2027-01-31" : `${digits[1]}-${digits[2]}-${digits[3]}`;
    return `would be ${short(seconds)}; write ${meant}`;
  }
  return undefined;
}

const MOMENT = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?(?:Z|([+-])(\d{2}):(\d{2}))?)?$/;

/** A date of the calendar as people write it, UTC where no zone is named: its seconds since 1970, or what is wrong with it. */
export function parseMoment(text: string): number | string {
  const parts = MOMENT.exec(text);
  if (parts === null) return "must be a UTC date such as 2027-01-31 or 2027-01-31T18:00Z, or seconds since 1970";
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0));
  const zone = Number(parts[8] ?? 0) * 60 + Number(parts[9] ?? 0);
  const clock = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second);
  const date = new Date(clock);
  // Date.UTC takes 30 February for 2 March: what comes back must be what went in.
  const isDate = date.getUTCFullYear() === year && date.getUTCMonth() + 1 === month && date.getUTCDate() === day;
  const isTime = (hour ?? 0) < 24 && (minute ?? 0) < 60 && (second ?? 0) < 60;
  if (!isTime) return "is no time of the day (00:00:00 to 23:59:59)";
  if (!isDate) return "is no date of the calendar";
  if (zone > 14 * 60 || Number(parts[9] ?? 0) > 59) return "has a zone that is none (-14:00 to +14:00)";
  const seconds = clock / 1000 - (parts[7] === "-" ? -zone : zone) * 60;
  if (seconds < 0) return "is before 1970";
  if (seconds > LAST_MOMENT) return "is after the year 2100; leave it out where there is to be no limit";
  return seconds;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90s`, `15m`, `2h` or `30d`: a bare number could be meant in any unit. */
export const DURATION = /^([1-9][0-9]{0,8})([smhd])$/;

/** Seconds; undefined for what is no duration. */
export function durationSeconds(text: string): number | undefined {
  const match = DURATION.exec(text);
  const unit = UNITS[match?.[2] ?? ""];
  return match?.[1] === undefined || unit === undefined ? undefined : Number(match[1]) * unit;
}

export function parseDuration(text: string): number {
  const seconds = durationSeconds(text);
  if (seconds === undefined) {
    throw new UserError(`"${text}" is not a duration.`, { hint: "Write 90s, 15m, 2h or 30d." });
  }
  return seconds;
}

/** The two largest units alone, as people say it: `1 day 3 hours`; from two weeks on days alone. */
export function showRoughly(seconds: number): string {
  const unit = seconds >= 14 * 86_400 ? 86_400 : seconds >= 86_400 ? 3600 : seconds >= 3600 ? 60 : 1;
  return showDuration(Math.floor(seconds / unit) * unit);
}

/** `15 minutes`, `1 hour 30 minutes`. */
export function showDuration(seconds: number): string {
  const parts: string[] = [];
  let rest = seconds;
  for (const [name, size] of [
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
    ["second", 1],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count} ${name}${count === 1 ? "" : "s"}`);
    rest -= count * size;
  }
  return parts.length === 0 ? "0 seconds" : parts.join(" ");
}
