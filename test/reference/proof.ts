/**
 * The check of a DPoP proof written again from docs/proof.md, "What a proof says": slow and obvious, by `jose` and
 * node:crypto, sharing nothing with the filter.
 */
import { createHash } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { calculateJwkThumbprint, compactVerify, errors, importJWK } from "jose";
import { type JsonValue, NotStrictJson, parseStrictly } from "./json.js";
import { plainHost, type ReferenceRequest } from "./scope.js";
import { decodeSegment, isObject, type JsonObject, Malformed } from "./shapes.js";

/** Keys with the ids of the proofs that they have made: what was used is used. */
export type UsedProofs = Map<string, Set<string>>;

const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];
const SECONDS = 60;

class WrongProof extends Error {}

function must(condition: boolean): asserts condition {
  if (!condition) throw new WrongProof();
}

function parseObject(segment: string): JsonObject {
  const value = parseStrictly(decodeSegment(segment));
  must(isObject(value));
  return value;
}

const isCoordinate = (value: JsonValue | undefined): value is string =>
  typeof value === "string" && value.length === 43 && decodeSegment(value).length === 32;

/** The key in the header, of one of two kinds, by its own members. */
function readKey(header: JsonObject): { alg: "Ed25519" | "ES256"; jwk: Record<string, string> } {
  const { typ, alg, jwk } = header;
  must(Object.keys(header).length === 3 && typ === "dpop+jwt" && isObject(jwk));
  must(!PRIVATE.some((name) => Object.hasOwn(jwk, name)));
  const { kty, crv, x, y } = jwk;
  must(isCoordinate(x));
  if (alg === "Ed25519" || alg === "EdDSA") {
    must(kty === "OKP" && crv === "Ed25519");
    return { alg: "Ed25519", jwk: { kty, crv, x } };
  }
  must(alg === "ES256" && kty === "EC" && crv === "P-256" && isCoordinate(y));
  return { alg, jwk: { kty, crv, x, y } };
}

/** `scheme://host/path` of an absolute URL without userinfo; an empty path is `/`. */
function isUrlOf(url: string, { host, path }: ReferenceRequest): boolean {
  const match = /^(?:https?|wss?):\/\/([^/?#@]*)([^?#]*)(?:[?#].*)?$/is.exec(url);
  if (match === null) return false;
  const [, authority = "", ownPath = ""] = match;
  const isHost = authority !== "" && plainHost(authority) === plainHost(host);
  return isHost && (ownPath === "" ? "/" : ownPath) === path.split("?", 1)[0];
}

/** OpenSSL takes keys of small order and other spellings of a point. */
function isGoodPoint(alg: string, { x = "" }: Record<string, string>): boolean {
  if (alg !== "Ed25519") return true;
  try {
    return !ed25519.Point.fromBytes(Buffer.from(x, "base64url")).isSmallOrder();
  } catch {
    return false; // No point, or not spelt canonically.
  }
}

async function verifies(proof: string, alg: string, jwk: Record<string, string>): Promise<boolean> {
  try {
    await compactVerify(proof, await importJWK(jwk, alg), { algorithms: ["Ed25519", "EdDSA", "ES256"] });
    return true;
  } catch (error) {
    // A point that is not on its curve is refused by OpenSSL's own errors.
    if (error instanceof errors.JOSEError || error instanceof DOMException || error instanceof TypeError) return false;
    throw error;
  }
}

async function judge(
  proof: string,
  jkt: string,
  grant: string,
  request: ReferenceRequest,
  now: number,
  used: UsedProofs,
): Promise<string> {
  must(proof.length <= 8192);
  const parts = proof.split(".");
  const [head = "", payload = "", signature = ""] = parts;
  must(parts.length === 3 && decodeSegment(signature).length === 64);
  const { alg, jwk } = readKey(parseObject(head));
  const name = await calculateJwkThumbprint(jwk);
  if (name !== jkt) return "binding_mismatch";
  const { jti, htm, htu, iat, ath } = parseObject(payload);
  must(typeof jti === "string" && Buffer.byteLength(jti) >= 1 && Buffer.byteLength(jti) <= 256);
  must(typeof iat === "number" && Math.abs(now - iat) <= SECONDS);
  must(htm === request.method);
  must(typeof htu === "string" && isUrlOf(htu, request));
  must(ath === createHash("sha256").update(grant, "latin1").digest("base64url"));
  must(isGoodPoint(alg, jwk) && (await verifies(proof, alg, jwk)));
  const ids = used.get(name) ?? new Set<string>();
  must(!ids.has(jti));
  used.set(name, ids.add(jti));
  return "allow";
}

/**
 * The verdict on the proof of a request.
 * @param proofs each `DPoP` line
 * @param used what was used so far; a good proof is added
 */
export async function referenceProof(
  proofs: readonly string[],
  jkt: string,
  grant: string,
  request: ReferenceRequest,
  now: number,
  used: UsedProofs = new Map(),
): Promise<string> {
  const [proof] = proofs;
  if (proof === undefined) return "binding_missing";
  if (proofs.length > 1) return "proof";
  try {
    return await judge(proof, jkt, grant, request, now, used);
  } catch (error) {
    if (error instanceof WrongProof || error instanceof Malformed || error instanceof NotStrictJson) return "proof";
    throw error;
  }
}
