/** What a request shows of its sender's key, read where a grant is bound to one. It may call the gateway for one property. */
import { Judgement } from "./judgement";

/**
 * Fills `certificate` and `proof` of the request, whichever the grant's `cnf` asks for. Neither can be read yet: every bound
 * grant is denied as one whose holder shows no key.
 */
export function readHolder(judgement: Judgement): void {
  judgement.incoming.request.certificate = 0;
}
