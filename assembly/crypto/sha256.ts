/** SHA-256 (FIPS 180-4), streaming. Public data only. */

const BLOCK_BYTES: i32 = 64;
/** Round constants: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const K: usize = memory.data<u32>(
  [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
    0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
    0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
    0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
  ],
  16,
);
/** Initial state: the same of the square roots of the first 8 primes. */
const INITIAL: usize = memory.data<u32>(
  [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
  16,
);

/** The message schedule, 64 words, each with its round's constant added. */
const schedule: usize = memory.data(256, 16);
/** Reverses the bytes of each word. */
const SWAP: usize = memory.data<u8>([3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12], 16);

/** Bit by bit y or z, as x says. */
function choose(x: u32, y: u32, z: u32): u32 {
  return z ^ (x & (y ^ z));
}
/** Bit by bit what two of the three say. */
function majority(x: u32, y: u32, z: u32): u32 {
  return (x & y) | (z & (x | y));
}
function bigSigma0(x: u32): u32 {
  return rotr(x, 2) ^ rotr(x, 13) ^ rotr(x, 22);
}
function bigSigma1(x: u32): u32 {
  return rotr(x, 6) ^ rotr(x, 11) ^ rotr(x, 25);
}
/** The small sigma 0 of four words. */
function smallSigma0(x: v128): v128 {
  const by7 = v128.or(i32x4.shr_u(x, 7), i32x4.shl(x, 25));
  const by18 = v128.or(i32x4.shr_u(x, 18), i32x4.shl(x, 14));
  return v128.xor(v128.xor(by7, by18), i32x4.shr_u(x, 3));
}
/** The small sigma 1 of two words, each given twice, into words 0 and 2: a 64-bit shift of a doubled word rotates it. */
function smallSigma1(x: v128): v128 {
  return v128.xor(v128.xor(i64x2.shr_u(x, 17), i64x2.shr_u(x, 19)), i32x4.shr_u(x, 10));
}

/** The next four words of the schedule from the last sixteen, oldest first: W16 = W0 + sigma0(W1) + W9 + sigma1(W14) and on. */
function nextWords(w0: v128, w4: v128, w8: v128, w12: v128): v128 {
  const zero = i32x4.splat(0);
  const w1 = v128.shuffle<u32>(w0, w4, 1, 2, 3, 4);
  const w9 = v128.shuffle<u32>(w8, w12, 1, 2, 3, 4);
  const sums = i32x4.add(i32x4.add(w0, w9), smallSigma0(w1));
  // The last two of the four need the first two.
  const first = smallSigma1(v128.shuffle<u32>(w12, w12, 2, 2, 3, 3));
  const half = i32x4.add(sums, v128.shuffle<u32>(first, zero, 0, 2, 4, 4));
  const last = smallSigma1(v128.shuffle<u32>(half, half, 0, 0, 1, 1));
  return i32x4.add(half, v128.shuffle<u32>(last, zero, 4, 4, 0, 2));
}

function storeWords(at: usize, words: v128): void {
  v128.store(schedule + at, i32x4.add(words, v128.load(K + at)));
}

/** One block into the state: the schedule four words at a time, then the rounds with the working variables as locals. */
function compress(state: usize, block: usize): void {
  const swap = v128.load(SWAP);
  let w0 = v128.swizzle(v128.load(block), swap);
  let w4 = v128.swizzle(v128.load(block, 16), swap);
  let w8 = v128.swizzle(v128.load(block, 32), swap);
  let w12 = v128.swizzle(v128.load(block, 48), swap);
  storeWords(0, w0);
  storeWords(16, w4);
  storeWords(32, w8);
  storeWords(48, w12);
  for (let at: usize = 64; at < 256; at += 64) {
    w0 = nextWords(w0, w4, w8, w12);
    w4 = nextWords(w4, w8, w12, w0);
    w8 = nextWords(w8, w12, w0, w4);
    w12 = nextWords(w12, w0, w4, w8);
    storeWords(at, w0);
    storeWords(at + 16, w4);
    storeWords(at + 32, w8);
    storeWords(at + 48, w12);
  }
  let a = load<u32>(state);
  let b = load<u32>(state, 4);
  let c = load<u32>(state, 8);
  let d = load<u32>(state, 12);
  let e = load<u32>(state, 16);
  let f = load<u32>(state, 20);
  let g = load<u32>(state, 24);
  let h = load<u32>(state, 28);
  // Eight rounds at a time: instead of the values moving on, their names do, and after eight they are back in place.
  for (let i: usize = 0; i < 256; i += 32) {
    h += bigSigma1(e) + choose(e, f, g) + load<u32>(schedule + i);
    d += h;
    h += bigSigma0(a) + majority(a, b, c);
    g += bigSigma1(d) + choose(d, e, f) + load<u32>(schedule + i, 4);
    c += g;
    g += bigSigma0(h) + majority(h, a, b);
    f += bigSigma1(c) + choose(c, d, e) + load<u32>(schedule + i, 8);
    b += f;
    f += bigSigma0(g) + majority(g, h, a);
    e += bigSigma1(b) + choose(b, c, d) + load<u32>(schedule + i, 12);
    a += e;
    e += bigSigma0(f) + majority(f, g, h);
    d += bigSigma1(a) + choose(a, b, c) + load<u32>(schedule + i, 16);
    h += d;
    d += bigSigma0(e) + majority(e, f, g);
    c += bigSigma1(h) + choose(h, a, b) + load<u32>(schedule + i, 20);
    g += c;
    c += bigSigma0(d) + majority(d, e, f);
    b += bigSigma1(g) + choose(g, h, a) + load<u32>(schedule + i, 24);
    f += b;
    b += bigSigma0(c) + majority(c, d, e);
    a += bigSigma1(f) + choose(f, g, h) + load<u32>(schedule + i, 28);
    e += a;
    a += bigSigma0(b) + majority(b, c, d);
  }
  store<u32>(state, load<u32>(state) + a);
  store<u32>(state, load<u32>(state, 4) + b, 4);
  store<u32>(state, load<u32>(state, 8) + c, 8);
  store<u32>(state, load<u32>(state, 12) + d, 12);
  store<u32>(state, load<u32>(state, 16) + e, 16);
  store<u32>(state, load<u32>(state, 20) + f, 20);
  store<u32>(state, load<u32>(state, 24) + g, 24);
  store<u32>(state, load<u32>(state, 28) + h, 28);
}

const keptState: usize = memory.data(32, 16);
const keptBlock: usize = memory.data(64, 16);

/** A running hash. Messages are shorter than 2^31 bytes by far, so the bit count fits one word. */
export class Sha256 {
  private state: usize = heap.alloc(32);
  private block: usize = heap.alloc(64);
  /** Bytes waiting in `block`, fewer than 64. */
  private pending: i32 = 0;
  private total: u64 = 0;

  reset(): void {
    memory.copy(this.state, INITIAL, 32);
    this.pending = 0;
    this.total = 0;
  }

  update(ptr: usize, len: i32): void {
    if (len <= 0) return;
    this.total += <u64>len;
    let at = ptr;
    let left = len;
    if (this.pending > 0) {
      const taken = min(left, BLOCK_BYTES - this.pending);
      memory.copy(this.block + this.pending, at, taken);
      this.pending += taken;
      at += taken;
      left -= taken;
      if (this.pending < BLOCK_BYTES) return;
      compress(this.state, this.block);
      this.pending = 0;
    }
    while (left >= BLOCK_BYTES) {
      compress(this.state, at);
      at += BLOCK_BYTES;
      left -= BLOCK_BYTES;
    }
    memory.copy(this.block, at, left);
    this.pending = left;
  }

  /** Writes the hash of what came so far, 32 bytes; more may come. */
  peek(out: usize): void {
    memory.copy(keptState, this.state, 32);
    memory.copy(keptBlock, this.block, BLOCK_BYTES);
    this.finish(out);
    memory.copy(this.state, keptState, 32);
    memory.copy(this.block, keptBlock, BLOCK_BYTES);
  }

  /** Writes the hash, 32 bytes; `reset` before the next message. */
  finish(out: usize): void {
    const block = this.block;
    store<u8>(block + this.pending, 0x80);
    const used = this.pending + 1;
    if (used > BLOCK_BYTES - 8) {
      memory.fill(block + used, 0, BLOCK_BYTES - used);
      compress(this.state, block);
      memory.fill(block, 0, BLOCK_BYTES);
    } else {
      memory.fill(block + used, 0, BLOCK_BYTES - used);
    }
    store<u64>(block + BLOCK_BYTES - 8, bswap<u64>(this.total << 3));
    compress(this.state, block);
    for (let i: usize = 0; i < 32; i += 4) store<u32>(out + i, bswap<u32>(load<u32>(this.state + i)));
  }
}

const hash = new Sha256();

/** SHA-256 of (ptr, len) to `out`, 32 bytes. */
export function sha256(ptr: usize, len: i32, out: usize): void {
  hash.reset();
  hash.update(ptr, len);
  hash.finish(out);
}
