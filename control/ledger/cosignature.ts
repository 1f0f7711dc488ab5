/**
 * C2SP tlog-cosignature: a witness says when it saw a checkpoint, and that it continues all that it saw of the log before. Ed25519
 * (type 0x04) only: a line of a post-quantum key is one of an unknown key, ignored as signed-note says.
 */
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { type Note, type NoteSignature, parseNote, type Vkey, verifyEd25519 } from "./tlog/note.js";

/** The signature type of a timestamped Ed25519 cosignature. */
export const COSIGNATURE = 0x04;
/** The timestamp, then the signature. */
const TIME_BYTES = 8;
const ED25519_SIGNATURE_BYTES = 64;

export interface Cosignature {
  readonly key: Vkey;
  /** When the witness signed, by its clock, in seconds. */
  readonly time: number;
  /** The signature line, as the note has it. */
  readonly line: string;
}

/** What is signed: a header that no other signature has, the time, and the checkpoint's text. */
export const cosignedMessage = (time: number, text: string): Buffer =>
  Buffer.from(`cosignature/v1\ntime ${time}\n${text}`);

const isBy = (key: Vkey, { name, keyId }: NoteSignature): boolean => key.name === name && key.keyId.equals(keyId);

/** Undefined where it is not this key's cosignature over the text. */
function verifyOne(text: string, { signature, line }: NoteSignature, key: Vkey): Cosignature | undefined {
  if (signature.length !== TIME_BYTES + ED25519_SIGNATURE_BYTES) return undefined;
  const time = Number(signature.readBigUInt64BE(0));
  // No clock is there, and beyond it the number would not be the one that was signed.
  if (!Number.isSafeInteger(time)) return undefined;
  const isSigned = verifyEd25519(key.publicKey, cosignedMessage(time, text), signature.subarray(TIME_BYTES));
  return isSigned ? { key, time, line } : undefined;
}

/**
 * The cosignatures by these keys, each key's once. What others signed, and keys of another type, is ignored.
 * @throws where a line bears a key's name and id and does not verify: somebody changed the note or made the line up
 */
export function cosignaturesOf(note: string | Note, keys: readonly Vkey[]): readonly Cosignature[] {
  const { text, signatures } = typeof note === "string" ? parseNote(note) : note;
  const found = new Map<Vkey, Cosignature>();
  for (const signature of signatures) {
    const key = keys.find((known) => known.algorithm === COSIGNATURE && isBy(known, signature));
    if (key === undefined) continue;
    const cosignature = verifyOne(text, signature, key);
    if (cosignature === undefined)
      throw new UserError(`The cosignature of ${visible(key.name)} does not verify.`, { exitCode: 1 });
    if (!found.has(key)) found.set(key, cosignature);
  }
  return [...found.values()];
}
