/** Reads and verifies a trust bundle: `header.payload.signature *( "~" header..signature )`, signed by enough roots. */
import { sha256 } from "../crypto/sha256";
import { decodedLength, HeaderShape, indexOf, Jws, readJws, verifyJws } from "../jose/jws";
import { MAX_BUNDLE_BYTES, MAX_BUNDLE_SIGNATURES } from "../limits";
import { decode } from "../text/base64url";
import { keepsBounds } from "./bounds";
import { readTrustClaims } from "./claims";
import { Loading } from "./loading";
import { Anchors, Key, Trust } from "./trust";

const TILDE: u8 = 0x7e;
const DOT: u8 = 0x2e;

/**
 * How much memory a bundle of `textLen` bytes can need: its payload, and for the densest JSON (a list of one-letter roles,
 * 4 bytes each, 40 as struct) ten times as much.
 */
export function bundleRegionBytes(textLen: i32): i32 {
  return textLen * 9 + 64 * 1024;
}

const jws = new Jws();
/** The roots that have signed so far. */
const signers: usize = memory.data(128, 8); // MAX_BUNDLE_SIGNATURES pointers
let signerCount: i32 = 0;

function hasSigned(root: Key): bool {
  for (let i = 0; i < signerCount; i++) {
    if (load<usize>(signers + <usize>i * sizeof<usize>()) == changetype<usize>(root)) return true;
  }
  return false;
}

/** Counts one signature: a non-root's is passed over, a root's must verify and be its only one. */
function countSignature(loading: Loading, anchors: Anchors): bool {
  const root = anchors.root(jws.kid.ptr, jws.kid.len);
  if (changetype<usize>(root) == 0) return true;
  if (hasSigned(root)) return loading.refuse("a root signed it twice", root.namePtr, root.nameLen);
  if (jws.algorithm != root.algorithm || !verifyJws(jws, root.publicKey)) {
    return loading.refuse("a root's signature does not verify", root.namePtr, root.nameLen);
  }
  store<usize>(signers + <usize>signerCount * sizeof<usize>(), changetype<usize>(root));
  signerCount += 1;
  return true;
}

function readSignatures(loading: Loading, ptr: usize, len: i32, anchors: Anchors): bool {
  const region = loading.region;
  const reader = loading.reader;
  signerCount = 0;
  let at = indexOf(ptr, len, TILDE, 0);
  if (!readJws(reader, region, ptr, at, "bg-bundle+jwt", HeaderShape.Plain, false, jws)) {
    return loading.refuse("it is not a compact JWS of typ bg-bundle+jwt");
  }
  const bodyPtr = jws.bodyPtr;
  const bodyLen = jws.bodyLen;
  if (!countSignature(loading, anchors)) return false;
  for (let count = 1; at < len; count++) {
    if (count >= MAX_BUNDLE_SIGNATURES) return loading.refuse("it has more than 16 signatures");
    const end = indexOf(ptr, len, TILDE, at + 1);
    if (!readJws(reader, region, ptr + at + 1, end - at - 1, "bg-bundle-approval+jws", HeaderShape.Plain, true, jws)) {
      return loading.refuse("a further signature is not a detached JWS of typ bg-bundle-approval+jws");
    }
    jws.bodyPtr = bodyPtr;
    jws.bodyLen = bodyLen;
    if (!countSignature(loading, anchors)) return false;
    at = end;
  }
  if (signerCount < anchors.threshold) return loading.refuse("fewer roots signed it than the threshold");
  return true;
}

/**
 * Reads the bundle at (ptr, len) into a new Trust in `loading.region`, verified under `anchors`.
 * @returns false with `loading.reason` when it is refused; `trust` is then of no use
 */
export function readBundle(loading: Loading, ptr: usize, len: i32, anchors: Anchors, trust: Trust): bool {
  if (len > MAX_BUNDLE_BYTES) return loading.refuse("it is larger than 512 KiB");
  if (!readSignatures(loading, ptr, len, anchors)) return false;

  const segment = indexOf(ptr, len, DOT, 0) + 1;
  const segmentLen = indexOf(ptr, len, DOT, segment) - segment;
  const payloadLen = decodedLength(segmentLen);
  const region = loading.region;
  if (!region.hasRoom(payloadLen)) return loading.refuse("it is too large");
  const payload = region.take(payloadLen);
  if (decode(ptr + segment, segmentLen, payload) != payloadLen) {
    return loading.refuse("its payload is not canonical base64url");
  }
  trust.hash = region.take(32);
  sha256(ptr + segment, segmentLen, trust.hash);
  trust.signerCount = signerCount;
  if (!readTrustClaims(loading, payload, payloadLen, anchors, trust)) return false;
  return keepsBounds(loading, len, trust);
}
