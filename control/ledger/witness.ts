/** The client of C2SP tlog-witness: brings a checkpoint to a witness, with the proof that it continues what the witness saw before. */
import { messageOf, UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { type Cosignature, cosignaturesOf } from "./cosignature.js";
import { type NoteSignature, parseNote, type Vkey } from "./tlog/note.js";

const TIME_OUT_MS = 10_000;
/** Some lines of signatures; a post-quantum one has 3.3 KB. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** The specification's: no tree is higher. */
const MAX_PROOF_HASHES = 63;

/** A witness that did not cosign: unreachable, or it said no. Nothing of the log is wrong by it. */
export class WitnessError extends UserError {
  /** Its answer's; undefined where there was none. */
  readonly status: number | undefined;

  constructor(message: string, options: { status?: number; hint?: string; cause?: unknown } = {}) {
    super(message, { ...options, exitCode: 1 });
    this.name = "WitnessError";
    this.status = options.status;
  }
}

/** Either signature lines over the checkpoint, unverified, or the size of the tree that the witness cosigned last. */
export type WitnessAnswer = { readonly lines: readonly string[] } | { readonly size: number };

async function bounded(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body ?? []) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new Error(`its answer is larger than ${MAX_ANSWER_BYTES / 1024} KiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function post(url: string, body: string, timeoutMs: number): Promise<{ status: number; text: string }> {
  try {
    const answer = await fetch(`${url.replace(/\/+$/, "")}/add-checkpoint`, {
      method: "POST",
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
      headers: { "content-type": "text/plain; charset=utf-8" },
      body,
    });
    return { status: answer.status, text: await bounded(answer) };
  } catch (error) {
    const isLate = error instanceof Error && error.name === "TimeoutError";
    const reason = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    const why = isLate ? `has not answered within ${timeoutMs / 1000} s` : `does not answer: ${visible(reason)}`;
    throw new WitnessError(`The witness at ${visible(url)} ${why}.`, { cause: error });
  }
}

/** Why a witness says no, as the specification has it. */
const REFUSALS: ReadonlyMap<number, string> = new Map([
  [400, "it cannot read the request"],
  [403, "it knows the log by another key"],
  [404, "it does not know the log"],
  [422, "the proof does not lead from the tree that it cosigned to this one"],
  [429, "it has too much to do"],
]);
const HINTS: ReadonlyMap<number, string> = new Map([
  [403, "Give the witness's operator the log's verifier key."],
  [404, "Give the witness's operator the log's origin and verifier key."],
  [422, "Was the log rebuilt, or restored from a backup? Compare it with a kept checkpoint before anything else."],
]);

/** One line after the other goes below the checkpoint's text, which must not be moved by what a witness sends. */
const signaturesIn = (text: string, line: string): readonly NoteSignature[] =>
  parseNote(`${text}\n${line}\n`).signatures;

/** Undefined where it is not a sequence of signature lines. */
function linesOf(checkpoint: string, answer: string): readonly string[] | undefined {
  const lines = answer.split("\n").slice(0, -1);
  if (lines.length === 0 || !answer.endsWith("\n")) return undefined;
  const { text } = parseNote(checkpoint);
  try {
    for (const line of lines) signaturesIn(text, line);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
  return lines;
}

/**
 * POST add-checkpoint.
 * @param url the witness's submission prefix
 * @param oldSize of the tree that the witness cosigned last, as far as known; 0 asks
 * @param proof of consistency from that tree to the checkpoint's
 * @throws WitnessError
 */
export async function addCheckpoint(
  url: string,
  oldSize: number,
  proof: readonly Buffer[],
  checkpoint: string,
  { timeoutMs = TIME_OUT_MS } = {},
): Promise<WitnessAnswer> {
  if (proof.length > MAX_PROOF_HASHES) throw new RangeError("no proof of consistency is that long");
  const body = [`old ${oldSize}`, ...proof.map((hash) => hash.toString("base64")), "", checkpoint].join("\n");
  const { status, text } = await post(url, body, timeoutMs);
  const size = /^(0|[1-9][0-9]{0,15})\n?$/.exec(text)?.[1];
  if (status === 409 && size !== undefined && Number.isSafeInteger(Number(size))) return { size: Number(size) };
  const lines = status === 200 ? linesOf(checkpoint, text) : undefined;
  if (lines !== undefined) return { lines };
  const why = status === 200 || status === 409 ? "what it says is not of tlog-witness" : REFUSALS.get(status);
  const hint = HINTS.get(status);
  throw new WitnessError(`The witness at ${visible(url)} answers ${status}${why === undefined ? "" : `: ${why}`}.`, {
    status,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The log's side of it. */
export interface Witnessed {
  readonly size: number;
  /** The signed note. */
  readonly checkpoint: string;
  /** The proof of consistency from a smaller tree of this log to this one. */
  prove(oldSize: number): Promise<readonly Buffer[]>;
}

export interface WitnessPlace {
  readonly url: string;
  readonly key: Vkey;
}

/**
 * Has a witness cosign, from whatever tree it saw last.
 * @param known the size that it cosigned last, as far as known; only a guess, the witness says it better
 * @throws WitnessError, also where the witness has seen a larger tree: then the log lost entries that were published
 */
export async function cosign(
  { url, key }: WitnessPlace,
  { size, checkpoint, prove }: Witnessed,
  known = 0,
): Promise<Cosignature> {
  let old = Math.min(known, size);
  // Twice for a guess that was wrong, once more for another who asked at the same time.
  for (let tries = 0; tries < 3; tries++) {
    const answer = await addCheckpoint(url, old, old === 0 || old === size ? [] : await prove(old), checkpoint);
    if ("size" in answer) {
      if (answer.size > size)
        throw new WitnessError(
          `The witness at ${visible(url)} has cosigned ${answer.size} entries, and this log has ${size}.`,
          {
            status: 409,
            hint: "The log lost entries, or somebody else writes under its key. Take nothing in until that is cleared up.",
          },
        );
      old = answer.size;
      continue;
    }
    const cosignature = cosignatureBy(key, checkpoint, answer.lines);
    if (cosignature === undefined || cosignature.time === 0)
      throw new WitnessError(`The witness at ${visible(url)} has not signed with the key ${visible(key.name)}.`, {
        hint: "Compare the verifier key in the policy with the one that the witness publishes.",
      });
    return cosignature;
  }
  throw new WitnessError(`The witness at ${visible(url)} names another size each time.`);
}

/** Undefined where the key has not signed, or not this. */
function cosignatureBy(key: Vkey, checkpoint: string, lines: readonly string[]): Cosignature | undefined {
  const { text } = parseNote(checkpoint);
  try {
    return cosignaturesOf({ text, signatures: lines.flatMap((line) => signaturesIn(text, line)) }, [key])[0];
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
