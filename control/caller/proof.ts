/** Stand-in until the proof maker is there. */
import type { PrivateKey } from "../signer/jwk.js";

export interface ProofRequest {
  readonly key: PrivateKey;
  readonly method: string;
  readonly url: string;
  readonly grant: string;
}

export function makeProof(_request: ProofRequest): string {
  return "stub";
}
