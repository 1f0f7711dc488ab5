/** What a line from outside is: a record, evidence, a receipt, an answer, or none of these. Every member has a bound. */
import { hash as digest } from "node:crypto";
import { z } from "zod";
import { type VerdictCode, verdictCodes } from "../../base/verdicts.gen.js";
import { type Entry, MAX_BODY_BYTES } from "../entry.js";
import { type JsonFault, readJson } from "./json.js";
import { ANSWER, EVIDENCE, MOMENT, RECEIPT, RECORD } from "./plain.js";

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const text = (max: number): z.ZodString => z.string().max(max);
const moment = z.string().regex(new RegExp(`^${MOMENT}$`));
const seq = z.int().positive();
/** A node id of at most 128 bytes, a start in nanoseconds, a number. */
const vm = z
  .string()
  .max(192)
  .regex(/^[\s\S]*\/[0-9]{1,20}\/[0-9]{1,20}$/);

/** docs/audit-record.md. Of a request whose requester is not proven it names no claim, so these may be absent, together. (`cached` is not said
 * again where a stream was ended.) */
const claimed = ["jti", "grant_sha256", "sub", "ent", "reason", "approvers", "method", "host", "path"] as const;

const recordSchema = z
  .looseObject({
    v: z.int().positive(),
    vm,
    seq,
    prev: hash,
    ts: moment,
    mode: text(16),
    verdict: z.string().regex(/^[a-z_]{1,64}$/),
    kid: text(64).optional(),
    jti: text(64).optional(),
    grant_sha256: hash.optional(),
    sub: text(64).optional(),
    ent: text(64).optional(),
    reason: text(64).optional(),
    incident: text(64).optional(),
    drill: text(64).optional(),
    approvers: z
      .array(z.strictObject({ sub: text(64), iat: z.int().nonnegative() }))
      .max(8)
      .optional(),
    method: text(64).optional(),
    host: text(255).optional(),
    path: text(4096).optional(),
    path_bytes: z.int().nonnegative().optional(),
    path_sha256: hash.optional(),
    source: text(64).optional(),
    request_id: text(128).optional(),
    bundle: z.int().nonnegative().optional(),
    anchors: hash.optional(),
    evidence: hash.optional(),
    cached: z.boolean().optional(),
    single_key: z.boolean().optional(),
    corrects: seq.optional(),
    settles: seq.optional(),
    ended: z.boolean().optional(),
  })
  .refine((record) => {
    const there = claimed.filter((name) => record[name] !== undefined).length;
    return there === 0 || there === claimed.length;
  });
export type AuditRecord = z.infer<typeof recordSchema>;
const knownMembers: ReadonlySet<string> = new Set(Object.keys(recordSchema.shape));
/** A request that waits for its receipt. */
export const PENDING = "pending";
/** Whether it says that somebody was let in, or will be once a ledger has it. */
export const isLetIn = ({ verdict }: AuditRecord): boolean => verdict === "allow" || verdict === PENDING;
/** What the filter writes of each of these. */
export const namedByAccess = [...claimed, "bundle", "anchors"] as const;
const knownVerdicts: ReadonlySet<string> = new Set<VerdictCode | typeof PENDING>([...verdictCodes, PENDING]);

const evidenceSchema = z.strictObject({ evidence: z.string().regex(/^[A-Za-z0-9_.~-]{1,9000}$/) });
const receiptSchema = z.strictObject({ receipt: z.string().regex(/^[A-Za-z0-9_.-]{1,2048}$/) });
/** Envoy writes a number, or text where it has none. */
const count = z.union([z.number(), text(32), z.null()]).optional();
const answerSchema = z.strictObject({
  time: text(64).nullish(),
  request_id: text(256).min(1),
  verdict: text(64).nullish(),
  status: count,
  bytes_received: count,
  bytes_sent: count,
  duration_ms: count,
  details: text(1024).nullish(),
});
export type Answer = z.infer<typeof answerSchema>;

export type LineFault = JsonFault | "too_long" | "record" | "evidence" | "receipt" | "answer" | "unknown";

export type Line =
  | {
      readonly type: "record";
      readonly record: AuditRecord;
      readonly sha256: Buffer;
      /** A member, or a value, that only a newer version knows. */
      readonly unknown: string | undefined;
    }
  | { readonly type: "evidence"; readonly evidence: string; readonly sha256: string }
  | { readonly type: "receipt"; readonly receipt: string; readonly sha256: string }
  | { readonly type: "answer"; readonly answer: Answer; readonly sha256: string }
  | { readonly type: "quarantine"; readonly why: LineFault; readonly sha256: string };

// By way of a string: a buffer of crypto's own has memory of its own, which costs more than the hash.
const sha256 = (data: Buffer | string): Buffer => Buffer.from(digest("sha256", data, "binary"), "binary");

/** A version, verdict or mode that only a newer version knows. */
function newerValue({ v, verdict, mode }: AuditRecord): string | undefined {
  if (v !== 1) return `v ${v}`;
  if (!knownVerdicts.has(verdict)) return `verdict ${verdict}`;
  return mode === "enforce" || mode === "shadow" ? undefined : `mode ${mode}`;
}

const newerMember = (record: AuditRecord): string | undefined =>
  Object.keys(record)
    .find((name) => !knownMembers.has(name))
    ?.slice(0, 64);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const QUOTE = 0x22;
/** The third byte tells which of our lines it can be. */
const [V, E, R, B] = [0x76, 0x65, 0x72, 0x62];

/** The value of a line that the expression lets through: by that it is what the schema would make of it. */
function valueIn<T>(pattern: RegExp, _schema: z.ZodType<T>, text: string): T | undefined {
  return pattern.test(text) ? JSON.parse(text) : undefined;
}

/** A line just as gateways write it, read at once. Undefined for any other, good or bad. */
export function readPlain(bytes: Buffer, hashed: Buffer): Line | undefined {
  if (bytes[1] !== QUOTE) return undefined;
  // Where it matches all of it is ASCII, which both encodings read as one.
  const text = bytes.toString("latin1");
  switch (bytes[2]) {
    case V: {
      const record = valueIn(RECORD, recordSchema, text);
      return record && { type: "record", record, sha256: hashed, unknown: newerValue(record) };
    }
    case E: {
      const data = valueIn(EVIDENCE, evidenceSchema, text);
      return data && { type: "evidence", evidence: data.evidence, sha256: sha256(data.evidence).toString("hex") };
    }
    case R: {
      const data = valueIn(RECEIPT, receiptSchema, text);
      return data && { type: "receipt", receipt: data.receipt, sha256: hashed.toString("hex") };
    }
    case B: {
      const answer = valueIn(ANSWER, answerSchema, text);
      return answer && { type: "answer", answer, sha256: hashed.toString("hex") };
    }
    default:
      return undefined;
  }
}

/** Any line, by the strict reader and the schemas: they say what a line is. Never throws. */
export function readLine(bytes: Buffer, hashed: Buffer): Line {
  const quarantine = (why: LineFault): Line => ({ type: "quarantine", why, sha256: hashed.toString("hex") });
  const read = readJson(bytes);
  if ("fault" in read) return quarantine(read.fault);
  const { value } = read;
  if (!isObject(value)) return quarantine("unknown");
  if ("v" in value && "vm" in value) {
    const { data } = recordSchema.safeParse(value);
    if (data === undefined) return quarantine("record");
    return { type: "record", record: data, sha256: hashed, unknown: newerValue(data) ?? newerMember(data) };
  }
  if ("evidence" in value) {
    const { data } = evidenceSchema.safeParse(value);
    if (data === undefined) return quarantine("evidence");
    return { type: "evidence", evidence: data.evidence, sha256: sha256(data.evidence).toString("hex") };
  }
  if ("receipt" in value) {
    const { data } = receiptSchema.safeParse(value);
    return data === undefined
      ? quarantine("receipt")
      : { type: "receipt", receipt: data.receipt, sha256: hashed.toString("hex") };
  }
  if ("request_id" in value && "status" in value) {
    const { data } = answerSchema.safeParse(value);
    return data === undefined ? quarantine("answer") : { type: "answer", answer: data, sha256: hashed.toString("hex") };
  }
  return quarantine("unknown");
}

/** Entries that are a gateway's lines. */
const LINES: ReadonlySet<string> = new Set(["record", "evidence", "receipt", "answer"]);

/** What an entry of a line is, once for all who look at it. Undefined for the ledger's own, and for what was no line. */
export const lineOf = ({ head, body }: Entry): Line | undefined => (LINES.has(head.type) ? classify(body) : undefined);

/** @param bytes a line without its end. Never throws. */
export function classify(bytes: Buffer): Line {
  const hashed = sha256(bytes);
  if (bytes.length > MAX_BODY_BYTES) return { type: "quarantine", why: "too_long", sha256: hashed.toString("hex") };
  return readPlain(bytes, hashed) ?? readLine(bytes, hashed);
}
