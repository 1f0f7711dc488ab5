/** Has a ledger of the bundle signed that it holds this very record, just now? */
import { noteVerified } from "../crypto/tables";
import { verifyJws } from "../jose/jws";
import { MAX_RECEIPT_AGE } from "../limits";
import { equalBytes } from "../text/bytes";
import { Named } from "../trust/names";
import { RECORD_HASH_BYTES, Receipt } from "../trust/receipt";
import { Key, Trust } from "../trust/trust";
import { judgeKey } from "./key";
import { Question } from "./question";
import { Verdict } from "./verdict.gen";

function ledgerKey(trust: Trust, receipt: Receipt): Key {
  const kid = receipt.jws.kid;
  for (let at = trust.firstLedger; at != 0; at = changetype<Named>(at).next) {
    if (changetype<Named>(at).isNamed(kid.ptr, kid.len)) return changetype<Key>(at);
  }
  return changetype<Key>(0);
}

/** A key that was stolen can be taken back at once, whoever's it is. */
function isRevoked(question: Question, key: Key): bool {
  if (question.trust.revoked.keys.has(key)) return true;
  for (let i = 0; question.inForce >> i != 0 && i < question.texts.count; i++) {
    if (((question.inForce >> i) & 1) != 0 && question.texts.at(i).revoked.keys.has(key)) return true;
  }
  return false;
}

/** @param recordHash of the record that was sent, RECORD_HASH_BYTES */
export function isGoodReceipt(question: Question, receipt: Receipt, recordHash: usize): bool {
  if (!equalBytes(receipt.recordHash, RECORD_HASH_BYTES, recordHash, RECORD_HASH_BYTES)) return false;
  const age = question.now - receipt.issuedAt;
  if (age > MAX_RECEIPT_AGE || age < -MAX_RECEIPT_AGE) return false;
  const key = ledgerKey(question.trust, receipt);
  if (judgeKey(receipt.jws, key, question.now) != Verdict.Allow || isRevoked(question, key)) return false;
  if (!verifyJws(receipt.jws, key.publicKey)) return false;
  noteVerified(receipt.jws.algorithm, key.publicKey);
  return true;
}
