/** What a request shows of its sender's key, read where a grant is bound to one. It may call the gateway for one property. */
import { ConfirmationMethod } from "../grant/confirmation";
import { clientCertificate } from "./certificate";
import { Judgement } from "./judgement";

/**
 * Fills `certificate` or `proof` of the request, whichever the grant's `cnf` asks for. No proof can be read yet: a grant bound to
 * one is denied as one whose holder shows no key.
 */
export function readHolder(judgement: Judgement): void {
  const method = judgement.grant.claims.confirmation.method;
  if (method == ConfirmationMethod.Certificate) judgement.incoming.request.certificate = clientCertificate();
}
