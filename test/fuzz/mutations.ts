/** Ways to damage bytes, as fast-check arbitraries: they shrink, and a failure prints its seed. */
import fc from "fast-check";

export type Mutation = (bytes: Buffer) => Buffer;

const splice = (bytes: Buffer, from: number, removed: number, inserted: Buffer): Buffer => {
  const at = from % (bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(Math.min(bytes.length, at + removed))]);
};

/** Letters that mean something to the formats, beside any byte. */
const telling = fc.constantFrom(...Buffer.from('.~-_=+/\\"{}[],:0eE \n\tAau\x00\x7f\x80\xff', "latin1"));
const byte = fc.oneof(telling, fc.integer({ min: 0, max: 255 }));
const bytes = fc.array(byte, { maxLength: 6 }).map((list) => Buffer.from(list));
const position = fc.nat(20_000);

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(position, fc.nat(7)).map(([at, bit]) => (input: Buffer) => {
    const copy = Buffer.from(input);
    const i = at % Math.max(1, copy.length);
    copy[i] = (copy[i] ?? 0) ^ (1 << bit);
    return copy;
  }),
  fc.tuple(position, bytes).map(
    ([at, inserted]) =>
      (input: Buffer) =>
        splice(input, at, inserted.length, inserted),
  ),
  fc.tuple(position, bytes).map(
    ([at, inserted]) =>
      (input: Buffer) =>
        splice(input, at, 0, inserted),
  ),
  fc.tuple(position, fc.nat(40)).map(
    ([at, removed]) =>
      (input: Buffer) =>
        splice(input, at, removed, Buffer.alloc(0)),
  ),
  fc.tuple(position, position, fc.nat(300)).map(([from, to, length]) => (input: Buffer) => {
    const start = from % (input.length + 1);
    return splice(input, to, 0, input.subarray(start, start + length));
  }),
  position.map((at) => (input: Buffer) => input.subarray(0, at % (input.length + 1))),
);

export const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });
export const apply = (list: readonly Mutation[], input: string): Buffer =>
  list.reduce<Buffer>((bent, mutate) => mutate(bent), Buffer.from(input, "latin1"));
