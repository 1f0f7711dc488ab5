/** What a request shows of its sender's key, read where a grant is bound to one. It may call the gateway for one property. */
import { ConfirmationMethod } from "../grant/confirmation";
import { Judgement } from "./judgement";
import { judgeProof } from "./proofs";

/**
 * Fills `certificate` or `proof` of the request, whichever the grant's `cnf` asks for. A certificate cannot be read yet: such a
 * grant is denied as one whose holder shows no key.
 */
export function readHolder(judgement: Judgement): void {
  const request = judgement.incoming.request;
  if (judgement.grant.claims.confirmation.method == ConfirmationMethod.Proof) request.proof = judgeProof(judgement);
  else request.certificate = 0;
}
