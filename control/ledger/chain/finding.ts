/** What is found wrong, or worth knowing, about entries: it becomes an entry of type `alarm`, and goes out as an alarm. */
import { z } from "zod";
import { type AlarmCode, alarmCodes } from "./codes.gen.js";

/** More entries than this an alarm does not name one by one. */
export const MAX_ABOUT = 64;
/** Missing stretches that one alarm names, each with its first and last `seq`: they fit into an entry. */
export const MAX_RANGES = 512;

export interface Finding {
  readonly code: AlarmCode;
  /** What it is about, for counting: the same code and subject again within a minute is counted, not told. */
  readonly subject: string;
  /** The entries that it labels; the first is where it was found. */
  readonly about: readonly number[];
  readonly index?: number;
  readonly vm?: string;
  readonly seq?: number;
  readonly grant_sha256?: string;
  /** Of records that are missing: first and last `seq` of each stretch. */
  readonly ranges?: readonly (readonly [number, number])[];
  /** Of a summary: how many it stands for. */
  readonly count?: number;
  /** One sentence. May hold text from outside: whoever shows it escapes it. */
  readonly says: string;
}

/** An alarm on its way out: durable already. */
export interface Alarm extends Finding {
  /** The index of its own entry. */
  readonly entry: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const MAX_SUBJECT = 512;
const MAX_SAYS = 1024;
/** As it stands in an alarm. */
export const subjectOf = ({ subject }: Pick<Finding, "subject">): string => subject.slice(0, MAX_SUBJECT);
const index = z.int().nonnegative();

const bodySchema = z.strictObject({
  code: z.enum(alarmCodes),
  subject: z.string().max(MAX_SUBJECT),
  about: z.array(index).max(MAX_ABOUT),
  vm: z.string().optional(),
  seq: index.optional(),
  grant_sha256: z.string().optional(),
  ranges: z
    .array(z.tuple([index, index]))
    .max(MAX_RANGES)
    .optional(),
  count: z.int().positive().optional(),
  says: z.string().max(MAX_SAYS),
});

/** The body of an `alarm` entry. */
export function encodeFinding({ index: _index, ...finding }: Finding): Buffer {
  return Buffer.from(
    JSON.stringify({
      ...finding,
      subject: subjectOf(finding),
      about: finding.about.slice(0, MAX_ABOUT),
      ...(finding.ranges === undefined ? {} : { ranges: finding.ranges.slice(0, MAX_RANGES) }),
      says: finding.says.slice(0, MAX_SAYS),
    }),
  );
}

/** Undefined for what the ledger did not write so. */
export function decodeFinding(body: Buffer): Finding | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    return undefined; // No JSON: said to the caller by the result.
  }
  const result = bodySchema.safeParse(parsed);
  if (!result.success) return undefined;
  const { vm, seq, grant_sha256, ranges, count, ...rest } = result.data;
  const [first] = rest.about;
  return {
    ...rest,
    ...(first === undefined ? {} : { index: first }),
    ...(vm === undefined ? {} : { vm }),
    ...(seq === undefined ? {} : { seq }),
    ...(grant_sha256 === undefined ? {} : { grant_sha256 }),
    ...(ranges === undefined ? {} : { ranges }),
    ...(count === undefined ? {} : { count }),
  };
}

/** What one entry is looked at with: where it stands, when it came, from whom, and where findings go. */
export interface Step {
  readonly index: number;
  /** Milliseconds since 1970, by the ledger's clock. */
  readonly at: number;
  readonly sender: string;
  say(finding: Omit<Finding, "about" | "index"> & { readonly about?: readonly number[] }): void;
}

/** What waited to be judged, and was pushed out by more of the same sender's. */
export const overflowOf = (sender: string, index: number, lost: string) => ({
  code: "overflow" as const,
  subject: sender,
  about: [index],
  says: `more of what ${sender} sent waits than is remembered: ${lost}`,
});
