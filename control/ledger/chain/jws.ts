/** Signatures of compact JWS, verified at once: a ledger's fold waits for nobody. Headers are read strictly, as the filter does. */
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { z } from "zod";
import { algorithmOf, type PublicKey, thumbprint, type WindowedKey } from "../../signer/jwk.js";
import { readJson } from "./json.js";

const SEGMENT = /^[A-Za-z0-9_-]+$/;
const SIGNATURE_BYTES = 64;

/** The bytes of a segment, where it is spelt in the one canonical way. */
export function bytesOf(segment: string): Buffer | undefined {
  if (!SEGMENT.test(segment)) return undefined;
  const bytes = Buffer.from(segment, "base64url");
  return bytes.toString("base64url") === segment ? bytes : undefined;
}

/** The JSON of a segment, read strictly. */
export function jsonOf(segment: string, maxMembers?: number): unknown {
  const bytes = bytesOf(segment);
  const read = bytes === undefined ? undefined : readJson(bytes, maxMembers);
  return read === undefined || "fault" in read ? undefined : read.value;
}

const headerSchema = z.strictObject({
  alg: z.enum(["Ed25519", "EdDSA", "ES256"]),
  kid: z.string().max(64),
  typ: z.string().max(64),
  iat: z.int().nonnegative().optional(),
});
export type JwsHeader = z.infer<typeof headerSchema>;

export interface Jws {
  readonly header: JwsHeader;
  /** The first segment. */
  readonly head: string;
  readonly payload: string;
  readonly signature: Buffer;
}

/** A compact JWS, detached or not (RFC 7515, section 7.1 and Appendix F); undefined for what is none. */
export function parseJws(token: string): Jws | undefined {
  const [head = "", payload = "", last = "", ...rest] = token.split(".");
  const signature = bytesOf(last);
  const header = headerSchema.safeParse(jsonOf(head)).data;
  if (rest.length > 0 || header === undefined || signature?.length !== SIGNATURE_BYTES) return undefined;
  return { header, head, payload, signature };
}

export interface Signed<Claims> {
  readonly jws: Jws;
  readonly claims: Claims;
}

/** A signed text of that type, by its form alone: who signed it, and whether that holds, is another matter. Undefined for what is none. */
export function readSigned<Claims>(
  token: string,
  { typ, maxBytes, schema }: { readonly typ: string; readonly maxBytes: number; readonly schema: z.ZodType<Claims> },
): Signed<Claims> | undefined {
  if (token.length > maxBytes) return undefined;
  const jws = parseJws(token);
  if (jws === undefined || jws.header.typ !== typ || jws.header.iat !== undefined) return undefined;
  const claims = schema.safeParse(jsonOf(jws.payload)).data;
  return claims === undefined ? undefined : { jws, claims };
}

type AnyKey = PublicKey | WindowedKey;
/** Parsed keys, by their JWK object: they go when it goes. */
const parsed = new WeakMap<AnyKey, KeyObject | null>();

function keyObject(key: AnyKey): KeyObject | undefined {
  const known = parsed.get(key);
  if (known !== undefined) return known ?? undefined;
  const { kty, crv, x } = key;
  let made: KeyObject | null = null;
  try {
    made = createPublicKey({ key: key.kty === "EC" ? { kty, crv, x, y: key.y } : { kty, crv, x }, format: "jwk" });
  } catch {
    // A point that is not on the curve: nothing verifies by it.
  }
  // A key is its thumbprint: another name would let one pass for another.
  if (thumbprint(key) !== key.kid) made = null;
  parsed.set(key, made);
  return made ?? undefined;
}

/** Whether the signature over `head.payload` holds by that key, under its own algorithm. */
export function holds({ header, head, signature }: Jws, payload: string, key: AnyKey): boolean {
  const algorithm = algorithmOf(key);
  const named = header.alg === "EdDSA" ? "Ed25519" : header.alg;
  const object = keyObject(key);
  if (named !== algorithm || header.kid !== key.kid || object === undefined) return false;
  const input = Buffer.from(`${head}.${payload}`);
  try {
    return algorithm === "Ed25519"
      ? verify(null, input, object, signature)
      : verify("sha256", input, { key: object, dsaEncoding: "ieee-p1363" }, signature);
  } catch {
    return false; // Whatever is wrong with it: it does not hold.
  }
}
