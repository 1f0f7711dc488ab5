/** Times for people and for tokens. Tokens hold integer seconds since 1970. */
import { UserError } from "./errors.js";

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** Beyond this JavaScript knows no date (ECMA-262, "Time Values"). */
const LAST_DATE = 8_640_000_000_000;

/** `2026-11-24 10:32:00 UTC (11:32:00 local)`. */
export function showTime(seconds: number): string {
  if (!Number.isInteger(seconds) || Math.abs(seconds) > LAST_DATE)
    return `${seconds} seconds after 1970, which is no date`;
  const date = new Date(seconds * 1000);
  const utc = `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const local = date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
  return `${utc} (${local})`;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90s`, `15m`, `2h`, `30d` or plain seconds. */
export function parseDuration(text: string): number {
  const match = /^([1-9][0-9]{0,8})([smhd]?)$/.exec(text);
  const unit = UNITS[match?.[2] === undefined || match[2] === "" ? "s" : match[2]];
  if (match?.[1] === undefined || unit === undefined) {
    throw new UserError(`"${text}" is not a duration.`, { hint: "Write 90s, 15m, 2h or 30d." });
  }
  return Number(match[1]) * unit;
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
