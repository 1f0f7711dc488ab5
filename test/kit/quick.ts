/** The kit's signer by its short name, for those who make keys by the dozen. */
import { type Algorithm, newSigner, type Signer } from "./token.js";

export const quickSigner = (alg: Algorithm = "Ed25519"): Signer => newSigner(alg);
