/** A signature on its way into a ledger, under a review or a drill: handed in to one that is open here, or sent to one that is served. */
import { z } from "zod";
import { messageOf, UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { namesBlob, readBlob } from "./audit/blob.js";
import { MAX_DRILL_BYTES, readDrillToken } from "./drill.js";
import { decodeEntry } from "./entry.js";
import type { Received, Taken } from "./intake.js";
import type { TileSource } from "./log.js";
import { MAX_REVIEW_BYTES, type ReviewClaims, readReview } from "./review.js";
import { openingOf } from "./shard.js";
import { type Checkpoint, parseCheckpoint } from "./tlog/checkpoint.js";
import { consistencyProof, verifyConsistency } from "./tlog/proof.js";
import { readEntries } from "./tlog/read.js";

export type HandedIn =
  | { readonly index: number; readonly isNew: boolean }
  /** A sentence for each reason. Nothing was entered. */
  | { readonly refused: readonly string[] };

/** What a signature is under, and how it goes in. */
export interface SignedKind {
  readonly kind: "review" | "drill";
  readonly typ: string;
  /** As sentences call it. */
  readonly what: string;
  readonly maxBytes: number;
  /** Shows what the ledger has. */
  readonly look: string;
  readonly read: (token: string) =>
    | {
        readonly sub: string;
        readonly origin?: string | undefined;
        readonly checkpoint?: ReviewClaims["checkpoint"] | undefined;
      }
    | undefined;
}

export const REVIEW: SignedKind = {
  kind: "review",
  typ: "bg-review+jws",
  what: "closing signature",
  maxBytes: MAX_REVIEW_BYTES,
  look: "glassgate review show",
  read: (token) => readReview(token)?.claims,
};
export const DRILL: SignedKind = {
  kind: "drill",
  typ: "bg-drill+jws",
  what: "signature of a drill's report",
  maxBytes: MAX_DRILL_BYTES,
  look: "glassgate ledger tail --type drill",
  read: (token) => readDrillToken(token)?.claims,
};

interface Tree {
  readonly size: number;
  readonly root: Buffer;
}

/** What is wrong with the checkpoint that the signer saw; undefined where this tree goes on from it. */
export async function faultOfShown(
  source: TileSource,
  { size, root }: ReviewClaims["checkpoint"],
  now: Tree,
): Promise<string | undefined> {
  if (size > now.size) return `It names ${size} entries, and the ledger has ${now.size}.`;
  const proof = await consistencyProof(source, size, now.size);
  return verifyConsistency(size, Buffer.from(root, "hex"), now.size, now.root, proof)
    ? undefined
    : `It names a checkpoint of ${size} entries that is not this ledger's: another history was shown, or the tree was rewritten.`;
}

/** The last checkpoint of the log of that name, where this one goes on from it. */
async function lastOf(source: TileSource, origin: string, size: number): Promise<Tree | undefined> {
  for await (const { bytes } of readEntries(source, size, 0, Math.min(size, 1))) {
    const entry = decodeEntry(bytes);
    const body = entry !== undefined && namesBlob(entry.head) ? await readBlob(source, entry.head) : entry?.body;
    const before = body === undefined || typeof body === "string" ? undefined : openingOf(body)?.predecessor;
    if (before?.origin === origin) return parseCheckpoint(before.checkpoint);
  }
  return undefined;
}

/** Whose checkpoint it names: this log's own, or one of the log that it goes on from, of which the last is known. */
async function faultOfNamed(
  log: TileSource,
  origin: string | undefined,
  checkpoint: ReviewClaims["checkpoint"],
  now: Checkpoint,
): Promise<string | undefined> {
  const last = origin === undefined || origin === now.origin ? undefined : await lastOf(log, origin, now.size);
  if (last === undefined) return faultOfShown(log, checkpoint, now);
  const isOther = checkpoint.size === last.size && checkpoint.root !== last.root.toString("hex");
  return checkpoint.size > last.size || isOther
    ? `It names a checkpoint of ${checkpoint.size} entries, and ${visible(origin ?? "")} ended with another, of ${last.size}.`
    : undefined;
}

/** @param take the ledger's own door, behind those who came before */
export async function handIn(
  log: TileSource,
  take: (received: readonly Received[]) => Promise<readonly Taken[]>,
  token: string,
  { kind, typ, what, read }: SignedKind = REVIEW,
): Promise<HandedIn> {
  const signed = read(token);
  if (signed === undefined) return { refused: [`It is no ${what} (\`${typ}\`).`] };
  const { sub, origin, checkpoint } = signed;
  const note = checkpoint === undefined ? undefined : await log.read("checkpoint");
  const fault =
    note === undefined || checkpoint === undefined
      ? undefined
      : await faultOfNamed(log, origin, checkpoint, parseCheckpoint(note.toString()));
  if (fault !== undefined) return { refused: [fault] };
  const [taken] = await take([{ kind, bytes: Buffer.from(token), sender: { sender: sub, via: "signature" } }]);
  if (taken?.index === undefined) return { refused: taken?.refused ?? ["It was not taken."] };
  return { index: taken.index, isNew: taken.isNew };
}

const TIME_OUT_MS = 60_000;
const MAX_ANSWER_BYTES = 64 * 1024;

const answerSchema = z.object({
  index: z.int().nonnegative().optional(),
  new: z.boolean().optional(),
  title: z.string().optional(),
  reasons: z.array(z.string()).max(64).optional(),
});

async function answerOf(response: Response): Promise<z.infer<typeof answerSchema>> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of response.body ?? []) {
    total += chunk.length;
    if (total > MAX_ANSWER_BYTES) throw new UserError("its answer is too long");
    chunks.push(chunk);
  }
  try {
    return answerSchema.parse(JSON.parse(Buffer.concat(chunks).toString()));
  } catch {
    return {}; // No answer of a ledger's: its status says enough.
  }
}

/** @param url of the ledger, as it was read from */
export async function sendClosing(url: string, token: string, { kind, look }: SignedKind = REVIEW): Promise<HandedIn> {
  const where = new URL(`v1/${kind}`, url.endsWith("/") ? url : `${url}/`);
  const unsaid = `Whether it was entered nobody said: look with \`${look}\`, and run this again otherwise.`;
  let response: Response;
  let answer: z.infer<typeof answerSchema>;
  try {
    response = await fetch(where, {
      method: "POST",
      headers: { "content-type": "application/jose" },
      body: token,
      redirect: "manual",
      signal: AbortSignal.timeout(TIME_OUT_MS),
    });
    answer = await answerOf(response);
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new UserError(`The ledger ${visible(where.host)} gave no answer: ${visible(messageOf(cause))}.`, {
      cause: error,
      hint: unsaid,
      exitCode: 1,
    });
  }
  if (response.status === 200 && answer.index !== undefined) return { index: answer.index, isNew: answer.new === true };
  if (response.status === 422 && answer.reasons !== undefined) return { refused: answer.reasons };
  const why = answer.title === undefined ? "" : `: ${visible(answer.title.slice(0, 300))}`;
  throw new UserError(`The ledger ${visible(where.host)} answers ${response.status}${why}`, {
    hint: response.status === 200 ? unsaid : "Nothing was entered.",
    exitCode: 1,
  });
}
