/** The small schemas that rosters, bundles, grants and configurations share (bounds as in assembly/limits.ts). */
import { z } from "zod";
import { visible } from "../base/text.js";

export const NAME = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/;
const NAME_RULE = "must be a name: 1 to 64 letters, digits and ._@+-, beginning with a letter or digit";
/** More of a wrong name is not worth showing: somebody pasted something else. */
const SHOWN_CHARACTERS = 70;

export const name = z.string().regex(NAME, {
  error: ({ input }) =>
    typeof input === "string" && input.length <= SHOWN_CHARACTERS
      ? `${NAME_RULE}; this is ${visible(JSON.stringify(input))}`
      : NAME_RULE,
});

/** Seconds since 1970. */
export const numericDate = z.int("must be an integer of seconds since 1970").nonnegative();

const host = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]{2,}\])(?::[1-9][0-9]{0,4})?$/;
const pathByte = /^(?:[A-Za-z0-9\-._~!$&'()+,=:@]|%[0-9A-Fa-f]{2})*$/;

/** What escapes stand for, in any segment; undefined when that is no UTF-8. */
function unescaped(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined; // Broken escapes, and bytes that are no UTF-8.
  }
}

/** An escape that hides structure, needs no escaping or is no UTF-8 is no literal: a request with it is ambiguous. */
function isCleanLiteral(segment: string): boolean {
  if (segment === "." || segment === ".." || !pathByte.test(segment)) return false;
  return [...segment.matchAll(/(?:%[0-9A-Fa-f]{2})+/g)].every(([escapes]) => {
    const text = unescaped(escapes);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
    return text !== undefined && !/[\x00-\x1f\x7fA-Za-z0-9\-._~/;\\%?#]/.test(text);
  });
}

/** Whether a path pattern is one that the filter reads (assembly/text/pattern.ts is the authority). */
export function isPattern(pattern: string): boolean {
  if (!pattern.startsWith("/") || pattern.length > 1024) return false;
  const segments = pattern.slice(1).split("/");
  return segments.every((segment, index) => {
    const isLast = index === segments.length - 1;
    if (segment === "") return isLast;
    if (segment === "**") return isLast;
    return segment === "*" || isCleanLiteral(segment);
  });
}

const pattern = z
  .string()
  .refine(
    isPattern,
    "must be a path pattern: /literal/*/... with * for one segment and ** only at the end, nothing ambiguous",
  );
const method = z.string().regex(/^[A-Z-]{1,32}$/, "must be an HTTP method in capitals");
const location = z
  .string()
  .max(255, "is longer than 255 characters")
  .regex(host, "must be a lower-case host without https://, with :port if it is not 80 or 443")
  .refine((text) => Number(/:(\d+)$/.exec(text)?.[1] ?? 0) <= 65_535, "has a port over 65535");

const detail = (locations: z.ZodType<string>, actions: z.ZodType<string>) =>
  z.strictObject({
    type: z.literal("break_glass_http"),
    locations: z.array(locations).min(1).max(16),
    actions: z.array(actions).min(1).max(16),
    paths: z.array(pattern).min(1).max(32),
  });

/** `authorization_details` of a grant: it names what it opens. */
export const grantDetails = z.array(detail(location, method)).min(1).max(16);
/** Of an entitlement: `"*"` may stand for any host and any method. */
export const entitlementDetails = z
  .array(detail(z.union([z.literal("*"), location]), z.union([z.literal("*"), method])))
  .min(1)
  .max(16);
export type Detail = z.infer<typeof grantDetails>[number];

/** A whole number within its bounds. */
export function integer(min: number, max?: number) {
  const rule =
    max === undefined ? (min === 0 ? "must not be negative" : `must be at least ${min}`) : `must be ${min} to ${max}`;
  const least = z.int("must be a whole number").min(min, rule);
  return max === undefined ? least : least.max(max, rule);
}

/** Claims of which an entitlement can demand that a grant has them. */
export const requirements = z
  .array(z.enum(["incident", "cnf", "net"]))
  .refine((all) => new Set(all).size === all.length, "requires the same twice");

const TOO_LONG = "is longer than 64 bytes: no grant can name it, so it would take nothing back";
export const revokedName = z
  .string()
  .min(1, "is empty")
  .max(64, TOO_LONG)
  .refine((text) => Buffer.byteLength(text) <= 64, TOO_LONG);

/** Who signs urgent revocations: a principal by its id, a root by its kid, which may begin with `-` or `_`. */
const signerName = z.string().regex(/^(?:[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}|[A-Za-z0-9_-]{43})$/, "must be a signer");
/** By signer, a version up to which texts are ignored. */
export const floors = (max: number) =>
  z
    .record(signerName, integer(0))
    .refine((texts) => Object.keys(texts).length <= max, `names more than ${max} signers`);

export const headerName = z
  .string()
  .regex(/^[a-z0-9_-]{1,64}$/, "must be a header's name in small letters")
  .refine((text) => text !== "host", "must not be host");
const NOT_TO_SET: ReadonlySet<string> = new Set(
  "connection content-length te transfer-encoding upgrade x-break-glass x-break-glass-grant".split(" "),
);
/** A header that opens the upstream's door. No message shows what it carries. */
export const upstreamHeader = (max: number) =>
  z.strictObject({
    name: headerName.refine(
      (text) => !NOT_TO_SET.has(text),
      "must be none that proxies take for themselves, nor one of the filter's own",
    ),
    value: z
      .string()
      .regex(new RegExp(`^[\\x21-\\x7e]{1,${max}}$`), `must be 1 to ${max} visible ASCII characters, without a space`),
  });
/** What stands in a pseudo header of the filter's own call. */
export const visibleText = (max: number) =>
  z
    .string()
    .regex(new RegExp(`^[\\x21-\\x7e]{1,${max}}$`), `must be 1 to ${max} visible ASCII characters, without a space`);
export const requestPath = (max: number) =>
  z
    .string()
    .regex(
      new RegExp(`^/[\\x21-\\x7e]{0,${max - 1}}$`),
      `must begin with / and be at most ${max} visible ASCII characters`,
    );
/** Nobody in front vouches for a credential. */
export const keptHeader = headerName.refine(
  (text) => text !== "authorization" && text !== "dpop",
  "must be no credential: authorization and dpop are always removed",
);
