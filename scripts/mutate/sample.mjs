// Some of the mutants, the same for the same seed.

/** Numbers from 0 to below 1 (mulberry32). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` of them at random, in their order; all where it is undefined. */
export function sampleOf(mutants, count, seed) {
  if (count === undefined) return mutants;
  const random = generator(Number(seed));
  const order = mutants.map((mutant) => ({ mutant, at: random() })).sort((a, b) => a.at - b.at);
  return order.slice(0, Number(count)).map(({ mutant }) => mutant);
}
