/** Reads the claims of a grant: a closed object, every claim typed and bounded (docs/grant-format.md). */
import { Fault } from "../text/fault";
import { JsonReader } from "../text/json";
import { Region } from "../text/region";
import { Claim, Claims, claimOf, REQUIRED_CLAIMS, readClaim } from "./claims.gen";

function readMembers(reader: JsonReader, region: Region, claims: Claims): bool {
  let seen = 0;
  if (!reader.openObject()) return false;
  while (reader.nextMember()) {
    const claim = claimOf(reader.stringPtr, reader.stringLen);
    reader.member = claim;
    if (claim == 0) return reader.fail(Fault.Unknown);
    if ((seen & claim) != 0) return reader.fail(Fault.Twice);
    readClaim(claim, reader, region, claims);
    if (region.full) return reader.fail(Fault.TooLarge);
    if (!reader.ok) return false;
    seen |= claim;
  }
  reader.member = 0;
  if (!reader.finish()) return false;
  const missing = REQUIRED_CLAIMS & ~seen;
  reader.member = missing & -missing;
  return missing == 0 || reader.fail(Fault.Missing);
}

/**
 * Reads the payload at (ptr, len), which it unescapes in place.
 * @returns false when it is malformed; `reader.fault` and, a `Claim`, `reader.member` say how and where
 */
export function readClaims(reader: JsonReader, region: Region, ptr: usize, len: i32, claims: Claims): bool {
  reader.start(ptr, len);
  if (!readMembers(reader, region, claims)) return false;
  if (claims.issuedAt < claims.expiresAt) return true;
  reader.member = Claim.Exp;
  return reader.fail(Fault.Order);
}
