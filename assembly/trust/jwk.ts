/** Public keys as JWK (RFC 7517, 7518 section 6.2, 8037): closed objects, private members refused as unknown. */

import { Algorithm } from "../crypto/algorithm";
import { isAcceptableKey } from "../crypto/signature";
import { algorithmOf } from "../jose/jws";
import { THUMBPRINT_CHARACTERS, thumbprint } from "../jose/thumbprint";
import { decode, encode } from "../text/base64url";
import { equalBytes, isLiteral } from "../text/bytes";
import { Loading } from "./loading";
import { KeyMember, keyMember } from "./members.gen";
import { FOREVER, Key } from "./trust";

const OKP: i32 = KeyMember.Kty | KeyMember.Crv | KeyMember.X | KeyMember.Kid;
const EC: i32 = OKP | KeyMember.Y;
const WINDOW: i32 = KeyMember.Nbf | KeyMember.Exp;
const OPTIONAL: i32 = KeyMember.Alg | WINDOW;

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
const digest: usize = memory.data(32, 16);
const name: usize = memory.data(48, 16);

function readMember(member: i32, loading: Loading, key: Key): void {
  const reader = loading.reader;
  if (member == KeyMember.Nbf) {
    key.notBefore = reader.integer();
    return;
  }
  if (member == KeyMember.Exp) {
    key.expiresAt = reader.integer();
    return;
  }
  if (!reader.string()) return;
  const ptr = reader.stringPtr;
  const len = reader.stringLen;
  switch (member) {
    case KeyMember.Kty:
      strings.ktyPtr = ptr;
      strings.ktyLen = len;
      break;
    case KeyMember.Crv:
      strings.crvPtr = ptr;
      strings.crvLen = len;
      break;
    case KeyMember.X:
      strings.xPtr = ptr;
      strings.xLen = len;
      break;
    case KeyMember.Y:
      strings.yPtr = ptr;
      strings.yLen = len;
      break;
    case KeyMember.Kid:
      key.namePtr = ptr;
      key.nameLen = len;
      break;
    default:
      strings.algPtr = ptr;
      strings.algLen = len;
  }
}

function coordinate(ptr: usize, len: i32, out: usize): bool {
  return len == THUMBPRINT_CHARACTERS && decode(ptr, len, out) == 32;
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
  if ((seen & KeyMember.Alg) != 0 && algorithmOf(strings.algPtr, strings.algLen) != key.algorithm) {
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
  thumbprint(key.algorithm, key.publicKey, digest);
  if (!equalBytes(kidPtr, kidLen, name, encode(digest, 32, name))) {
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
    const member = keyMember(reader.stringPtr, reader.stringLen);
    if (member == 0 || (!windowed && (member & WINDOW) != 0)) {
      loading.refuse("a key has an unknown or private member", reader.stringPtr, reader.stringLen);
    } else if ((seen & member) != 0) loading.refuse("a key has a member twice");
    else readMember(member, loading, key);
    if (!loading.good()) return key;
    seen |= member;
  }
  if (loading.good()) checkKey(loading, key, seen);
  return key;
}
