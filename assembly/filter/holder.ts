/** What a request shows of its sender's key, read where a grant is bound to one. It may call the gateway for one property. */
import { ConfirmationMethod } from "../grant/confirmation";
import { clientCertificate } from "./certificate";
import { Judgement } from "./judgement";
import { judgeProof } from "./proofs";

/** Fills `certificate` or `proof` of the request, whichever the grant's `cnf` asks for. */
export function readHolder(judgement: Judgement): void {
  const request = judgement.incoming.request;
  const isProof = judgement.grant.claims.confirmation.method == ConfirmationMethod.Proof;
  if (isProof) request.proof = judgeProof(judgement);
  else request.certificate = clientCertificate();
}
