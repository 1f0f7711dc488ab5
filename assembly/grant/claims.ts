/** Reads the claims of a grant: a closed object, every claim typed and bounded (DESIGN.md, "The grant"). */
import { readScope, Wildcard } from "../jose/details";
import { readNameOrList } from "../jose/lists";
import { MAX_AUDIENCES, MAX_INCIDENT_BYTES, MAX_TEXT_BYTES } from "../limits";
import { isGrantId, isLiteral, isName } from "../text/bytes";
import { JsonReader } from "../text/json";
import { newText, Region, Text } from "../text/region";
import { Claims } from "./grant";

enum Claim {
  Jti = 1,
  Sub = 2,
  Aud = 4,
  Iat = 8,
  Exp = 16,
  Ent = 32,
  Reason = 64,
  Text = 128,
  Details = 256,
  Incident = 512,
  Drill = 1024,
}
const REQUIRED: i32 = 511;

function readName(reader: JsonReader, region: Region): Text {
  if (reader.string() && !isName(reader.stringPtr, reader.stringLen)) reader.fail();
  return newText(region, reader.stringPtr, reader.stringLen);
}

function readBounded(reader: JsonReader, region: Region, maxBytes: i32): Text {
  if (reader.string() && (reader.stringLen < 1 || reader.stringLen > maxBytes)) reader.fail();
  return newText(region, reader.stringPtr, reader.stringLen);
}

function claimOf(ptr: usize, len: i32): i32 {
  if (isLiteral(ptr, len, "jti")) return Claim.Jti;
  if (isLiteral(ptr, len, "sub")) return Claim.Sub;
  if (isLiteral(ptr, len, "aud")) return Claim.Aud;
  if (isLiteral(ptr, len, "iat")) return Claim.Iat;
  if (isLiteral(ptr, len, "exp")) return Claim.Exp;
  if (isLiteral(ptr, len, "ent")) return Claim.Ent;
  if (isLiteral(ptr, len, "reason")) return Claim.Reason;
  if (isLiteral(ptr, len, "text")) return Claim.Text;
  if (isLiteral(ptr, len, "authorization_details")) return Claim.Details;
  if (isLiteral(ptr, len, "incident")) return Claim.Incident;
  if (isLiteral(ptr, len, "drill")) return Claim.Drill;
  // `cnf` and `net` are unknown until they are enforced: a restriction is never ignored.
  return 0;
}

function readClaim(claim: i32, reader: JsonReader, region: Region, claims: Claims): void {
  switch (claim) {
    case Claim.Jti:
      if (reader.string() && !isGrantId(reader.stringPtr, reader.stringLen)) reader.fail();
      claims.jti = newText(region, reader.stringPtr, reader.stringLen);
      break;
    case Claim.Sub:
      claims.sub = readName(reader, region);
      break;
    case Claim.Aud:
      claims.aud = readNameOrList(reader, region, MAX_AUDIENCES);
      break;
    case Claim.Iat:
      claims.issuedAt = reader.integer();
      break;
    case Claim.Exp:
      claims.expiresAt = reader.integer();
      break;
    case Claim.Ent:
      claims.entitlement = readName(reader, region);
      break;
    case Claim.Reason:
      claims.reason = readName(reader, region);
      break;
    case Claim.Text:
      claims.text = readBounded(reader, region, MAX_TEXT_BYTES);
      break;
    case Claim.Details:
      claims.scope = readScope(reader, region, Wildcard.Refused);
      break;
    case Claim.Incident:
      claims.incident = readBounded(reader, region, MAX_INCIDENT_BYTES);
      break;
    case Claim.Drill:
      claims.drill = readName(reader, region);
      break;
    default:
      reader.fail();
  }
}

/** Reads the payload at (ptr, len), which it unescapes in place. False when it is malformed in any way. */
export function readClaims(reader: JsonReader, region: Region, ptr: usize, len: i32, claims: Claims): bool {
  let seen = 0;
  reader.start(ptr, len);
  if (!reader.openObject()) return false;
  while (reader.nextMember()) {
    const claim = claimOf(reader.stringPtr, reader.stringLen);
    if (claim == 0 || (seen & claim) != 0) return false;
    readClaim(claim, reader, region, claims);
    if (!reader.ok || region.full) return false;
    seen |= claim;
  }
  return reader.finish() && (seen & REQUIRED) == REQUIRED && claims.issuedAt < claims.expiresAt;
}
