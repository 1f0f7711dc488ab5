/**
 * Which DPoP proofs were used, for all VMs of one process and vm_id, over rotations and listeners: a proof opens one request
 * (docs/proof.md, "A proof is used once"). In shared data, where nothing can be deleted, so in fixed buckets (proof/bucket.ts);
 * all proofs of one key are in one of them. Two workers with the same proof: one swap succeeds, and the other finds the proof.
 *
 * The hashes are under a secret that the VMs of the process share: nobody can choose keys or proofs that meet in one place.
 */
import { sha256 } from "../crypto/sha256";
import { sipHash } from "../crypto/siphash";
import { Grant } from "../grant/grant";
import { arenaMark, rewindArena } from "../host/arena";
import { ascii } from "../host/ascii";
import { getShared, now, Slice, Status, setShared } from "../host/calls";
import { PROOF_BUCKETS } from "../limits";
import { isBucket, nextBucket, nextBucketLength, shareUsed, Use, useProof, writeEmptyBucket } from "../proof/bucket";
import { Proof } from "../proof/proof";
import { writeLiteral } from "../text/bytes";
import { vmSecret } from "./secret";
import { noteShare, prepareShares } from "./shares";

/** | secret 16 bytes |: written when all buckets are there. */
const TABLE = ascii("glassgate.proofs");
const SECRET_BYTES: i32 = 16;
/** More than the workers that can be overtaken by each other at one key's bucket. Each try copies the bucket. */
const RETRIES: i32 = 32;

export enum Spending {
  /** It was not used before, and is now. */
  Done,
  Replayed,
  /** The grant's share, its requester's, or its bucket is full, or too many workers write there at once. */
  Full,
  /** The gateway has no shared data, or something else stands there. */
  Unavailable,
}

const answer = new Slice();
const secret: usize = memory.data(16, 16);
let isReady: bool = false;
const seed: usize = memory.data(24, 8);
const digest: usize = memory.data(32, 16);
const bucketKey: usize = memory.data(24, 8);
/** What is hashed: a thumbprint and a proof's jti, or a kid and a grant's jti. */
const hashed: usize = memory.data(288, 16); // 32 + MAX_PROOF_ID_BYTES

/** Short enough for a string that needs no memory of its own in the gateway. */
function writeBucketKey(index: i32): i32 {
  const len = writeLiteral(bucketKey, "gg.proofs.");
  store<u16>(bucketKey + len, <u16>index);
  return len + 2;
}

function readSecret(): bool {
  if (getShared(TABLE.ptr, TABLE.len, answer) != Status.Ok || answer.len != SECRET_BYTES) return false;
  memory.copy(secret, answer.ptr, SECRET_BYTES);
  isReady = true;
  return true;
}

/**
 * Makes the table where there is none, so that all further changes compare versions. Runs with each configuration: first of all
 * on the canary, when no worker has a VM of this vm_id.
 */
export function prepareProofs(): void {
  if (isReady || readSecret()) return;
  const time = now();
  writeEmptyBucket(<i64>(time / 1000000000));
  for (let i = 0; i < PROOF_BUCKETS; i++) {
    setShared(bucketKey, writeBucketKey(i), nextBucket(), nextBucketLength(), 0);
  }
  prepareShares();
  memory.copy(seed, vmSecret(), SECRET_BYTES);
  store<u64>(seed, time, SECRET_BYTES);
  sha256(seed, 24, digest);
  setShared(TABLE.ptr, TABLE.len, digest, SECRET_BYTES, 0);
  // What stands there, also where another VM came first.
  readSecret();
}

function hashOf(aPtr: usize, aLen: i32, bPtr: usize, bLen: i32): u64 {
  memory.copy(hashed, aPtr, aLen);
  memory.copy(hashed + aLen, bPtr, bLen);
  return sipHash(secret, hashed, aLen + bLen);
}

/** Uses a proof, all else of which is right, for this grant's request. */
export function spend(proof: Proof, grant: Grant, nowSeconds: i64): Spending {
  if (!isReady && !readSecret()) return Spending.Unavailable;
  const kid = grant.request.kid;
  const name = grant.claims.jti;
  const requester = (<u32>sipHash(secret, kid.ptr, kid.len)) << 16;
  const grantHash = requester | (<u32>hashOf(kid.ptr, kid.len, name.ptr, name.len) & 0xffff);
  const proofHash = hashOf(proof.thumbprint, 32, proof.idPtr, proof.idLen);
  const keyLen = writeBucketKey(<i32>(sipHash(secret, proof.thumbprint, 32) % PROOF_BUCKETS));
  const mark = arenaMark();
  for (let i = 0; i < RETRIES; i++) {
    rewindArena(mark);
    if (getShared(bucketKey, keyLen, answer) != Status.Ok || !isBucket(answer.len)) return Spending.Unavailable;
    const use = useProof(answer.ptr, answer.len, proofHash, grantHash, proof.issuedAt, nowSeconds);
    noteShare(shareUsed());
    if (use == Use.Again) return Spending.Replayed;
    if (use == Use.Full) return Spending.Full;
    const status = setShared(bucketKey, keyLen, nextBucket(), nextBucketLength(), answer.cas);
    if (status == Status.Ok) return Spending.Done;
    if (status != Status.CasMismatch) return Spending.Unavailable;
  }
  return Spending.Full;
}
