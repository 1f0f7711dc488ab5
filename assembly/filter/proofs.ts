/**
 * The DPoP proof of one request, judged by all that docs/request.md says ("The proof of a key"): what is cheap first, then the
 * signature, and last of all whether it was used before. It may call the gateway for shared data.
 */

import { sha256 } from "../crypto/sha256";
import { noteVerified } from "../crypto/tables";
import { Verdict } from "../decide/verdict.gen";
import { THUMBPRINT_BYTES } from "../grant/confirmation";
import { MAX_PROOF_AGE } from "../limits";
import { isUrlOf } from "../proof/htu";
import { Proof, readProof, readProofClaims, verifyProof } from "../proof/proof";
import { equalBytes } from "../text/bytes";
import { Entry } from "./cache";
import { holderOf, isBusy, networkOf, noteFailure } from "./failures";
import { Judgement } from "./judgement";
import { Spending, spend } from "./replays";

/**
 * Good proofs of a grant before their key asks for a table of multiples. Building one costs as much as 17 checks of Ed25519 or 26
 * of ES256 without it (230 and 470 us each, 22 and 25 with it), and many a grant is used less often. So at worst a key costs
 * twice what it had to.
 */
const PROOFS_BEFORE_TABLE: i32 = 24;

const proof = new Proof();
const grantHash: usize = memory.data(32, 16);

/** Whether the proof is for this request, with this grant, now. */
function isForThis(judgement: Judgement): bool {
  const incoming = judgement.incoming;
  const request = incoming.request;
  // Both are below 2^53, so the difference cannot overflow.
  const age = judgement.nowSeconds - proof.issuedAt;
  if (age > MAX_PROOF_AGE || age < -MAX_PROOF_AGE) return false;
  if (!equalBytes(proof.methodPtr, proof.methodLen, request.methodPtr, request.methodLen)) return false;
  if (!isUrlOf(proof.urlPtr, proof.urlLen, request.hostPtr, request.hostLen, request.pathPtr, request.pathLen)) {
    return false;
  }
  sha256(incoming.grantPtr, incoming.grantLen, grantHash);
  return equalBytes(proof.grantHash, 32, grantHash, 32);
}

function noteGoodProof(entry: Entry): void {
  if (entry.proofs < PROOFS_BEFORE_TABLE) entry.proofs += 1;
  else noteVerified(proof.jws.algorithm, proof.publicKey);
}

/** Whether the signature holds, and has not failed too often. `Allow` or why not. */
function judgeSignature(judgement: Judgement): i32 {
  const kid = judgement.grant.request.kid;
  const source = judgement.incoming.readSource();
  const holder = holderOf(kid.ptr, kid.len, networkOf(source.ptr, source.len));
  if (isBusy(holder, judgement.nowSeconds)) return Verdict.Busy;
  if (verifyProof(proof)) {
    noteGoodProof(judgement.entry);
    return Verdict.Allow;
  }
  noteFailure(holder, judgement.nowSeconds);
  return Verdict.Proof;
}

/** What the request's proof is worth for its grant, which is bound to a key. `Allow` uses it up. */
export function judgeProof(judgement: Judgement): i32 {
  const incoming = judgement.incoming;
  if (incoming.proofHeaders == 0) return Verdict.BindingMissing;
  if (incoming.proofHeaders != 1 || !readProof(incoming.proofPtr, incoming.proofLen, proof)) return Verdict.Proof;
  const bound = judgement.grant.claims.confirmation.thumbprint;
  if (!equalBytes(proof.thumbprint, THUMBPRINT_BYTES, bound, THUMBPRINT_BYTES)) return Verdict.BindingMismatch;
  if (!readProofClaims(proof) || !isForThis(judgement)) return Verdict.Proof;
  const verdict = judgeSignature(judgement);
  if (verdict != Verdict.Allow) return verdict;
  switch (spend(proof, judgement.grant, judgement.nowSeconds)) {
    case Spending.Done:
      return Verdict.Allow;
    case Spending.Replayed:
      return Verdict.Proof;
    case Spending.Full:
      return Verdict.Busy;
    default:
      return Verdict.Internal;
  }
}
