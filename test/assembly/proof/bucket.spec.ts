/** What is remembered of used proofs, for how long, and how many. */
import { MAX_PROOFS_OF_BUCKET, MAX_PROOFS_OF_GRANT, MAX_PROOFS_OF_REQUESTER } from "../../../assembly/limits";
import {
  isBucket,
  MAX_BUCKET_BYTES,
  nextBucket,
  nextBucketLength,
  shareUsed,
  Use,
  useProof,
  writeEmptyBucket,
} from "../../../assembly/proof/bucket";

const bucket: usize = heap.alloc(MAX_BUCKET_BYTES);
let len: i32 = 0;

/** As the gateway keeps what was written. */
function keep(): void {
  len = nextBucketLength();
  memory.copy(bucket, nextBucket(), len);
}

function open(since: i64): void {
  writeEmptyBucket(since);
  keep();
}

function use(proof: u64, issuedAt: i64, now: i64, grant: u32 = 1): Use {
  const result = useProof(bucket, len, proof, grant, issuedAt, now);
  if (result == Use.First) keep();
  return result;
}

const NOW: i64 = 1795519995;

describe("a proof", () => {
  it("is used once, for as long as its iat can pass", () => {
    for (let early: i64 = -60; early <= 60; early += 30) {
      open(NOW - 1000);
      const issuedAt = NOW - early;
      expect(use(7, issuedAt, NOW)).toBe(Use.First);
      for (let now = NOW; now <= issuedAt + 60; now += 10) expect(use(7, issuedAt, now)).toBe(Use.Again);
      expect(use(7, issuedAt, issuedAt + 60)).toBe(Use.Again);
      expect(use(8, issuedAt, issuedAt + 60)).toBe(Use.First);
    }
  });
  it("makes room when its time has passed, and its name is free for a new one", () => {
    open(NOW - 1000);
    expect(use(7, NOW, NOW)).toBe(Use.First);
    expect(use(8, NOW + 60, NOW + 60)).toBe(Use.First);
    expect(isBucket(len) && len == 16 + 2 * 16).toBe(true);
    expect(use(7, NOW + 61, NOW + 61)).toBe(Use.First);
    expect(len).toBe(16 + 2 * 16);
  });
  it("of before the table was made is taken for a used one", () => {
    open(NOW);
    expect(use(1, NOW - 1, NOW)).toBe(Use.Again);
    expect(use(1, NOW, NOW)).toBe(Use.Again);
    expect(use(1, NOW + 1, NOW)).toBe(Use.First);
  });
  it("that was forgotten is not taken again, where the clock was set back", () => {
    open(NOW - 1000);
    expect(use(7, NOW, NOW)).toBe(Use.First);
    // An hour ahead by mistake, and another proof comes in.
    expect(use(8, NOW + 3600, NOW + 3600)).toBe(Use.First);
    expect(use(7, NOW, NOW + 10)).toBe(Use.Again);
    expect(use(9, NOW, NOW + 10)).toBe(Use.Again);
    // What is newer than all that was forgotten goes on, and what was used meanwhile is still known.
    expect(use(9, NOW + 1, NOW + 10)).toBe(Use.First);
    expect(use(9, NOW + 1, NOW + 10)).toBe(Use.Again);
    expect(use(8, NOW + 3600, NOW + 3600)).toBe(Use.Again);
  });
  it("is compared by difference: over the end of 32 bits, and of a day and a year", () => {
    const ends: i64[] = [0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x17fffffff];
    for (let i = 0; i < ends.length; i++) {
      const now = ends[i];
      open(now - 1000);
      expect(use(7, now, now)).toBe(Use.First);
      expect(use(7, now, now + 60)).toBe(Use.Again);
      expect(use(8, now + 61, now + 61)).toBe(Use.First);
      expect(len).toBe(16 + 16);
      expect(use(9, now, now + 61)).toBe(Use.Again);
      expect(use(9, now + 1, now + 61)).toBe(Use.First);
    }
  });
});

describe("a share", () => {
  it("is full at its limit, for its grant only, until the first have passed", () => {
    open(NOW - 1000);
    for (let i = 0; i < MAX_PROOFS_OF_GRANT; i++) {
      if (use(100 + i, NOW + (i & 1), NOW) != Use.First) expect(i).toBe(-1);
    }
    expect(shareUsed()).toBe(MAX_PROOFS_OF_GRANT);
    expect(use(1, NOW, NOW)).toBe(Use.Full);
    expect(use(100, NOW, NOW)).toBe(Use.Again);
    expect(use(1, NOW, NOW, 2)).toBe(Use.First);
    expect(shareUsed()).toBe(1);
    expect(use(1, NOW + 60, NOW + 60)).toBe(Use.Again);
    expect(use(2, NOW + 60, NOW + 60)).toBe(Use.Full);
    expect(use(2, NOW + 61, NOW + 61)).toBe(Use.First);
    expect(shareUsed()).toBe(MAX_PROOFS_OF_GRANT / 2 + 1);
  });
  it("of a requester is full for all grants of his, and there is room for others", () => {
    open(NOW - 1000);
    for (let i = 0; i < MAX_PROOFS_OF_REQUESTER; i++) {
      if (use(100 + i, NOW, NOW, 0x70000 + (i & 1)) != Use.First) expect(i).toBe(-1);
    }
    expect(use(1, NOW, NOW, 0x70000)).toBe(Use.Full);
    expect(use(1, NOW, NOW, 0x70009)).toBe(Use.Full);
    expect(use(1, NOW, NOW, 0x80000)).toBe(Use.First);
    expect(use(2, NOW + 61, NOW + 61, 0x70009)).toBe(Use.First);
  });
  it("cannot make the bucket larger than its limit", () => {
    open(NOW - 1000);
    for (let i = 0; i < MAX_PROOFS_OF_BUCKET; i++) {
      if (use(100 + i, NOW, NOW, (i & 3) << 16) != Use.First) expect(i).toBe(-1);
    }
    expect(len).toBe(MAX_BUCKET_BYTES);
    expect(isBucket(len)).toBe(true);
    expect(use(1, NOW, NOW, 9)).toBe(Use.Full);
    expect(use(1, NOW + 61, NOW + 61, 9)).toBe(Use.First);
    expect(len).toBe(16 + 16);
  });
});

describe("a bucket", () => {
  it("is told by its length", () => {
    expect(isBucket(16) && isBucket(32) && isBucket(MAX_BUCKET_BYTES)).toBe(true);
    const none = [0, 1, 8, 15, 17, 24, MAX_BUCKET_BYTES - 8, MAX_BUCKET_BYTES + 16, -16];
    for (let i = 0; i < none.length; i++) expect(isBucket(none[i])).toBe(false);
  });
});
