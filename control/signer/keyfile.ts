/**
 * Keys at rest: a JSON file of the public key, in clear, and the private one as a compact JWE under a passphrase
 * (PBES2-HS512+A256KW, RFC 7518 section 4.8). 0600. Nothing secret is ever printed.
 */
import { statSync } from "node:fs";
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, errors } from "jose";
import { z } from "zod";
import { UserError } from "../base/errors.js";
import { readText, writeText } from "../base/files.js";
import { type PrivateKey, type PublicKey, privateKeySchema, publicKeySchema, publicPart, thumbprint } from "./jwk.js";

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

/** Encrypts and writes a key. Refuses an empty passphrase. */
export async function writeKeyFile(
  path: string,
  name: string,
  key: PrivateKey,
  passphrase: string,
  iterations = ITERATIONS,
): Promise<void> {
  if (passphrase.length === 0) {
    throw new UserError("The passphrase is empty.", {
      hint: "Choose one of several words; the key is useless without it.",
    });
  }
  const encrypted = await new CompactEncrypt(Buffer.from(JSON.stringify(key)))
    .setProtectedHeader({ alg: "PBES2-HS512+A256KW", enc: "A256GCM", cty: "jwk+json" })
    .setKeyManagementParameters({ p2c: iterations })
    .encrypt(Buffer.from(passphrase));
  const file: KeyFile = { name, public: publicPart(key), encrypted };
  writeText(path, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
}

/** Reads the file without its secret. Refuses one that others may read. */
export function readKeyFile(path: string): KeyFile {
  const text = readText(
    path,
    "the key",
    "`glassgate key list` shows the keys you have; `glassgate key new` makes one.",
  );
  if (process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0) {
    throw new UserError(`The key file ${path} can be read by others.`, { hint: `Run: chmod 600 ${path}` });
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new UserError(`The key file ${path} is damaged: it is not JSON.`, {
      cause: error,
      hint: "Restore it from your backup.",
    });
  }
  const result = keyFileSchema.safeParse(parsed);
  if (!result.success || thumbprint(result.data.public) !== result.data.public.kid) {
    throw new UserError(`The key file ${path} is damaged: it is not what \`glassgate key new\` writes.`, {
      hint: "Restore it from your backup.",
    });
  }
  return result.data;
}

/** Decrypts the key. A wrong passphrase and a damaged file cannot be told apart, by design of the encryption. */
export async function unlockKey(file: KeyFile, passphrase: string): Promise<PrivateKey> {
  const { p2c } = decodeProtectedHeader(file.encrypted);
  if (typeof p2c !== "number" || p2c > MAX_ITERATIONS) {
    throw new UserError(`The key file of ${file.name} is damaged or asks for unreasonable work.`, {
      hint: "Restore it from your backup.",
    });
  }
  let plain: Uint8Array;
  try {
    const decrypted = await compactDecrypt(file.encrypted, Buffer.from(passphrase), {
      keyManagementAlgorithms: ["PBES2-HS512+A256KW"],
      contentEncryptionAlgorithms: ["A256GCM"],
      maxPBES2Count: MAX_ITERATIONS,
    });
    plain = decrypted.plaintext;
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    throw new UserError(`The passphrase does not open the key ${file.name}.`, {
      cause: error,
      hint: "Try again. Without the passphrase the key is lost: make a new one and rotate.",
    });
  }
  const key = privateKeySchema.parse(JSON.parse(Buffer.from(plain).toString("utf8")));
  if (key.kid !== file.public.kid) {
    throw new UserError(`The key file of ${file.name} is damaged: its halves do not belong together.`);
  }
  return key;
}
