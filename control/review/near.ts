/** Names that somebody could take for another: a lookalike account or host is how a wrong person or place gets approved. */
import { distance } from "fastest-levenshtein";

/** One letter in a short name, two in a long one; names of three letters are all near each other. */
const SHORT = 4;
const LONG = 8;

/** What looks alike at a glance is one. */
const skeleton = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll("rn", "m")
    .replaceAll("vv", "w")
    .replace(/[0]/g, "o")
    .replace(/[1i|]/g, "l")
    .replace(/[5]/g, "s")
    .replace(/[-_. ]/g, "");

const withoutDigits = (name: string): string => name.replace(/[0-9]+/g, "");

export function isNear(a: string, b: string): boolean {
  const [one, other] = [a.toLowerCase(), b.toLowerCase()];
  if (one === other) return false;
  if (skeleton(one) === skeleton(other)) return true;
  // api-1 and api-2 are meant to be told apart by their number.
  if (/[0-9]/.test(one) && /[0-9]/.test(other) && withoutDigits(one) === withoutDigits(other)) return false;
  const shorter = Math.min(one.length, other.length);
  const most = shorter >= LONG ? 2 : shorter >= SHORT ? 1 : 0;
  return Math.abs(one.length - other.length) <= most && distance(one, other) <= most;
}
