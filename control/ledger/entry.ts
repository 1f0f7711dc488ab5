/**
 * An entry of the ledger (docs/audit.md): one line of JSON that only the ledger writes, its head, a line feed, and the body, bytes from
 * outside exactly as they came. So whoever posts bytes chooses what stands behind the line feed and nothing before it.
 */
import { z } from "zod";

/** tlog-tiles gives an entry's length in 16 bits. */
export const MAX_ENTRY_BYTES = 65_535;
/** Room for the longest head: names are bounded below. */
export const MAX_HEAD_BYTES = 2048;
/** A longer body is entered by its hash, with the bytes beside, in `blob/`. */
export const MAX_BODY_BYTES = MAX_ENTRY_BYTES - MAX_HEAD_BYTES;

/** Lines that come from outside, as they are. */
export const lineTypes = ["record", "evidence", "receipt", "answer", "quarantine"] as const;
export type LineType = (typeof lineTypes)[number];
/** What only the ledger, or a command that holds its lock, makes. */
export const ownTypes = ["heartbeat", "bundle", "text", "push", "alarm", "end", "review", "drill", "shard"] as const;
export const entryTypes = [...lineTypes, ...ownTypes] as const;
export type EntryType = (typeof entryTypes)[number];

/**
 * How the sender was known: by the file that the ledger itself reads, a token, a client certificate, this machine, as the ledger, or by the
 * signature that is handed in itself.
 */
export const channels = ["file", "token", "certificate", "local", "ledger", "signature"] as const;

const ascii = (max: number): z.ZodString =>
  z.string().regex(new RegExp(`^[\\x21-\\x7e]{1,${max}}$`), "must be printable ASCII");

export const senderSchema = z.strictObject({ sender: ascii(128), via: z.enum(channels) });
/** Who sent it, as authenticated: a name of the ledger's configuration. */
export type Sender = z.infer<typeof senderSchema>;

const headSchema = z.strictObject({
  ledger: z.literal(1),
  type: z.enum(entryTypes),
  /** When it was taken in, UTC, by the ledger's clock. */
  received: z.iso.datetime({ precision: 3 }),
  ...senderSchema.shape,
  /** Of a quarantine: what is wrong with the body, a code. */
  why: ascii(64).optional(),
  /** Of a body that stands in `blob/`: its SHA-256 and its length. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  bytes: z.int().positive().optional(),
});
export type EntryHead = z.infer<typeof headSchema>;
/** What a head is. */
export const entryHeadSchema: z.ZodType<EntryHead> = headSchema;

export interface Entry {
  readonly head: EntryHead;
  readonly body: Buffer;
}

const LINE_FEED = 0x0a;

const DAY =
  "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))";
const TIME = `[0-9]{4}-${DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}Z`;
/** Printable, and itself in JSON. */
const name = (max: number): string => `"[!#-\\[\\]-~]{1,${max}}"`;
const oneOf = (words: readonly string[]): string => `"(?:${words.join("|")})"`;
/**
 * A head just as `encodeEntry` writes it (29 February apart): what this lets through, the schema lets through as the same value, and what
 * it does not is the schema's to judge.
 */
const PLAIN_HEAD = new RegExp(
  `^\\{"ledger":1,"type":${oneOf(entryTypes)},"received":"${TIME}","sender":${name(128)},"via":${oneOf(channels)}` +
    `(?:,"why":${name(64)})?(?:,"sha256":"[0-9a-f]{64}")?(?:,"bytes":[1-9][0-9]{0,14})?\\}$`,
);

/** The head in that line. Undefined where the ledger did not write it so. */
export function readHead(line: string): EntryHead | undefined {
  if (PLAIN_HEAD.test(line)) return JSON.parse(line);
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined; // No JSON: said to the caller by the result.
  }
  const head = headSchema.safeParse(parsed).data;
  // To the byte: so a reader of whatever make takes the same from it.
  return head !== undefined && JSON.stringify(head) === line ? head : undefined;
}

function writeHead(head: EntryHead): string {
  const line = JSON.stringify(head);
  return PLAIN_HEAD.test(line) ? line : JSON.stringify(headSchema.parse(head));
}

/** @throws RangeError where it is longer than an entry can be: the caller puts such a body into `blob/` first. */
export function encodeEntry({ head, body }: Entry): Buffer {
  const line = Buffer.from(`${writeHead(head)}\n`);
  if (line.length + body.length > MAX_ENTRY_BYTES) throw new RangeError("The body is too long for an entry.");
  return Buffer.concat([line, body]);
}

/** The body stands in one place. */
const isWhole = ({ sha256, bytes }: EntryHead, body: Buffer): boolean =>
  (sha256 === undefined) === (bytes === undefined) && (sha256 === undefined || body.length === 0);

/**
 * Undefined where the ledger did not write it so: another type, an unknown member, a member twice, other spacing or order, no line feed,
 * or a body both here and in `blob/`.
 */
export function decodeEntry(bytes: Buffer): Entry | undefined {
  const end = bytes.indexOf(LINE_FEED);
  if (end < 0 || end > MAX_HEAD_BYTES) return undefined;
  const head = readHead(bytes.toString("utf8", 0, end));
  const body = bytes.subarray(end + 1);
  return head !== undefined && isWhole(head, body) ? { head, body } : undefined;
}
