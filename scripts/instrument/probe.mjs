// What instrumented code calls: an AssemblyScript file of its own, and the cell in the built filter that chooses what it does.

/** The level of a log line that is none: its "address" is a probe that was reached for the first time in this instance. */
export const PROBE_LEVEL = 7777;
/** In the cell: tell each probe once. */
export const TELL = -1;
/** In the cell: do nothing but what the sources say. No probe has this number, and no byte of it is 0: zeros are not stored. */
export const QUIET = 0x71756965;

/** How often a broken filter may ask what is broken; who runs it sets it anew. At its end the loop has none. */
const FUEL = 0x7f7f7f7f;
/** The "probe" that says so. */
export const NO_END = -1;

/** In front of the cell, so that it can be found in the built filter. */
const MARK = [0x676c6173, 0x73676174, 0x70726f62, 0x65733a29];

/** @param count probes are numbered from 1 to this */
export const probeSource = (count) => `/** Generated for one build. */
import { proxy_log } from "./host/env";

const cell: usize = memory.data<i32>([${MARK.join(", ")}, ${QUIET}, ${FUEL}], 4);
const told: usize = memory.data(${count + 1}, 4);

/** That place was reached. */
export function reach(probe: i32): void {
  if (load<i32>(cell, ${MARK.length * 4}) != ${TELL} || load<u8>(told + probe) != 0) return;
  store<u8>(told + probe, 1);
  proxy_log(${PROBE_LEVEL}, probe, 0);
}

/** Whether that place is the one that is to be broken. */
export function isBroken(probe: i32): bool {
  const chosen = load<i32>(cell, ${MARK.length * 4});
  if (chosen == ${QUIET}) return false;
  if (chosen == ${TELL}) reach(probe);
  const fuel = load<i32>(cell, ${MARK.length * 4 + 4});
  store<i32>(cell, fuel - 1, ${MARK.length * 4 + 4});
  if (fuel < 0) {
    proxy_log(${PROBE_LEVEL}, ${NO_END}, 0);
    unreachable();
  }
  return chosen == probe;
}
`;

const mark = Buffer.alloc(MARK.length * 4);
for (const [i, word] of MARK.entries()) mark.writeInt32LE(word, i * 4);

export const hasCell = (wasm) => Buffer.from(wasm).includes(mark);

/** Where the cell and the fuel are in the memory of an instance. */
export function placesIn(memory) {
  const at = Buffer.from(memory).indexOf(mark);
  if (at < 0) throw new Error("the filter has no cell: it was not built from instrumented sources");
  return { cell: at + mark.length, fuel: at + mark.length + 4 };
}

/** The same filter with another number in the cell. */
export function withCell(wasm, value) {
  const copy = Buffer.from(wasm);
  const at = copy.indexOf(mark);
  if (at < 0) throw new Error("the filter has no cell: it was not built from instrumented sources");
  copy.writeInt32LE(value, at + mark.length);
  return copy;
}
