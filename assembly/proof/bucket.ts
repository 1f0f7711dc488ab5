/**
 * Used proofs of some keys, as one value of the gateway's shared data (filter/replays.ts):
 *
 *   | forgotten i64 | unused 8 | used | used | ...        used: | proof u64 | grant u32 | iat u32 |
 *
 * `proof` is a hash of key and `jti`, `grant` one of the grant's name, its upper half one of its requester's. What can no longer pass by its time is taken out with the
 * next proof that comes in, and `forgotten` is the latest `iat` of all that were: nothing as old as that is taken again, also
 * where the clock was set back since. A new bucket has forgotten all up to its birth, as an earlier table may have known them.
 *
 * `iat` is kept in 32 bits and compared by difference, so no year ends it.
 */
import { MAX_PROOF_AGE, MAX_PROOFS_OF_BUCKET, MAX_PROOFS_OF_GRANT, MAX_PROOFS_OF_REQUESTER } from "../limits";

export const BUCKET_HEAD_BYTES: i32 = 16;
const USED_BYTES: i32 = 16;
export const MAX_BUCKET_BYTES: i32 = BUCKET_HEAD_BYTES + MAX_PROOFS_OF_BUCKET * USED_BYTES;

export enum Use {
  /** It was not used before, and is now. */
  First,
  /** It was used before, or may have been: it is as old as what was forgotten. */
  Again,
  /** Its grant's share is full, or its requester's, or the bucket. */
  Full,
}

/** The bucket with one more proof in it: to be written back. */
const next: usize = memory.data(131088, 16); // MAX_BUCKET_BYTES
let nextLen: i32 = 0;
let share: i32 = 0;

/** An empty bucket that has forgotten all up to `since`, seconds. */
export function writeEmptyBucket(since: i64): void {
  store<i64>(next, since);
  store<u64>(next, 0, 8);
  nextLen = BUCKET_HEAD_BYTES;
}

export function nextBucket(): usize {
  return next;
}

export function nextBucketLength(): i32 {
  return nextLen;
}

/** How many proofs of the grant are remembered, this one included: after `useProof`. */
export function shareUsed(): i32 {
  return share;
}

/** Whether (ptr, len) is a bucket. */
export function isBucket(len: i32): bool {
  return len >= BUCKET_HEAD_BYTES && len <= MAX_BUCKET_BYTES && (len - BUCKET_HEAD_BYTES) % USED_BYTES == 0;
}

/**
 * Looks for the proof in the bucket (ptr, len). Where it was not used before, `nextBucket` is the bucket with it.
 * @param issuedAt seconds, within MAX_PROOF_AGE of `now`
 */
export function useProof(ptr: usize, len: i32, proof: u64, grant: u32, issuedAt: i64, now: i64): Use {
  let forgotten = load<i64>(ptr);
  let out = next + BUCKET_HEAD_BYTES;
  const end = ptr + len;
  share = 0;
  let ofRequester = 0;
  for (let used = ptr + BUCKET_HEAD_BYTES; used < end; used += USED_BYTES) {
    // Negative for one from the future.
    const age = <i32>(<u32>now - load<u32>(used, 12));
    if (<i64>age > MAX_PROOF_AGE) {
      forgotten = max(forgotten, now - age);
      continue;
    }
    if (load<u64>(used) == proof) return Use.Again;
    if (load<u32>(used, 8) == grant) share += 1;
    if (load<u16>(used, 10) == <u16>(grant >>> 16)) ofRequester += 1;
    v128.store(out, v128.load(used));
    out += USED_BYTES;
  }
  if (issuedAt <= forgotten) return Use.Again;
  if (share >= MAX_PROOFS_OF_GRANT || ofRequester >= MAX_PROOFS_OF_REQUESTER || out >= next + MAX_BUCKET_BYTES)
    return Use.Full;
  share += 1;
  store<i64>(next, forgotten);
  store<u64>(next, 0, 8);
  store<u64>(out, proof);
  store<u32>(out, grant, 8);
  store<u32>(out, <u32>issuedAt, 12);
  nextLen = <i32>(out - next) + USED_BYTES;
  return Use.First;
}
