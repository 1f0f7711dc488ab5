/** `x-break-glass-grant`: tells the upstream who broke the glass (a dictionary of RFC 9651). It informs; it opens nothing. */
import { Grant } from "../grant/grant";
import { setRequestHeader } from "../host/calls";
import { Text } from "../text/region";
import { Writer } from "../text/writer";
import { ATTESTATION_HEADER } from "./names";

const attestation: usize = memory.data(512, 16); // four names of 64 bytes, a number, the keys
const writer = new Writer();

/** Names hold neither quotes nor backslashes (isName, isGrantId), so they stand in a string of RFC 9651 as they are. */
function entry(key: string, value: Text): void {
  writer.literal(key);
  writer.bytes(value.ptr, value.len);
  writer.byte(0x22);
}

/** Sets the header; returns the host's status. */
export function attest(grant: Grant): i32 {
  const claims = grant.claims;
  writer.open(attestation, 512);
  entry('jti="', claims.jti);
  entry(', sub="', claims.sub);
  entry(', ent="', claims.entitlement);
  writer.literal(", exp=");
  writer.integer(claims.expiresAt);
  if (changetype<usize>(claims.drill) != 0) entry(', drill="', claims.drill);
  return setRequestHeader(ATTESTATION_HEADER, attestation, writer.length);
}
