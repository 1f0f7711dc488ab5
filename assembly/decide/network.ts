/** Does a request come from where the grant may be used? (docs/grant-format.md, "Networks") */
import { Claims } from "../grant/claims.gen";
import { Request } from "./request";
import { Verdict } from "./verdict.gen";

/** A client without an address, as one on a unix socket, is in no network. */
export function judgeNetwork(claims: Claims, request: Request): i32 {
  if (changetype<usize>(claims.networks) == 0) return Verdict.Allow;
  return request.address != 0 && claims.networks.cover(request.address) ? Verdict.Allow : Verdict.Network;
}
