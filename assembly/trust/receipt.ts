/**
 * A ledger's receipt: a compact JWS in which it says that it holds a record. Read here; whether it is good is asked in decide/.
 * Whatever a ledger sends in its place is no receipt, and nothing else: what is read is bounded, and copied before it is.
 */
import { decodedLength, HeaderShape, Jws, readJws } from "../jose/jws";
import { MAX_ORIGIN_BYTES, MAX_RECEIPT_BYTES } from "../limits";
import { decode } from "../text/base64url";
import { isLiteral } from "../text/bytes";
import { readHex } from "../text/hex";
import { JsonReader } from "../text/json";
import { Region } from "../text/region";

export const RECORD_HASH_BYTES: i32 = 32;

enum Claim {
  Origin = 1,
  Index = 2,
  RecordHash = 4,
  IssuedAt = 8,
  All = 15,
}

/** One at a time: it lives until the next is read. */
export class Receipt {
  jws: Jws = new Jws();
  /** SHA-256 of the record's line, without its end. */
  recordHash: usize = memory.data(32, 16);
  /** Seconds since 1970. */
  issuedAt: i64 = 0;
}

const reader = new JsonReader();
const region = new Region();
/** Header, payload and signature take no more than they do in base64url; and the kid's place. */
const DECODED_BYTES: i32 = 2304; // MAX_RECEIPT_BYTES + 256
const decoded: usize = memory.data(2304, 16);

function isAscii(ptr: usize, len: i32): bool {
  for (let i = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

/** Lower case, as every hash in a record: one text for the same bytes. */
function readHash(ptr: usize, len: i32, out: usize): bool {
  for (let i = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    if (c >= 0x41 && c <= 0x46) return false;
  }
  return readHex(ptr, len, out, RECORD_HASH_BYTES);
}

/** Its bit; 0 for an unknown one. */
function readClaim(receipt: Receipt): i32 {
  const ptr = reader.stringPtr;
  const len = reader.stringLen;
  if (isLiteral(ptr, len, "origin")) {
    if (!reader.string()) return 0;
    const size = reader.stringLen;
    if (size < 1 || size > MAX_ORIGIN_BYTES || !isAscii(reader.stringPtr, size)) reader.fail();
    return Claim.Origin;
  }
  if (isLiteral(ptr, len, "index")) {
    reader.integer();
    return Claim.Index;
  }
  if (isLiteral(ptr, len, "record_sha256")) {
    if (!reader.string()) return 0;
    if (!readHash(reader.stringPtr, reader.stringLen, receipt.recordHash)) reader.fail();
    return Claim.RecordHash;
  }
  if (isLiteral(ptr, len, "iat")) {
    receipt.issuedAt = reader.integer();
    return Claim.IssuedAt;
  }
  reader.fail();
  return 0;
}

/** False when it is none: members exactly these. Its signature is not looked at. */
export function readReceipt(ptr: usize, len: i32, receipt: Receipt): bool {
  if (len > MAX_RECEIPT_BYTES) return false;
  const jws = receipt.jws;
  region.open(decoded, DECODED_BYTES);
  if (!readJws(reader, region, ptr, len, "bg-receipt+jws", HeaderShape.Plain, false, jws)) return false;
  if (!region.hasRoom(jws.bodyLen)) return false;
  const claims = region.take(jws.bodyLen);
  if (decode(jws.bodyPtr, jws.bodyLen, claims) < 0) return false;
  let seen = 0;
  reader.start(claims, decodedLength(jws.bodyLen));
  if (!reader.openObject()) return false;
  while (reader.nextMember()) {
    const claim = readClaim(receipt);
    if ((seen & claim) != 0) reader.fail();
    if (!reader.ok) return false;
    seen |= claim;
  }
  return reader.finish() && seen == Claim.All;
}
