/**
 * Texts of urgent revocations: each signed by one root, or by one principal who holds a role in the bundle's `revokers`. They
 * only take away (docs/trust-bundle.md, "Urgent revocations").
 */
import { sha256 } from "../crypto/sha256";
import { decodedLength, HeaderShape, Jws, readJws, verifyJws } from "../jose/jws";
import { readNameOrList } from "../jose/lists";
import { MAX_AUDIENCES, MAX_REMEMBERED_TEXTS, MAX_TEXTS_BYTES } from "../limits";
import { decode } from "../text/base64url";
import { TextList } from "../text/region";
import { hasAudience } from "./claims";
import { Loading } from "./loading";
import {
  REQUIRED_OF_REVOCATIONS,
  REVOCATIONS_LACKS,
  RevocationsMember,
  readRevocationsVersion,
  revocationsMember,
} from "./members.gen";
import { Named } from "./names";
import { forgetRevoked, newRevoked, Revoked, readRevoked } from "./revoked";
import { Anchors, Key, Trust } from "./trust";

/** How much memory a text of `textLen` bytes can need: as for a bundle, its densest JSON is a list of one-letter names. */
export function textRegionBytes(textLen: i32): i32 {
  return textLen * 9 + 64 * 1024;
}

/** One text. Its name is the signer's: a root's kid, or a principal's id, whichever key of his signed. */
export class RevocationText extends Named {
  version: i64 = 0;
  issuedAt: i64 = 0;
  audiences: TextList = changetype<TextList>(0);
  isSignedByRoot: bool = false;
  /** The key that signed. Its name alone: the bundle in which it stands may be gone. */
  key: Named = changetype<Named>(0);
  revoked: Revoked = changetype<Revoked>(0);
  /** SHA-256 of the payload segment, 32 bytes: tells two texts of one version apart. */
  hash: usize = 0;
  /** At or below the bundle's floor, or by a key that it has revoked: it was not verified, and nothing of it counts. */
  isIgnored: bool = false;

  /**
   * Whether the bundle has it ignored: it took in what the text took back, or revoked the key that signed. Whoever holds such a key
   * must not push its owner's own texts out with it.
   */
  isIgnoredUnder(trust: Trust): bool {
    return trust.ignoresText(this, this.key, this.version);
  }
}

const jws = new Jws();

function readMember(member: i32, loading: Loading, text: RevocationText): void {
  const reader = loading.reader;
  switch (member) {
    case RevocationsMember.Version:
      text.version = readRevocationsVersion(loading);
      break;
    case RevocationsMember.Iat:
      text.issuedAt = reader.integer();
      break;
    case RevocationsMember.Aud:
      text.audiences = readNameOrList(reader, loading.region, MAX_AUDIENCES);
      break;
    case RevocationsMember.Revoked:
      readRevoked(loading);
      break;
    default:
      loading.refuse("it has an unknown member", reader.stringPtr, reader.stringLen);
  }
}

/** Reads the payload (unescaped in place). Nobody can use up numbers or times beyond the moment at which he says that he signs. */
function readClaims(loading: Loading, ptr: usize, len: i32, text: RevocationText): bool {
  forgetRevoked();
  loading.open(ptr, len);
  while (loading.nextMember()) {
    const member = revocationsMember(loading.reader.stringPtr, loading.reader.stringLen);
    if (loading.isFirst(member)) readMember(member, loading, text);
  }
  if (!loading.finish(REQUIRED_OF_REVOCATIONS, REVOCATIONS_LACKS)) return false;
  text.revoked = newRevoked(loading.region, load<u32>(text.hash));
  if (loading.region.full) return loading.refuse("it is too large");
  if (text.version > text.issuedAt) return loading.refuse("its version is larger than its iat");
  return text.revoked.latest <= text.issuedAt || loading.refuse("it has an issued_before that is after its iat");
}

/** Whose it is. A key of nobody's is its own signer, for which the bundle may name a floor. */
function takeSigner(text: RevocationText, key: Key): void {
  const isPrincipals = changetype<usize>(key) != 0 && changetype<usize>(key.principal) != 0;
  const signer = isPrincipals ? changetype<Named>(key.principal) : text.key;
  text.namePtr = signer.namePtr;
  text.nameLen = signer.nameLen;
}

/** Whether its signer may revoke, and has signed it. */
function verifySigner(loading: Loading, key: Key, trust: Trust, text: RevocationText): bool {
  const namePtr = text.namePtr;
  const nameLen = text.nameLen;
  if (changetype<usize>(key) == 0) return loading.refuse("its key is nobody's", namePtr, nameLen);
  if (!text.isSignedByRoot) {
    const isRevoker = changetype<usize>(trust.revokers) != 0 && key.principal.holdsOneOf(trust.revokers, text.issuedAt);
    if (!isRevoker) return loading.refuse("its signer held no role of a revoker at its iat", namePtr, nameLen);
    if (!key.holdsAt(text.issuedAt)) return loading.refuse("its key did not hold at its iat", namePtr, nameLen);
  }
  if (jws.algorithm != key.algorithm || !verifyJws(jws, key.publicKey)) {
    return loading.refuse("its signature does not verify", namePtr, nameLen);
  }
  return true;
}

/**
 * Reads the text at (ptr, len) into `text` and `loading.region`, verified under anchors and bundle; at or below the bundle's floor it is
 * only read. @returns false with `loading.reason` where it makes its configuration unusable
 */
export function readRevocations(
  loading: Loading,
  ptr: usize,
  len: i32,
  anchors: Anchors,
  trust: Trust,
  text: RevocationText,
): bool {
  const region = loading.region;
  if (len > MAX_TEXTS_BYTES) return loading.refuse("they are larger than 192 KiB together");
  if (!readJws(loading.reader, region, ptr, len, "bg-revocations+jwt", HeaderShape.Plain, false, jws)) {
    return loading.refuse("one is not a compact JWS of typ bg-revocations+jwt");
  }
  text.hash = region.take(32);
  sha256(jws.bodyPtr, jws.bodyLen, text.hash);
  text.key = changetype<Named>(region.take(offsetof<Named>()));
  text.key.namePtr = jws.kid.ptr;
  text.key.nameLen = jws.kid.len;
  const payloadLen = decodedLength(jws.bodyLen);
  if (!region.hasRoom(payloadLen)) return loading.refuse("it is too large");
  const payload = region.take(payloadLen);
  if (decode(jws.bodyPtr, jws.bodyLen, payload) != payloadLen) {
    return loading.refuse("its payload is not canonical base64url");
  }
  if (!readClaims(loading, payload, payloadLen, text)) return false;

  const root = anchors.root(jws.kid.ptr, jws.kid.len);
  text.isSignedByRoot = changetype<usize>(root) != 0;
  const key = text.isSignedByRoot ? root : trust.key(jws.kid.ptr, jws.kid.len);
  takeSigner(text, key);
  text.isIgnored = text.isIgnoredUnder(trust);
  if (text.isIgnored) return true;
  if (!hasAudience(text.audiences, anchors)) {
    return loading.refuse("its aud does not hold this gateway's audience", text.namePtr, text.nameLen);
  }
  if (!verifySigner(loading, key, trust, text)) return false;
  // The name stands in a bundle or a configuration, which the text outlives.
  text.namePtr = loading.copy(text.namePtr, text.nameLen);
  return !region.full || loading.refuse("it is too large");
}

/** The texts that a domain remembers: of each signer the newest, also where the newest configuration leaves it out. */
export class Texts {
  count: i32 = 0;
  /** Rises whenever they change, from 1. */
  revision: u32 = 1;
  private texts: StaticArray<RevocationText> = new StaticArray<RevocationText>(MAX_REMEMBERED_TEXTS);

  at(index: i32): RevocationText {
    return unchecked(this.texts[index]);
  }

  /** The index of that signer's, or -1. */
  find(signerPtr: usize, signerLen: i32): i32 {
    for (let i = 0; i < this.count; i++) if (this.at(i).isNamed(signerPtr, signerLen)) return i;
    return -1;
  }

  /** @param index `count` to append */
  put(index: i32, text: RevocationText): void {
    unchecked((this.texts[index] = text));
    if (index == this.count) this.count += 1;
    this.revision += 1;
  }

  /** The last one takes its place. */
  remove(index: i32): void {
    this.count -= 1;
    unchecked((this.texts[index] = this.texts[this.count]));
    this.revision += 1;
  }

  /** A bit for each that counts under the bundle: above its floor, and not silenced. */
  inForce(trust: Trust): u32 {
    let ofRoots: u32 = 0;
    let all: u32 = 0;
    for (let i = 0; i < this.count; i++) {
      const text = this.at(i);
      if (text.isIgnoredUnder(trust) || trust.revoked.subjects.has(text)) continue;
      all |= 1 << i;
      if (text.isSignedByRoot) ofRoots |= 1 << i;
    }
    let heard: u32 = ofRoots;
    for (let i = 0; i < this.count; i++) {
      const isOfRevoker = (((all & ~ofRoots) >> i) & 1) != 0;
      if (isOfRevoker && !this.isSilenced(this.at(i), ofRoots)) heard |= 1 << i;
    }
    return heard;
  }

  /** Whether a root's text revokes the signer. No revoker can silence another, nor a root. */
  private isSilenced(text: RevocationText, ofRoots: u32): bool {
    for (let i = 0; i < this.count; i++) {
      if (((ofRoots >> i) & 1) != 0 && this.at(i).revoked.subjects.has(text)) return true;
    }
    return false;
  }
}
