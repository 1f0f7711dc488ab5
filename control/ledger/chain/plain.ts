/**
 * Lines in the very form in which the filter and Envoy write them, known by one expression each: members in their order, once, within
 * their bounds. Whatever such an expression lets through, the strict reader (json.ts) and the schemas (lines.ts) let through as the same
 * value; what it does not is theirs to judge. So it saves time and decides nothing (test/ledger/chain/plain.test.ts holds them together).
 *
 * Each name is there once and each class ends where the next name begins, so time is linear in the line's length.
 */

/** ASCII that stands for itself in JSON: one character, one byte, one UTF-16 unit of the value. */
export const PLAIN_CHARACTER = "[ !#-\\[\\]-~]";
const text = (max: number, min = 0): string => `"${PLAIN_CHARACTER}{${min},${max}}"`;
const HASH = '"[0-9a-f]{64}"';
/** A time of a day of a month: whatever reads it as a date finds one. */
export const MOMENT =
  "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}Z";
/** Below 10^15: a number that is read as itself. */
const COUNT = "(?:0|[1-9][0-9]{0,14})";
const SEQ = "[1-9][0-9]{0,14}";
const FLAG = "(?:true|false)";
const member = (name: string, value: string): string => `,"${name}":${value}`;
const maybe = (pattern: string): string => `(?:${pattern})?`;
const whole = (pattern: string): RegExp => new RegExp(`^\\{${pattern}\\}$`);

const APPROVER = `\\{"sub":${text(64)},"iat":${COUNT}\\}`;
/** Of a request whose requester is proven, all of them. */
const CLAIMS = [
  member("jti", text(64)),
  member("grant_sha256", HASH),
  member("sub", text(64)),
  member("ent", text(64)),
  member("reason", text(64)),
  maybe(member("incident", text(64))),
  member("approvers", `\\[(?:${APPROVER}(?:,${APPROVER}){0,7})?\\]`),
  member("method", text(64)),
  member("host", text(255)),
  member("path", text(4096)),
  maybe(member("path_bytes", COUNT) + member("path_sha256", HASH)),
].join("");

/** As assembly/filter/record.ts writes it. */
export const RECORD = whole(
  [
    '"v":1',
    // Together at most 192 characters.
    member("vm", `"${PLAIN_CHARACTER}{0,150}/[0-9]{1,20}/[0-9]{1,20}"`),
    member("seq", SEQ),
    member("prev", HASH),
    member("ts", `"${MOMENT}"`),
    member("mode", '"(?:enforce|shadow)"'),
    member("verdict", '"[a-z_]{1,64}"'),
    `(?:${CLAIMS}|${maybe(member("kid", text(64)))})`,
    maybe(member("source", text(64))),
    maybe(member("request_id", text(128))),
    maybe(member("bundle", COUNT)),
    maybe(member("anchors", HASH)),
    maybe(member("evidence", HASH)),
    maybe(member("cached", FLAG)),
    maybe(member("drill", text(64))),
    maybe(member("single_key", FLAG)),
    maybe(member("settles", SEQ)),
    maybe(member("corrects", SEQ)),
    maybe(member("ended", FLAG)),
  ].join(""),
);

export const EVIDENCE = whole('"evidence":"[A-Za-z0-9_.~-]{1,9000}"');
export const RECEIPT = whole('"receipt":"[A-Za-z0-9_.-]{1,2048}"');

const ENVOY_COUNT = `(?:${COUNT}|${text(32)}|null)`;
/** Envoy sorts the members. */
export const ANSWER = whole(
  [
    `"bytes_received":${ENVOY_COUNT}`,
    member("bytes_sent", ENVOY_COUNT),
    member("details", `(?:${text(1024)}|null)`),
    member("duration_ms", ENVOY_COUNT),
    member("request_id", text(256, 1)),
    member("status", ENVOY_COUNT),
    member("time", `(?:${text(64)}|null)`),
    member("verdict", `(?:${text(64)}|null)`),
  ].join(""),
);
