/** Public keys as JWK (RFC 7517, 7518 section 6.2, 8037): closed objects, private members refused as unknown. */

import { Algorithm } from "../crypto/algorithm";
import { sha256 } from "../crypto/sha256";
import { isAcceptableKey } from "../crypto/signature";
import { algorithmOf } from "../jose/jws";
import { decode, encode } from "../text/base64url";
import { equalBytes, isLiteral } from "../text/bytes";
import { Writer } from "../text/writer";
import { isMember, Loading } from "./loading";
import { FOREVER, Key } from "./trust";

/** Characters of a SHA-256 in base64url: of a kid, and of each coordinate. */
const KID_CHARACTERS: i32 = 43;

enum Member {
  Kty = 1,
  Crv = 2,
  X = 4,
  Y = 8,
  Kid = 16,
  Alg = 32,
  Nbf = 64,
  Exp = 128,
}
const OKP: i32 = Member.Kty | Member.Crv | Member.X | Member.Kid;
const EC: i32 = OKP | Member.Y;
const OPTIONAL: i32 = Member.Alg | Member.Nbf | Member.Exp;

/** The strings of one JWK while it is read; each is a (ptr, len) in the text. */
class Strings {
  ktyPtr: usize = 0;
  ktyLen: i32 = 0;
  crvPtr: usize = 0;
  crvLen: i32 = 0;
  xPtr: usize = 0;
  xLen: i32 = 0;
  yPtr: usize = 0;
  yLen: i32 = 0;
  algPtr: usize = 0;
  algLen: i32 = 0;
}

const strings = new Strings();
const writer = new Writer();
const scratch: usize = memory.data(256, 16);
const digest: usize = memory.data(32, 16);
const thumbprint: usize = memory.data(48, 16);

function readMember(loading: Loading, key: Key, windowed: bool): i32 {
  const reader = loading.reader;
  if (isMember(reader, "kty")) {
    reader.string();
    strings.ktyPtr = reader.stringPtr;
    strings.ktyLen = reader.stringLen;
    return Member.Kty;
  }
  if (isMember(reader, "crv")) {
    reader.string();
    strings.crvPtr = reader.stringPtr;
    strings.crvLen = reader.stringLen;
    return Member.Crv;
  }
  if (isMember(reader, "x")) {
    reader.string();
    strings.xPtr = reader.stringPtr;
    strings.xLen = reader.stringLen;
    return Member.X;
  }
  if (isMember(reader, "y")) {
    reader.string();
    strings.yPtr = reader.stringPtr;
    strings.yLen = reader.stringLen;
    return Member.Y;
  }
  if (isMember(reader, "kid")) {
    reader.string();
    key.namePtr = reader.stringPtr;
    key.nameLen = reader.stringLen;
    return Member.Kid;
  }
  if (isMember(reader, "alg")) {
    reader.string();
    strings.algPtr = reader.stringPtr;
    strings.algLen = reader.stringLen;
    return Member.Alg;
  }
  if (windowed && isMember(reader, "nbf")) {
    key.notBefore = reader.integer();
    return Member.Nbf;
  }
  if (windowed && isMember(reader, "exp")) {
    key.expiresAt = reader.integer();
    return Member.Exp;
  }
  loading.refuse("a key has an unknown or private member", reader.stringPtr, reader.stringLen);
  return 0;
}

/** RFC 7638: the hash of the required members in this order, without white space. */
function writeThumbprint(algorithm: i32): void {
  writer.open(scratch, 256);
  if (algorithm == Algorithm.Ed25519) {
    writer.literal('{"crv":"Ed25519","kty":"OKP","x":"');
    writer.bytes(strings.xPtr, strings.xLen);
  } else {
    writer.literal('{"crv":"P-256","kty":"EC","x":"');
    writer.bytes(strings.xPtr, strings.xLen);
    writer.literal('","y":"');
    writer.bytes(strings.yPtr, strings.yLen);
  }
  writer.literal('"}');
  sha256(scratch, writer.length, digest);
  encode(digest, 32, thumbprint);
}

function coordinate(ptr: usize, len: i32, out: usize): bool {
  return len == KID_CHARACTERS && decode(ptr, len, out) == 32;
}

function checkKey(loading: Loading, key: Key, seen: i32): bool {
  const kidPtr = key.namePtr;
  const kidLen = key.nameLen;
  if (isLiteral(strings.ktyPtr, strings.ktyLen, "OKP") && isLiteral(strings.crvPtr, strings.crvLen, "Ed25519")) {
    key.algorithm = Algorithm.Ed25519;
    if ((seen & ~OPTIONAL) != OKP) return loading.refuse("a key lacks a member or has one too many", kidPtr, kidLen);
  } else if (isLiteral(strings.ktyPtr, strings.ktyLen, "EC") && isLiteral(strings.crvPtr, strings.crvLen, "P-256")) {
    key.algorithm = Algorithm.Es256;
    if ((seen & ~OPTIONAL) != EC) return loading.refuse("a key lacks a member or has one too many", kidPtr, kidLen);
  } else {
    return loading.refuse("a key is neither Ed25519 nor P-256", kidPtr, kidLen);
  }
  if ((seen & Member.Alg) != 0 && algorithmOf(strings.algPtr, strings.algLen) != key.algorithm) {
    return loading.refuse("a key's alg does not fit its curve", kidPtr, kidLen);
  }
  key.publicKey = loading.region.take(64);
  if (
    !coordinate(strings.xPtr, strings.xLen, key.publicKey) ||
    (key.algorithm == Algorithm.Es256 && !coordinate(strings.yPtr, strings.yLen, key.publicKey + 32))
  ) {
    return loading.refuse("a key's coordinate is not 32 bytes of canonical base64url", kidPtr, kidLen);
  }
  if (!isAcceptableKey(key.algorithm, key.publicKey)) {
    return loading.refuse("a key is not a point of its curve, or of small order", kidPtr, kidLen);
  }
  writeThumbprint(key.algorithm);
  if (!equalBytes(kidPtr, kidLen, thumbprint, KID_CHARACTERS)) {
    return loading.refuse("a kid is not the key's RFC 7638 thumbprint", kidPtr, kidLen);
  }
  if (key.expiresAt <= key.notBefore) return loading.refuse("a key's exp is not after its nbf", kidPtr, kidLen);
  return true;
}

/** Reads one public key with its kid; `windowed` keys may have `nbf` and `exp`. Check `loading.good()`. */
export function readKey(loading: Loading, windowed: bool): Key {
  const key = changetype<Key>(loading.region.take(offsetof<Key>()));
  key.expiresAt = FOREVER;
  const reader = loading.reader;
  let seen = 0;
  if (!reader.openObject()) return key;
  while (reader.nextMember()) {
    const member = readMember(loading, key, windowed);
    if ((seen & member) != 0) loading.refuse("a key has a member twice");
    if (!loading.good()) return key;
    seen |= member;
  }
  if (loading.good()) checkKey(loading, key, seen);
  return key;
}
