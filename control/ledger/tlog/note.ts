/**
 * C2SP signed-note: a text, a blank line, and signature lines. Strict, and within bounds: what a note says is believed only after
 * verifyNote. Only Ed25519 signatures (type 0x01) are verified here; a line of any unknown key is ignored, as the specification says.
 */
import { createHash, createPublicKey, verify } from "node:crypto";
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";

/** The specification asks for 16 at least. A policy has up to 64 witnesses, and the log's own comes first. */
export const MAX_SIGNATURES = 80;
/** Those of the time after quantum computers have nearly 5 kB, and base64 takes a third more. */
export const MAX_NOTE_BYTES = MAX_SIGNATURES * 8 * 1024;
/** Longer names are no URL that anybody reads. */
const MAX_NAME_BYTES = 256;
const KEY_ID_BYTES = 4;

/** Signature types of signed-note that have a byte of their own, as far as this project knows them. */
export const ED25519 = 0x01;
const ED25519_KEY_BYTES = 32;

export interface NoteSignature {
  readonly name: string;
  readonly keyId: Buffer;
  /** Without the key's id. */
  readonly signature: Buffer;
  /** The whole line, without its end. */
  readonly line: string;
}

export interface Note {
  /** With its last line feed: what is signed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A verifier key. */
export interface Vkey {
  readonly name: string;
  readonly keyId: Buffer;
  readonly algorithm: number;
  readonly publicKey: Buffer;
  readonly text: string;
}

const malformed = (what: string): UserError => new UserError(`This is no signed note: ${what}.`);

/** The bytes of canonical, padded base64 (RFC 4648, section 4), or undefined: one text for the same bytes. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

/** What no note may have, but for the line feeds of its lines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;

/** A key's name, which for a log is its origin: not empty, no white space of Unicode's, no plus, nothing that is no text. */
export function isKeyName(name: string): boolean {
  const bytes = Buffer.from(name);
  if (name === "" || bytes.length > MAX_NAME_BYTES || bytes.toString() !== name) return false;
  return !CONTROL.test(name) && !/[\p{White_Space}+]/u.test(name);
}

/** Text from bytes; refuses what is no UTF-8, so that what is verified is what was there. */
export function decodeNote(bytes: Buffer): string {
  if (bytes.length > MAX_NOTE_BYTES) throw malformed(`it is larger than ${MAX_NOTE_BYTES / 1024} KiB`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new UserError("This is no signed note: it is not UTF-8.", { cause: error });
  }
}

const SIGNATURE_LINE = /^\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)$/u;

function parseSignature(line: string): NoteSignature {
  const [, name = "", base64 = ""] = SIGNATURE_LINE.exec(line) ?? [];
  const bytes = fromBase64(base64);
  if (!isKeyName(name) || bytes === undefined || bytes.length <= KEY_ID_BYTES)
    throw malformed("a line behind its last empty line is no signature");
  return { name, keyId: bytes.subarray(0, KEY_ID_BYTES), signature: bytes.subarray(KEY_ID_BYTES), line };
}

/** The note in its parts, of which nothing is verified. */
export function parseNote(text: string): Note {
  const bytes = Buffer.from(text);
  if (bytes.length > MAX_NOTE_BYTES) throw malformed(`it is larger than ${MAX_NOTE_BYTES / 1024} KiB`);
  if (bytes.toString() !== text) throw malformed("it is not Unicode text");
  if (CONTROL.test(text)) throw malformed("it has a control character");
  const split = text.lastIndexOf("\n\n");
  if (split < 0) throw malformed("it has no empty line before its signatures");
  const tail = text.slice(split + 2);
  if (!tail.endsWith("\n")) throw malformed("its last line has no end");
  const lines = tail.slice(0, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) throw malformed(`it has more than ${MAX_SIGNATURES} signatures`);
  return { text: text.slice(0, split + 1), signatures: lines.map(parseSignature) };
}

/** The id that signed-note recommends: the first bytes of a hash over name, type and key. */
export function keyIdOf(name: string, algorithm: number, publicKey: Buffer): Buffer {
  const hashed = createHash("sha256").update(`${name}\n`).update(Buffer.of(algorithm)).update(publicKey);
  return hashed.digest().subarray(0, KEY_ID_BYTES);
}

/** The verifier key, `<name>+<key id>+<base64>`, of an Ed25519 public key. */
export function makeVkey(name: string, publicKey: Buffer, algorithm = ED25519): string {
  if (!isKeyName(name)) throw new RangeError("no name for a key");
  const key = Buffer.concat([Buffer.of(algorithm), publicKey]);
  return `${name}+${keyIdOf(name, algorithm, publicKey).toString("hex")}+${key.toString("base64")}`;
}

/** @param text `<name>+<key id>+<base64>`, of any algorithm; the id of an Ed25519 key must be its own */
export function parseVkey(text: string): Vkey {
  const refuse = (why: string): UserError =>
    new UserError(`"${visible(text.slice(0, 120))}" is no verifier key: ${why}.`, {
      hint: "It looks like example.com/log+530d903a+AekyeRrm...; `glassgate ledger status` shows a ledger's.",
    });
  // The base64 may hold a plus, the name and the id cannot.
  const [, name = "", id = "", base64 = ""] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{4,8192})$/u.exec(text) ?? [];
  if (!isKeyName(name)) throw refuse("it has not the form NAME+ID+KEY");
  const bytes = fromBase64(base64);
  const algorithm = bytes?.[0];
  if (bytes === undefined || algorithm === undefined) throw refuse("its key is not base64");
  const publicKey = bytes.subarray(1);
  const keyId = Buffer.from(id, "hex");
  if (algorithm === ED25519) {
    if (publicKey.length !== ED25519_KEY_BYTES) throw refuse("an Ed25519 key has 32 bytes");
    if (!keyIdOf(name, algorithm, publicKey).equals(keyId)) throw refuse("its id is not that of its name and key");
  }
  return { name, keyId, algorithm, publicKey, text };
}

/** @returns whether it is this key's signature over the message, by RFC 8032 */
export function verifyEd25519(publicKey: Buffer, message: Buffer, signature: Buffer): boolean {
  if (signature.length !== 64) return false;
  const key = createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: publicKey.toString("base64url") },
    format: "jwk",
  });
  return verify(null, message, key, signature);
}

const isBy = (key: Vkey, signature: NoteSignature): boolean =>
  key.name === signature.name && key.keyId.equals(signature.keyId);

export interface VerifiedNote extends Note {
  /** The keys that signed, each once, in the order in which they were given. */
  readonly keys: readonly Vkey[];
}

/**
 * The note, if at least one of these Ed25519 keys signed it.
 * @throws where none of them did, or where a signature that bears a known key's name and id does not verify
 */
export function verifyNote(text: string, vkeys: readonly Vkey[]): VerifiedNote {
  const note = parseNote(text);
  const message = Buffer.from(note.text);
  for (const key of vkeys)
    if (key.algorithm !== ED25519) throw new UserError(`The key ${visible(key.name)} is not an Ed25519 key of a log.`);
  for (const signature of note.signatures) {
    const key = vkeys.find((known) => isBy(known, signature));
    if (key === undefined || verifyEd25519(key.publicKey, message, signature.signature)) continue;
    throw new UserError(`The signature of ${visible(key.name)} does not verify.`, { exitCode: 1 });
  }
  const keys = vkeys.filter((key) => note.signatures.some((signature) => isBy(key, signature)));
  if (keys.length === 0) {
    const names = note.signatures.map(({ name }) => visible(name)).join(", ");
    throw new UserError(`No key that is known here has signed this; signatures are there of ${names}.`, {
      exitCode: 1,
    });
  }
  return { ...note, keys };
}

/** The note with another signature line. @param line as `NoteSignature` has it */
export const signatureLine = (name: string, keyId: Buffer, signature: Buffer): string =>
  `\u2014 ${name} ${Buffer.concat([keyId, signature]).toString("base64")}`;
