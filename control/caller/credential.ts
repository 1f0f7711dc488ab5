/** What a request carries to be let through: the grant and, where it is bound to a key, a fresh proof (RFC 9449). */
import { UserError } from "../base/errors.js";
import { type AskClaims, readClaims } from "../grant/ask.js";
import type { PrivateKey } from "../signer/jwk.js";
import { makeProof } from "./proof.js";

export interface Credential {
  /** In one line, as it goes into the header. */
  readonly grant: string;
  /** The key whose thumbprint is the grant's `jkt`. */
  readonly proofKey?: PrivateKey;
}

/** @param path as it is sent, its query included */
export interface Destination {
  readonly method: string;
  readonly host: string;
  readonly path: string;
}

/** Header names that are ours alone: what a client sends under them is never sent on. */
export const ownHeaders = ["x-break-glass", "dpop", "x-break-glass-grant"] as const;

/** The headers for one request. A proof is good for one only: a request that is sent again needs them anew. */
export function authorize(
  { grant, proofKey }: Credential,
  { method, host, path }: Destination,
): Record<string, string> {
  if (proofKey === undefined) return { "x-break-glass": grant };
  return { "x-break-glass": grant, dpop: makeProof({ key: proofKey, method, url: `https://${host}${path}`, grant }) };
}

/** The claims of a grant. Refuses a key that is not the grant's, and a grant whose key is missing, before anything is sent. */
export async function readCredential(credential: Credential): Promise<AskClaims> {
  const claims = await readClaims(credential.grant, "The grant");
  const bound = jktOf(claims);
  const { proofKey } = credential;
  if (bound === proofKey?.kid) return claims;
  if (bound === undefined)
    throw new UserError("The grant is bound to no proof key, and one was given.", { hint: "Leave the key out." });
  throw new UserError(
    proofKey === undefined
      ? "The grant is bound to a proof key, and the key is not here."
      : "The proof key is not the one that the grant is bound to.",
    { hint: "It is on the machine where `glassgate ask` ran, and is wiped when the grant ends or is returned." },
  );
}

/** The thumbprint of the proof key that a grant is bound to. */
export const jktOf = ({ cnf }: AskClaims): string | undefined =>
  cnf !== undefined && "jkt" in cnf ? cnf.jkt : undefined;

/** The thumbprint of the client certificate that it is bound to. */
export const x5tOf = ({ cnf }: AskClaims): string | undefined =>
  cnf !== undefined && "x5t#S256" in cnf ? cnf["x5t#S256"] : undefined;
