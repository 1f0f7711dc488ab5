/**
 * The public key in a proof's header (RFC 7517, 7518 section 6.2, 8037). What a key has besides its own members says nothing here
 * and is skipped; a private one shows a key that is no secret any more.
 */
import { Algorithm } from "../crypto/algorithm";
import { THUMBPRINT_CHARACTERS } from "../jose/thumbprint";
import { decode } from "../text/base64url";
import { isLiteral } from "../text/bytes";
import { JsonReader } from "../text/json";
import { enterObject, leaveObject, skipValue, takeName } from "./names";

const NO_CURVE: i32 = -1;
let isOkp: bool = false;
let isEc: bool = false;
/** Of `crv`, as an `Algorithm`. */
let curve: i32 = NO_CURVE;
let hasX: bool = false;
let hasY: bool = false;

/** Private members of every key type that is registered (RFC 7518, sections 6.2.2, 6.3.2 and 6.4; RFC 8037, section 2). */
function isPrivate(ptr: usize, len: i32): bool {
  if (len == 1) {
    const c = load<u8>(ptr);
    return c == 0x64 || c == 0x70 || c == 0x71 || c == 0x6b; // d p q k
  }
  if (isLiteral(ptr, len, "dp") || isLiteral(ptr, len, "dq") || isLiteral(ptr, len, "qi")) return true;
  return isLiteral(ptr, len, "oth") || isLiteral(ptr, len, "priv");
}

function coordinate(reader: JsonReader, out: usize): bool {
  return reader.stringLen == THUMBPRINT_CHARACTERS && decode(reader.stringPtr, THUMBPRINT_CHARACTERS, out) == 32;
}

function readMember(reader: JsonReader, publicKey: usize): void {
  const ptr = reader.stringPtr;
  const len = reader.stringLen;
  if (isPrivate(ptr, len)) {
    reader.fail();
  } else if (isLiteral(ptr, len, "kty")) {
    if (!reader.string()) return;
    isOkp = isLiteral(reader.stringPtr, reader.stringLen, "OKP");
    isEc = isLiteral(reader.stringPtr, reader.stringLen, "EC");
  } else if (isLiteral(ptr, len, "crv")) {
    if (!reader.string()) return;
    if (isLiteral(reader.stringPtr, reader.stringLen, "Ed25519")) curve = Algorithm.Ed25519;
    else if (isLiteral(reader.stringPtr, reader.stringLen, "P-256")) curve = Algorithm.Es256;
  } else if (isLiteral(ptr, len, "x")) {
    if (reader.string()) hasX = coordinate(reader, publicKey);
  } else if (isLiteral(ptr, len, "y")) {
    // Not one of an Ed25519 key's own.
    if (reader.kind() != 0x22) skipValue(reader);
    else if (reader.string()) hasY = coordinate(reader, publicKey + 32);
  } else {
    skipValue(reader);
  }
}

/**
 * Reads a key of Ed25519 or P-256. Whether it is a point of its curve is asked where its signature is checked.
 * @param publicKey 64 bytes: 32, or x || y
 * @returns its `Algorithm`, or -1 and the reader failed
 */
export function readPublicKey(reader: JsonReader, publicKey: usize): i32 {
  isOkp = false;
  isEc = false;
  curve = NO_CURVE;
  hasX = false;
  hasY = false;
  if (!reader.openObject()) return NO_CURVE;
  const mark = enterObject();
  while (reader.nextMember() && takeName(reader, mark)) readMember(reader, publicKey);
  leaveObject(mark);
  const isWhole = (isOkp && curve == Algorithm.Ed25519) || (isEc && curve == Algorithm.Es256 && hasY);
  if (reader.ok && isWhole && hasX) return curve;
  reader.fail();
  return NO_CURVE;
}
