/**
 * A DPoP proof (RFC 9449): a JWS by the key that a grant is bound to, over the request that it comes with. Read here, as far as
 * that goes without cryptography: what is cheap is asked before the signature.
 */
import {
  algorithmOf,
  decodedLength,
  indexOf,
  Jws,
  SIGNATURE_BYTES,
  UNSUPPORTED_ALGORITHM,
  verifyJws,
} from "../jose/jws";
import { thumbprint } from "../jose/thumbprint";
import { MAX_PROOF_BYTES, MAX_PROOF_ID_BYTES } from "../limits";
import { decode } from "../text/base64url";
import { isLiteral } from "../text/bytes";
import { Fault } from "../text/fault";
import { JsonReader } from "../text/json";
import { readPublicKey } from "./jwk";
import { enterObject, forgetNames, leaveObject, skipValue, takeName } from "./names";

const DOT: u8 = 0x2e;
/** Characters of 64 octets, and of 32. */
const SIGNATURE_CHARACTERS: i32 = 86;
const HASH_CHARACTERS: i32 = 43;

enum HeaderMember {
  Typ = 1,
  Alg = 2,
  Jwk = 4,
  All = 7,
}

enum Claim {
  Id = 1,
  Method = 2,
  Url = 4,
  IssuedAt = 8,
  GrantHash = 16,
  All = 31,
}

/** One proof at a time. Pointers are into memory of this file, until the next one is read. */
export class Proof {
  jws: Jws = new Jws();
  /** 32 bytes, or x || y. */
  publicKey: usize = memory.data(64, 16);
  /** 32 bytes. */
  thumbprint: usize = memory.data(32, 16);
  idPtr: usize = 0;
  idLen: i32 = 0;
  methodPtr: usize = 0;
  methodLen: i32 = 0;
  urlPtr: usize = 0;
  urlLen: i32 = 0;
  issuedAt: i64 = 0;
  /** SHA-256 of the grant that it was made with, 32 bytes. */
  grantHash: usize = memory.data(32, 16);
}

const reader = new JsonReader();
const header: usize = memory.data(6144, 16); // MAX_PROOF_BYTES * 3 / 4
const claims: usize = memory.data(6144, 16);
const signature: usize = memory.data(64, 16); // SIGNATURE_BYTES

/** The `Algorithm` that the key is for. */
let curve: i32 = UNSUPPORTED_ALGORITHM;

function readHeaderMember(proof: Proof): i32 {
  const ptr = reader.stringPtr;
  const len = reader.stringLen;
  if (isLiteral(ptr, len, "typ")) {
    if (reader.string() && !isLiteral(reader.stringPtr, reader.stringLen, "dpop+jwt")) reader.fail();
    return HeaderMember.Typ;
  }
  if (isLiteral(ptr, len, "alg")) {
    if (reader.string()) proof.jws.algorithm = algorithmOf(reader.stringPtr, reader.stringLen);
    return HeaderMember.Alg;
  }
  if (isLiteral(ptr, len, "jwk")) {
    curve = readPublicKey(reader, proof.publicKey);
    return HeaderMember.Jwk;
  }
  // As in every header here: it could say how the rest is to be understood, as `crit` does.
  reader.fail(Fault.Unknown);
  return 0;
}

function readHeader(proof: Proof): bool {
  let seen = 0;
  if (!reader.openObject()) return false;
  const mark = enterObject();
  while (reader.nextMember() && takeName(reader, mark)) seen |= readHeaderMember(proof);
  leaveObject(mark);
  if (!reader.finish() || seen != HeaderMember.All) return false;
  return curve != UNSUPPORTED_ALGORITHM && proof.jws.algorithm == curve;
}

function readClaim(proof: Proof): i32 {
  const ptr = reader.stringPtr;
  const len = reader.stringLen;
  if (isLiteral(ptr, len, "jti")) {
    if (!reader.string()) return 0;
    proof.idPtr = reader.stringPtr;
    proof.idLen = reader.stringLen;
    if (reader.stringLen < 1 || reader.stringLen > MAX_PROOF_ID_BYTES) reader.fail();
    return Claim.Id;
  }
  if (isLiteral(ptr, len, "htm")) {
    if (!reader.string()) return 0;
    proof.methodPtr = reader.stringPtr;
    proof.methodLen = reader.stringLen;
    return Claim.Method;
  }
  if (isLiteral(ptr, len, "htu")) {
    if (!reader.string()) return 0;
    proof.urlPtr = reader.stringPtr;
    proof.urlLen = reader.stringLen;
    return Claim.Url;
  }
  if (isLiteral(ptr, len, "iat")) {
    proof.issuedAt = reader.integer();
    return Claim.IssuedAt;
  }
  if (isLiteral(ptr, len, "ath")) {
    if (!reader.string()) return 0;
    const isHash = reader.stringLen == HASH_CHARACTERS;
    if (!isHash || decode(reader.stringPtr, HASH_CHARACTERS, proof.grantHash) < 0) reader.fail();
    return Claim.GrantHash;
  }
  skipValue(reader);
  return 0;
}

/**
 * Reads header and key, and finds the claims and the signature: what is needed to tell whose proof this is.
 * @returns false when it is no proof
 */
export function readProof(ptr: usize, len: i32, proof: Proof): bool {
  if (len > MAX_PROOF_BYTES) return false;
  const firstDot = indexOf(ptr, len, DOT, 0);
  const secondDot = indexOf(ptr, len, DOT, firstDot + 1);
  if (secondDot >= len || len - secondDot - 1 != SIGNATURE_CHARACTERS) return false;
  const jws = proof.jws;
  jws.headPtr = ptr;
  jws.headLen = firstDot + 1;
  jws.bodyPtr = ptr + firstDot + 1;
  jws.bodyLen = secondDot - firstDot - 1;
  jws.signature = signature;
  jws.algorithm = UNSUPPORTED_ALGORITHM;
  curve = UNSUPPORTED_ALGORITHM;
  if (decode(ptr + secondDot + 1, SIGNATURE_CHARACTERS, signature) != SIGNATURE_BYTES) return false;
  if (decode(ptr, firstDot, header) < 0) return false;
  forgetNames();
  reader.start(header, decodedLength(firstDot));
  if (!readHeader(proof)) return false;
  thumbprint(curve, proof.publicKey, proof.thumbprint);
  return true;
}

/** Reads the claims of a proof whose header was read. */
export function readProofClaims(proof: Proof): bool {
  const jws = proof.jws;
  if (decode(jws.bodyPtr, jws.bodyLen, claims) < 0) return false;
  let seen = 0;
  forgetNames();
  reader.start(claims, decodedLength(jws.bodyLen));
  if (!reader.openObject()) return false;
  const mark = enterObject();
  while (reader.nextMember() && takeName(reader, mark)) seen |= readClaim(proof);
  leaveObject(mark);
  return reader.finish() && seen == Claim.All;
}

/** Whether the signature holds: also false for a key that is no point of its curve, or of small order. */
export function verifyProof(proof: Proof): bool {
  return verifyJws(proof.jws, proof.publicKey);
}
