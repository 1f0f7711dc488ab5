/** Moments and durations as people write them in a roster; the bundle holds seconds. */
import { z } from "zod";
import { DURATION, durationSeconds, faultOfMoment, parseMoment, showDuration } from "../base/time.js";

const ISO = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?)?$/;

/** Seconds since 1970, or a date in UTC such as `2027-01-31` or `2027-01-31T18:00Z`. */
export const moment = z.union([
  z.int("must be whole seconds since 1970, or a date such as 2027-01-31").superRefine((seconds, context) => {
    const fault = faultOfMoment(seconds);
    if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
  }),
  z
    .string()
    .regex(ISO, {
      error: ({ input }) =>
        `must be a UTC date such as 2027-01-31 or 2027-01-31T18:00Z, or seconds since 1970${
          typeof input === "string" && /^\d+$/.test(input) ? "; leave the quotes out" : ""
        }`,
    })
    .transform((text, context) => {
      const seconds = parseMoment(text);
      if (typeof seconds === "number") return seconds;
      context.addIssue({ code: "custom", message: seconds });
      return z.NEVER;
    }),
]);

/** Fewer seconds than this without a unit were most likely meant in a larger one. */
export interface Bare {
  readonly least: number;
  readonly unit: "m" | "d";
  /** Whether `500ms` is one as well: half a second. */
  readonly hasMs?: boolean;
}
const MINUTES: Bare = { least: 60, unit: "m" };
const ruleOf = ({ hasMs }: Bare): string =>
  `must be seconds or a duration such as ${hasMs === true ? "500ms, 10s or 15m" : "15m, 2h or 30d"}`;
const MILLISECONDS = /^([1-9][0-9]{0,8})ms$/;
const WITH_MS = /^[1-9][0-9]{0,8}(?:ms|[smhd])$/;

/** Seconds. */
function secondsOf(text: string): number | undefined {
  const ms = MILLISECONDS.exec(text)?.[1];
  return ms === undefined ? durationSeconds(text) : Number(ms) / 1000;
}

/** What somebody meant who wrote `15min`, `15 M` or `1.5h`. */
function meant(text: string, { hasMs }: Bare): string {
  const part = /^(?:0?(\.\d{1,3})\s*s?|(\d{1,9})\s*m(?:illi)?s(?:ec(?:ond)?s?)?)$/i.exec(text.trim());
  const ms = part?.[1] === undefined ? Number(part?.[2] ?? 0) : Math.round(Number(part[1]) * 1000);
  if (hasMs === true && ms > 0) return `; did you mean ${ms}ms?`;
  const mixed = /^(?:PT)?(\d+)h\s*(\d+)m(?:in)?$/i.exec(text.trim());
  if (mixed !== null) return `; did you mean ${Number(mixed[1]) * 60 + Number(mixed[2])}m?`;
  const parts = /^(?:PT)?(\d+)\s*(?:(s)(?:ecs?|econds?)?|(m)(?:ins?|inutes?)?|(h)(?:rs?|ours?)?|(d)(?:ays?)?)$/i.exec(
    text.trim(),
  );
  const unit = parts?.slice(2).find((letter) => letter !== undefined);
  if (parts !== null && Number(parts[1]) > 0) return `; did you mean ${Number(parts[1])}${unit?.toLowerCase()}?`;
  return /^\d+$/.test(text) ? `; write ${text}s, ${text}m or ${text}h` : "";
}

/** Seconds (60 or more, if not said otherwise), or `15m`, `2h`, `30d`. @param longest in seconds */
export const duration = (longest: number, bare: Bare = MINUTES) => {
  const rule = ruleOf(bare);
  const tooLong = `is longer than ${showDuration(longest)}`;
  return z.union([
    z
      .int(`${rule}, without a fraction`)
      .min(1, "must be more than nothing")
      .superRefine((seconds, context) => {
        if (seconds < 1) return;
        if (seconds < bare.least)
          context.addIssue({ code: "custom", message: `has no unit: write ${seconds}${bare.unit} or ${seconds}s` });
        else if (seconds > longest && seconds % 1000 === 0 && seconds / 1000 <= longest)
          context.addIssue({
            code: "custom",
            message: `${tooLong}, as if in milliseconds: did you mean ${seconds / 1000}, that is ${showDuration(seconds / 1000)}?`,
          });
        else if (seconds > longest) context.addIssue({ code: "custom", message: tooLong });
      }),
    z
      .string()
      .regex(bare.hasMs === true ? WITH_MS : DURATION, {
        error: ({ input }) => `${rule}${typeof input === "string" ? meant(input, bare) : ""}`,
      })
      .transform((text, context) => {
        const seconds = secondsOf(text);
        if (seconds !== undefined && seconds <= longest) return seconds;
        context.addIssue({ code: "custom", message: tooLong });
        return z.NEVER;
      }),
  ]);
};
