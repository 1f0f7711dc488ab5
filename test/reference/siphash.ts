/** SipHash-c-d, slowly and obviously: the words of the paper (Aumasson and Bernstein, 2012, section 2). */

type State = readonly [bigint, bigint, bigint, bigint];

export interface Rounds {
  /** After each word. */
  readonly c: number;
  /** At the end. */
  readonly d: number;
}

const word = (x: bigint): bigint => BigInt.asUintN(64, x);
const rotate = (x: bigint, by: bigint): bigint => word((x << by) | (x >> (64n - by)));

function round([v0, v1, v2, v3]: State): State {
  const a0 = word(v0 + v1);
  const a1 = rotate(v1, 13n) ^ a0;
  const a2 = word(v2 + v3);
  const a3 = rotate(v3, 16n) ^ a2;
  const b2 = word(a2 + a1);
  const b0 = word(rotate(a0, 32n) + a3);
  return [b0, rotate(a1, 17n) ^ b2, rotate(b2, 32n), rotate(a3, 21n) ^ b0];
}

function rounds(state: State, count: number): State {
  return count === 0 ? state : rounds(round(state), count - 1);
}

/** @param key 16 bytes */
export function referenceSipHash({ c, d }: Rounds, key: Buffer, message: Buffer): bigint {
  const k0 = key.readBigUInt64LE(0);
  const k1 = key.readBigUInt64LE(8);
  const initial = Buffer.from("somepseudorandomlygeneratedbytes");
  let state: State = [
    k0 ^ initial.readBigUInt64BE(0),
    k1 ^ initial.readBigUInt64BE(8),
    k0 ^ initial.readBigUInt64BE(16),
    k1 ^ initial.readBigUInt64BE(24),
  ];
  // Zeros up to a whole number of words, of which the last byte is the length.
  const padded = Buffer.alloc((Math.floor(message.length / 8) + 1) * 8);
  message.copy(padded);
  padded[padded.length - 1] = message.length & 0xff;
  for (let at = 0; at < padded.length; at += 8) {
    const m = padded.readBigUInt64LE(at);
    const [v0, v1, v2, v3] = rounds([state[0], state[1], state[2], state[3] ^ m], c);
    state = [v0 ^ m, v1, v2, v3];
  }
  const [v0, v1, v2, v3] = rounds([state[0], state[1], state[2] ^ 0xffn, state[3]], d);
  return v0 ^ v1 ^ v2 ^ v3;
}
