/** May this key have signed that? Signatures are another matter. */
import { Jws } from "../jose/jws";
import { Key } from "../trust/trust";
import { Verdict } from "./verdict.gen";

/** `Allow`, or why the key may not sign. @param key 0 where the bundle does not have it */
export function judgeKey(jws: Jws, key: Key, now: i64): i32 {
  if (changetype<usize>(key) == 0) return Verdict.KeyUnknown;
  if (jws.algorithm != key.algorithm) return Verdict.Algorithm;
  return key.holdsAt(now) ? Verdict.Allow : Verdict.KeyNotValid;
}
