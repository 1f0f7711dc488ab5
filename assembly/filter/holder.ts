/** What a request shows of its sender's key, read where a grant is bound to one. It may call the gateway for one property. */
import { ConfirmationMethod } from "../grant/confirmation";
import { HAS_SHARED_DATA, KNOWS_CERTIFICATE } from "../host/gateway";
import { clientCertificate } from "./certificate";
import { Judgement } from "./judgement";
import { judgeProof } from "./proofs";

/**
 * Fills `certificate` or `proof` of the request, whichever the grant's `cnf` asks for. Where the host cannot tell, as of a proof whether
 * another worker has seen it, it stays as if nothing were shown.
 */
export function readHolder(judgement: Judgement): void {
  const request = judgement.incoming.request;
  const isProof = judgement.grant.claims.confirmation.method == ConfirmationMethod.Proof;
  if (isProof) {
    if (HAS_SHARED_DATA) request.proof = judgeProof(judgement);
  } else if (KNOWS_CERTIFICATE) {
    request.certificate = clientCertificate();
  }
}
