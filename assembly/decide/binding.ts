/** Does whoever shows a grant hold the key that it is bound to? (docs/grant-format.md, "Binding") Asked last. */
import { Claims } from "../grant/claims.gen";
import { ConfirmationMethod, THUMBPRINT_BYTES } from "../grant/confirmation";
import { equalBytes } from "../text/bytes";
import { Request } from "./request";
import { Verdict } from "./verdict.gen";

export function judgeBinding(claims: Claims, request: Request): i32 {
  const confirmation = claims.confirmation;
  if (changetype<usize>(confirmation) == 0) return Verdict.Allow;
  if (confirmation.method == ConfirmationMethod.Proof) return request.proof;
  if (request.certificate == 0) return Verdict.BindingMissing;
  const isSame = equalBytes(request.certificate, THUMBPRINT_BYTES, confirmation.thumbprint, THUMBPRINT_BYTES);
  return isSame ? Verdict.Allow : Verdict.BindingMismatch;
}
