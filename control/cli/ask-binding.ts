/** What a grant is bound to: a proof key that is made for it, or a client certificate that is there. */
import { UserError } from "../base/errors.js";
import { nowSeconds } from "../base/time.js";
import { entryOf, hold } from "../caller/held.js";
import { newProofKey } from "../caller/proof.js";
import { seal } from "../caller/seal.js";
import type { AskClaims } from "../grant/ask.js";
import { readBoundCertificate } from "../grant/certificate.js";
import type { GrantClaims } from "../grant/claims.js";
import type { PrivateKey } from "../signer/jwk.js";
import { warn } from "./output.js";

export interface Binding {
  readonly cnf: GrantClaims["cnf"];
  readonly proofKey?: PrivateKey;
}

/** @param before what the grant was bound to that is asked for again @param isDemanded by the entitlement */
export function bindingFor(
  { bind, bindCert }: { readonly bind?: boolean; readonly bindCert?: string },
  before: GrantClaims["cnf"],
  isDemanded: boolean,
): Binding | undefined {
  if (bind === true && bindCert !== undefined)
    throw new UserError("A grant is bound to one thing.", { hint: "Give --bind or --bind-cert, not both." });
  if (bindCert !== undefined) {
    const { cnf, warnings } = readBoundCertificate(bindCert, nowSeconds());
    for (const warning of warnings) warn(warning);
    return { cnf };
  }
  // A certificate stays; a proof key is good for one grant.
  if (bind !== true && before !== undefined && "x5t#S256" in before) return { cnf: before };
  if (bind !== true && before === undefined && !isDemanded) return undefined;
  const proofKey = newProofKey();
  return { cnf: { jkt: proofKey.kid }, proofKey };
}

/** Keeps the proof key for the grant, sealed: before the ask is printed, so that no ask is passed around whose key is lost. */
export async function keepProofKey(
  keys: string,
  name: string,
  ask: string,
  claims: AskClaims,
  { proofKey }: Binding,
  requester: PrivateKey,
): Promise<void> {
  if (proofKey === undefined) return;
  const proof = { jkt: proofKey.kid, sealed: await seal(proofKey, requester) };
  hold(keys, { ...entryOf(ask, claims, name), proof });
}
