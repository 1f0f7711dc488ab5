/** The shapes of a grant, as docs/grant-format.md words them. Throws `Malformed` for anything else. */
import { type JsonValue, parseStrictly } from "./json.js";
import { type Block, readBlock } from "./networks.js";

export class Malformed extends Error {}

export type JsonObject = { [name: string]: JsonValue };
export interface Detail {
  readonly locations: string[];
  readonly actions: string[];
  readonly paths: string[];
}
/** The key that the holder must show: the SHA-256 of a certificate, or of the key of a DPoP proof. */
export interface Confirmation {
  readonly method: "x5t#S256" | "jkt";
  readonly thumbprint: Buffer;
}
export interface Claims {
  readonly jti: string;
  readonly sub: string;
  readonly aud: string[];
  readonly iat: number;
  readonly exp: number;
  readonly ent: string;
  readonly reason: string;
  readonly text: string;
  readonly incident: string | undefined;
  readonly drill: string | undefined;
  readonly cnf: Confirmation | undefined;
  readonly net: Block[] | undefined;
  readonly details: Detail[];
}
export interface Header {
  readonly alg: string;
  readonly kid: string;
  readonly iat: number | undefined;
}

function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Malformed(what);
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/;

function string(value: JsonValue | undefined, pattern: RegExp): string {
  must(typeof value === "string" && pattern.test(value), "a string of another form");
  return value;
}

function integer(value: JsonValue | undefined): number {
  must(typeof value === "number", "a number");
  return value;
}

function text(value: JsonValue | undefined, maxBytes: number): string {
  must(typeof value === "string" && value !== "" && Buffer.byteLength(value) <= maxBytes, "a text within its bounds");
  return value;
}

function list(value: JsonValue | undefined, max: number, item: (entry: string) => boolean): string[] {
  must(Array.isArray(value) && value.length >= 1 && value.length <= max, "an array within its bounds");
  return value.map((entry) => {
    must(typeof entry === "string" && item(entry), `an entry: ${JSON.stringify(entry)}`);
    return entry;
  });
}

function closed(
  value: JsonValue | undefined,
  required: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  must(isObject(value), "an object");
  for (const name of required) must(Object.hasOwn(value, name), `${name} is missing`);
  for (const name of Object.keys(value)) must(required.includes(name) || optional.includes(name), `${name} is unknown`);
  return value;
}

export function isHost(host: string): boolean {
  const match = /^(\[[0-9a-f:.]{2,}\]|[a-z0-9._-]+)(?::([1-9][0-9]{0,4}))?$/.exec(host);
  return match !== null && host.length <= 255 && Number(match[2] ?? 1) <= 65_535;
}

/** A literal of a pattern: what a request's segment may be, unambiguously. */
function isLiteral(part: string): boolean {
  if (part === "." || part === ".." || !/^(?:[A-Za-z0-9\-._~!$&'()+,=:@]|%[0-9A-Fa-f]{2})*$/.test(part)) return false;
  return !hasBadEscape(part);
}

/** Escapes that are broken, are no UTF-8, hide structure or were not needed. */
export function hasBadEscape(text: string): boolean {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return true;
  for (const [run] of text.matchAll(/(?:%..)+/g)) {
    const bytes = Buffer.from(run.replaceAll("%", ""), "hex");
    if (bytes.some((byte) => byte < 0x20 || byte === 0x7f || "/;\\%?#".includes(String.fromCharCode(byte))))
      return true;
    if (/[A-Za-z0-9\-._~]/.test(bytes.toString("latin1"))) return true;
    if (Buffer.compare(Buffer.from(bytes.toString("utf8"), "utf8"), bytes) !== 0) return true;
  }
  return false;
}

export function isPattern(pattern: string): boolean {
  if (!pattern.startsWith("/") || Buffer.byteLength(pattern) > 1024) return false;
  const parts = pattern.slice(1).split("/");
  return parts.every((part, i) => {
    if (part === "" || part === "**") return i === parts.length - 1;
    return part === "*" || isLiteral(part);
  });
}

export function readDetails(value: JsonValue | undefined, isWildcardLegal: boolean): Detail[] {
  must(Array.isArray(value) && value.length >= 1 && value.length <= 16, "details");
  const star = (entry: string): boolean => isWildcardLegal && entry === "*";
  return value.map((entry) => {
    const detail = closed(entry, ["type", "locations", "actions", "paths"]);
    must(detail.type === "break_glass_http", "the type");
    return {
      locations: list(detail.locations, 16, (host) => star(host) || isHost(host)),
      actions: list(detail.actions, 16, (method) => star(method) || /^[A-Z-]{1,32}$/.test(method)),
      paths: list(detail.paths, 32, isPattern),
    };
  });
}

function readConfirmation(value: JsonValue): Confirmation {
  const members = Object.entries(closed(value, [], ["x5t#S256", "jkt"]));
  const [[method, text] = ["", ""], ...more] = members;
  must(more.length === 0 && (method === "x5t#S256" || method === "jkt"), "one member");
  must(typeof text === "string", "a thumbprint");
  const thumbprint = decodeSegment(text);
  must(thumbprint.length === 32, "a SHA-256");
  return { method, thumbprint };
}

export function readClaims(bytes: Uint8Array): Claims {
  const required = ["jti", "sub", "aud", "iat", "exp", "ent", "reason", "text", "authorization_details"];
  const claims = closed(parseStrictly(bytes), required, ["incident", "drill", "cnf", "net"]);
  const read = {
    jti: string(claims.jti, /^[A-Za-z0-9_-]{16,64}$/),
    sub: string(claims.sub, NAME),
    aud: typeof claims.aud === "string" ? [string(claims.aud, NAME)] : list(claims.aud, 16, (name) => NAME.test(name)),
    iat: integer(claims.iat),
    exp: integer(claims.exp),
    ent: string(claims.ent, NAME),
    reason: string(claims.reason, NAME),
    text: text(claims.text, 1000),
    incident: claims.incident === undefined ? undefined : text(claims.incident, 64),
    drill: claims.drill === undefined ? undefined : string(claims.drill, NAME),
    cnf: claims.cnf === undefined ? undefined : readConfirmation(claims.cnf),
    net:
      claims.net === undefined
        ? undefined
        : list(claims.net, 16, (entry) => readBlock(entry) !== undefined).flatMap((entry) => readBlock(entry) ?? []),
    details: readDetails(claims.authorization_details, false),
  };
  must(read.iat < read.exp, "exp after iat");
  return read;
}

export function readHeader(bytes: Uint8Array, typ: string, withIat: boolean): Header {
  const header = closed(parseStrictly(bytes), withIat ? ["alg", "kid", "typ", "iat"] : ["alg", "kid", "typ"]);
  must(header.typ === typ, "the typ");
  must(typeof header.alg === "string" && typeof header.kid === "string", "alg and kid");
  return { alg: header.alg, kid: header.kid, iat: withIat ? integer(header.iat) : undefined };
}

/** Canonical base64url: decoding and encoding again gives the same text. */
export function decodeSegment(segment: string): Buffer {
  must(/^[A-Za-z0-9_-]*$/.test(segment), "base64url");
  const bytes = Buffer.from(segment, "base64url");
  must(bytes.toString("base64url") === segment, "canonical base64url");
  return bytes;
}
