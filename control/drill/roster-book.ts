/**
 * drills/roster.json: the challenges that were made here, and each key's newest proof as it was signed. Nothing in it is secret. It is
 * the checker's own: whoever can write it can take a proof away, and cannot make one.
 */
import { statSync } from "node:fs";
import { z } from "zod";
import { UserError } from "../base/errors.js";
import { readTextIfThere, writeText } from "../base/files.js";
import { visible } from "../base/text.js";
import { takeLock } from "../gateway/push-lock.js";
import { firstFault } from "../trust/bundle.js";
import { numericDate } from "../trust/names.js";
import { type Challenge, challengeSchema, readProof } from "./roster.js";

/** The newest: who answers one of years ago proves nothing of today. */
const MAX_CHALLENGES = 100;
/** A bundle holds 8192 keys; beside them there are roots, and those who left. */
const MAX_PROOFS = 16_384;

const keptSchema = z.strictObject({
  /** When its challenge was made, by the clock here: the key was there after it. A signer's clock changes nothing. */
  challenged: numericDate,
  proof: z
    .string()
    .max(2048)
    .refine((token) => readProof(token) !== undefined, "is no roster proof"),
});
export type KeptProof = z.infer<typeof keptSchema>;

const bookSchema = z.strictObject({
  v: z.literal(1),
  challenges: z.array(challengeSchema).max(MAX_CHALLENGES),
  proofs: z.array(keptSchema).max(MAX_PROOFS),
});
export type Book = z.infer<typeof bookSchema>;

export function readBook(path: string): Book {
  const there = statSync(path, { throwIfNoEntry: false });
  // A pipe in its place would be waited for without an end.
  if (there !== undefined && !there.isFile() && !there.isDirectory())
    throw new UserError(`${visible(path)} is no plain file.`, {
      hint: "Name the one that `glassgate drill roster` wrote.",
    });
  const text = readTextIfThere(path, "the roster's proofs");
  if (text === undefined) return { v: 1, challenges: [], proofs: [] };
  // Not by the reader of what people write, which is slow for thousands of proofs.
  const book = bookSchema.safeParse(jsonIn(text));
  if (book.success) return book.data;
  throw new UserError(`${visible(path)} is not what \`glassgate drill roster\` writes: ${firstFault(book.error)}.`, {
    hint: "Restore it, or move it away and make a new challenge.",
  });
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The schema says that it is nothing.
  }
}

/** Reads, changes and writes the book; two who do so at the same moment do it one after the other. */
export async function changeBook(path: string, change: (book: Book) => Book): Promise<void> {
  const release = await takeLock(path);
  try {
    const before = readBook(path);
    const after = change(before);
    if (after !== before) writeText(path, `${JSON.stringify(bookSchema.parse(after), null, 2)}\n`);
  } finally {
    release();
  }
}

export const withChallenge = (book: Book, challenge: Challenge): Book => ({
  ...book,
  challenges: [...book.challenges, challenge].slice(-MAX_CHALLENGES),
});
