/** Compact JWS (RFC 7515, section 7.1) with our closed headers, attached or detached (Appendix F). */
import { Algorithm } from "../crypto/algorithm";
import { addToBatch, verify } from "../crypto/signature";
import { decode } from "../text/base64url";
import { isLiteral } from "../text/bytes";
import { JsonReader } from "../text/json";
import { newText, Region, Text } from "../text/region";

/** The header's `alg` is not one of ours: told apart from a malformed header, since the verdict differs. */
export const UNSUPPORTED_ALGORITHM: i32 = -1;
export const SIGNATURE_BYTES: i32 = 64;

/** One signature and what it is over. */
export class Jws {
  /** `header.` as sent, the dot included: the first part of the signing input. */
  headPtr: usize = 0;
  headLen: i32 = 0;
  /** The payload segment as sent: the second part. For a detached JWS the caller sets it. */
  bodyPtr: usize = 0;
  bodyLen: i32 = 0;
  /** 64 octets. */
  signature: usize = 0;
  /** An `Algorithm`, or UNSUPPORTED_ALGORITHM. */
  algorithm: i32 = 0;
  kid: Text = changetype<Text>(0);
  /** Seconds since 1970; only where the header carries `iat`. */
  iat: i64 = 0;
}

/** Which members a header has, exactly. */
export enum HeaderShape {
  /** `{"alg","kid","typ"}` */
  Plain,
  /** `{"alg","kid","typ","iat"}` */
  WithIat,
}

enum Member {
  Alg = 1,
  Kid = 2,
  Typ = 4,
  Iat = 8,
}

/** `EdDSA` is read as `Ed25519` (RFC 9864). */
export function algorithmOf(ptr: usize, len: i32): i32 {
  if (isLiteral(ptr, len, "Ed25519") || isLiteral(ptr, len, "EdDSA")) return Algorithm.Ed25519;
  if (isLiteral(ptr, len, "ES256")) return Algorithm.Es256;
  return UNSUPPORTED_ALGORITHM;
}

function readHeader(reader: JsonReader, region: Region, typ: string, shape: i32, jws: Jws): bool {
  const wanted =
    shape == HeaderShape.WithIat
      ? Member.Alg | Member.Kid | Member.Typ | Member.Iat
      : Member.Alg | Member.Kid | Member.Typ;
  let seen = 0;
  if (!reader.openObject()) return false;
  while (reader.nextMember()) {
    const ptr = reader.stringPtr;
    const len = reader.stringLen;
    let member = 0;
    if (isLiteral(ptr, len, "alg")) {
      member = Member.Alg;
      if (reader.string()) jws.algorithm = algorithmOf(reader.stringPtr, reader.stringLen);
    } else if (isLiteral(ptr, len, "kid")) {
      member = Member.Kid;
      if (reader.string()) jws.kid = newText(region, reader.stringPtr, reader.stringLen);
    } else if (isLiteral(ptr, len, "typ")) {
      member = Member.Typ;
      if (reader.string() && !isLiteral(reader.stringPtr, reader.stringLen, typ)) reader.fail();
    } else if (isLiteral(ptr, len, "iat")) {
      member = Member.Iat;
      jws.iat = reader.integer();
    }
    if (member == 0 || (wanted & member) == 0 || (seen & member) != 0) reader.fail();
    if (!reader.ok) return false;
    seen |= member;
  }
  return reader.finish() && seen == wanted;
}

/** Decodes a base64url segment into the region. 0 when it is not canonical or does not fit. */
function decodeSegment(region: Region, ptr: usize, len: i32): usize {
  if (!region.hasRoom(len)) {
    region.full = true;
    return 0;
  }
  const bytes = region.take(len);
  return decode(ptr, len, bytes) >= 0 ? bytes : 0;
}

/** The index of the first `byte` at or after `from`, or `len`. */
export function indexOf(ptr: usize, len: i32, byte: u8, from: i32): i32 {
  for (let i = from; i < len; i++) if (load<u8>(ptr + i) == byte) return i;
  return len;
}

/**
 * Reads one compact JWS of the given `typ`. A detached one has an empty payload segment, an attached one has not.
 * @returns false when it is malformed in any way but the value of `alg`
 */
export function readJws(
  reader: JsonReader,
  region: Region,
  ptr: usize,
  len: i32,
  typ: string,
  shape: i32,
  detached: bool,
  jws: Jws,
): bool {
  const firstDot = indexOf(ptr, len, 0x2e, 0);
  const secondDot = indexOf(ptr, len, 0x2e, firstDot + 1);
  if (firstDot == 0 || firstDot >= len || secondDot >= len) return false;
  jws.headPtr = ptr;
  jws.headLen = firstDot + 1;
  jws.bodyPtr = ptr + firstDot + 1;
  jws.bodyLen = secondDot - firstDot - 1;
  if (detached != (jws.bodyLen == 0)) return false;

  const header = decodeSegment(region, ptr, firstDot);
  if (header == 0) return false;
  reader.start(header, decodedLength(firstDot));
  if (!readHeader(reader, region, typ, shape, jws)) return false;

  // 64 octets are 86 characters; a further dot fails here, as it is no base64url.
  const signatureLen = len - secondDot - 1;
  if (signatureLen != 86) return false;
  jws.signature = region.take(SIGNATURE_BYTES);
  return decode(ptr + secondDot + 1, signatureLen, jws.signature) == SIGNATURE_BYTES;
}

/** Bytes that `len` canonical base64url characters decode to. */
export function decodedLength(len: i32): i32 {
  return <i32>((<i64>len * 3) >> 2);
}

/** Verifies the signature with a public key of the algorithm `jws.algorithm`. */
export function verifyJws(jws: Jws, publicKey: usize): bool {
  return verify(jws.algorithm, publicKey, jws.signature, jws.headPtr, jws.headLen, jws.bodyPtr, jws.bodyLen);
}

/** The same, into the batch of crypto/signature.ts. */
export function addJwsToBatch(jws: Jws, publicKey: usize): void {
  addToBatch(jws.algorithm, publicKey, jws.signature, jws.headPtr, jws.headLen, jws.bodyPtr, jws.bodyLen);
}
