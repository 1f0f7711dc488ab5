/**
 * Keys at rest: a JSON file of the public key, in clear, and the private one as a compact JWE under a passphrase
 * (PBES2-HS512+A256KW, RFC 7518 section 4.8). 0600. Nothing secret is ever printed.
 */
import { statSync } from "node:fs";
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, errors } from "jose";
import { z } from "zod";
import { UserError } from "../base/errors.js";
import { type NewFile, readText, writeNewTexts } from "../base/files.js";
import { visible } from "../base/text.js";
import { type PrivateKey, type PublicKey, privateKeySchema, publicKeySchema, publicPart, thumbprint } from "./jwk.js";
import { checkNewPassphrase, preparePassphrase } from "./passphrase.js";

/** PBKDF2 iterations (OWASP 2023 for HMAC-SHA-512 is 210,000; a second of work on a laptop is fine for a person). */
const ITERATIONS = 600_000;
/** What a file may ask of us at most: no file can stall the command for minutes. */
const MAX_ITERATIONS = 2_000_000;

const keyFileSchema = z.strictObject({
  name: z.string().min(1),
  public: publicKeySchema,
  encrypted: z.string().min(1),
});
export interface KeyFile {
  readonly name: string;
  readonly public: PublicKey;
  readonly encrypted: string;
}

/** The key's file under its passphrase: encrypted, not written yet. */
export async function sealKey(
  path: string,
  name: string,
  key: PrivateKey,
  passphrase: string,
  iterations = ITERATIONS,
): Promise<NewFile> {
  const prepared = preparePassphrase(passphrase);
  checkNewPassphrase(prepared);
  const encrypted = await new CompactEncrypt(Buffer.from(JSON.stringify(key)))
    .setProtectedHeader({ alg: "PBES2-HS512+A256KW", enc: "A256GCM", cty: "jwk+json" })
    .setKeyManagementParameters({ p2c: iterations })
    .encrypt(Buffer.from(prepared));
  const file: KeyFile = { name, public: publicPart(key), encrypted };
  return { path, text: `${JSON.stringify(file, null, 2)}\n`, mode: 0o600 };
}

/** Encrypts and writes a new key; it never replaces one. Refuses an empty passphrase. */
export async function writeKeyFile(...key: Parameters<typeof sealKey>): Promise<void> {
  writeNewTexts([await sealKey(...key)]);
}

/** Reads the file without its secret. Refuses one that others may read. */
export function readKeyFile(path: string): KeyFile {
  const text = readText(
    path,
    "the key",
    "`glassgate key list` shows the keys you have; `glassgate key new` makes one.",
  );
  if (process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0) {
    throw new UserError(`The key file ${visible(path)} can be read by others.`, {
      hint: `Run: chmod 600 ${visible(path)}`,
    });
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new UserError(`The key file ${visible(path)} is damaged: it is not JSON.`, {
      cause: error,
      hint: "Restore it from your backup.",
    });
  }
  const result = keyFileSchema.safeParse(parsed);
  if (!result.success || thumbprint(result.data.public) !== result.data.public.kid) {
    throw new UserError(`The key file ${visible(path)} is damaged: it is not what \`glassgate key new\` writes.`, {
      hint: "Restore it from your backup.",
    });
  }
  return result.data;
}

/** The one error that another try at the keyboard can mend. */
export class WrongPassphrase extends UserError {}

async function decrypt(file: KeyFile, passphrase: string): Promise<Uint8Array | undefined> {
  try {
    const { plaintext } = await compactDecrypt(file.encrypted, Buffer.from(passphrase), {
      keyManagementAlgorithms: ["PBES2-HS512+A256KW"],
      contentEncryptionAlgorithms: ["A256GCM"],
      maxPBES2Count: MAX_ITERATIONS,
    });
    return plaintext;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw damaged(file, "its private half cannot be read", error);
  }
}

const damaged = (file: KeyFile, why: string, cause?: unknown): UserError =>
  new UserError(`The key file of ${visible(file.name)} is damaged: ${why}.`, {
    hint: "Restore it from your backup.",
    ...(cause === undefined ? {} : { cause }),
  });

function workOf(file: KeyFile): unknown {
  try {
    return decodeProtectedHeader(file.encrypted).p2c;
  } catch (error) {
    throw damaged(file, "its private half is no JWE", error);
  }
}

/** Decrypts the key. A wrong passphrase and a damaged file cannot be told apart, by design of the encryption. */
export async function unlockKey(file: KeyFile, passphrase: string): Promise<PrivateKey> {
  const work = workOf(file);
  if (typeof work !== "number" || work > MAX_ITERATIONS) throw damaged(file, "it asks for unreasonable work");
  const prepared = preparePassphrase(passphrase);
  let plain = await decrypt(file, prepared);
  // A key from before passphrases were prepared.
  if (plain === undefined && prepared !== passphrase) plain = await decrypt(file, passphrase);
  if (plain === undefined) {
    throw new WrongPassphrase(`The passphrase does not open the key ${visible(file.name)}.`, {
      hint: "Try again. Without the passphrase the key is lost: make a new one and rotate.",
    });
  }
  const key = privateKeyFrom(file, plain);
  if (key.kid !== file.public.kid) throw damaged(file, "its halves do not belong together");
  return key;
}

function privateKeyFrom(file: KeyFile, plain: Uint8Array): PrivateKey {
  try {
    return privateKeySchema.parse(JSON.parse(Buffer.from(plain).toString("utf8")));
  } catch (error) {
    throw damaged(file, "its private half is no key", error);
  }
}
