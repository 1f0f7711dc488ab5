/** `x-break-glass-grant`: tells the upstream who broke the glass (a dictionary of RFC 9651). It informs; it opens nothing. */
import { setRequestHeader } from "../host/calls";
import { Text } from "../text/region";
import { Writer } from "../text/writer";
import { Judgement } from "./judgement";
import { ATTESTATION_HEADER } from "./names";

const attestation: usize = memory.data(512, 16); // four names of 64 bytes, a number, the keys
const writer = new Writer();

/** Names hold neither quotes nor backslashes (isName, isGrantId), so they stand in a string of RFC 9651 as they are. */
function entry(key: string, value: Text): void {
  writer.literal(key);
  writer.bytes(value.ptr, value.len);
  writer.byte(0x22);
}

/** Sets the header for the grant, which was let in; returns the host's status. `exp` is when it ends, which may be before its own. */
export function attest(judgement: Judgement): i32 {
  const claims = judgement.grant.claims;
  writer.open(attestation, 512);
  entry('jti="', claims.jti);
  entry(', sub="', claims.sub);
  entry(', ent="', claims.entitlement);
  writer.literal(", exp=");
  writer.integer(judgement.decision.endsAt);
  if (changetype<usize>(claims.drill) != 0) entry(', drill="', claims.drill);
  return setRequestHeader(ATTESTATION_HEADER, attestation, writer.length);
}
