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

/** How the sender was known: by the file that the ledger itself reads, a token, a client certificate, this machine, or as the ledger. */
export const channels = ["file", "token", "certificate", "local", "ledger"] as const;

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

export interface Entry {
  readonly head: EntryHead;
  readonly body: Buffer;
}

const LINE_FEED = 0x0a;

/** @throws RangeError where it is longer than an entry can be: the caller puts such a body into `blob/` first. */
export function encodeEntry({ head, body }: Entry): Buffer {
  const line = Buffer.from(`${JSON.stringify(headSchema.parse(head))}\n`);
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
  const line = bytes.toString("utf8", 0, end);
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined; // No JSON: said to the caller by the result.
  }
  const head = headSchema.safeParse(parsed);
  const body = bytes.subarray(end + 1);
  // To the byte: so a reader of whatever make takes the same from it.
  const isOurs = head.success && JSON.stringify(head.data) === line && isWhole(head.data, body);
  return isOurs ? { head: head.data, body } : undefined;
}
