/** A filter with further exports that do nothing, as a host may demand them: every other byte of it stays. */
import { readModule } from "../../control/host/module.js";

const HEADER_BYTES = 8;
const FUNCTIONS = 3;
const EXPORTS = 7;
const CODE = 10;
const FUNCTION_TYPE = 0x60;
const I32 = 0x7f;
/** No locals; `i32.const 0`, or nothing; `end`. */
const RETURNS_0 = [4, 0, 0x41, 0, 0x0b];
const RETURNS = [2, 0, 0x0b];

interface Section {
  readonly id: number;
  readonly body: Buffer;
}

function readNumber(bytes: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  for (let shift = 0, next = at; ; shift += 7) {
    const byte = bytes[next++] ?? 0;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, next };
  }
}

const number = (value: number): number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...number(Math.floor(value / 0x80))];

function sectionsOf(wasm: Buffer): Section[] {
  const sections: Section[] = [];
  for (let at = HEADER_BYTES; at < wasm.length; ) {
    const { value: size, next } = readNumber(wasm, at + 1);
    sections.push({ id: wasm[at] ?? 0, body: wasm.subarray(next, next + size) });
    at = next + size;
  }
  return sections;
}

/** A section is a vector: as many entries more. */
function extend(body: Buffer, entries: readonly (readonly number[])[]): Buffer {
  const { value: count, next } = readNumber(body, 0);
  return Buffer.concat([
    Buffer.from(number(count + entries.length)),
    body.subarray(next),
    ...entries.map((entry) => Buffer.from(entry)),
  ]);
}

/** The index of a type that is there: `iii>i`. */
function typeIndex(types: Buffer, signature: string): number {
  const [parameters = "", results = ""] = signature.split(">");
  const wanted = [FUNCTION_TYPE, parameters.length, ...Array.from(parameters, () => I32), results.length];
  const { value: count, next } = readNumber(types, 0);
  for (let index = 0, at = next; index < count; index++) {
    const entry = [...types.subarray(at, at + wanted.length)];
    if (entry.join() === wanted.join()) return index;
    const results = at + 2 + (types[at + 1] ?? 0);
    at = results + 1 + (types[results] ?? 0);
  }
  throw new Error(`the filter has no function of type ${signature}`);
}

/** @param names name -> type, of i32 alone (`iii>i`); what returns something returns 0 */
export function withExports(wasm: Uint8Array, names: ReadonlyMap<string, string>): Buffer {
  const bytes = Buffer.from(wasm);
  const sections = sectionsOf(bytes);
  const [types] = sections.filter(({ id }) => id === 1);
  if (types === undefined) throw new Error("the filter has no types");
  const more = [...names];
  const imported = readModule(wasm).imports.filter(({ kind }) => kind === "function").length;
  const [functions] = sections.filter(({ id }) => id === FUNCTIONS);
  const first = imported + readNumber(functions?.body ?? Buffer.alloc(1), 0).value;
  const entries: Readonly<Record<number, readonly (readonly number[])[]>> = {
    [FUNCTIONS]: more.map(([, signature]) => number(typeIndex(types.body, signature))),
    [EXPORTS]: more.map(([name], i) => [...number(name.length), ...Buffer.from(name), 0, ...number(first + i)]),
    [CODE]: more.map(([, signature]) => (signature.endsWith(">") ? RETURNS : RETURNS_0)),
  };
  const written = sections.flatMap(({ id, body }) => {
    const changed = entries[id] === undefined ? body : extend(body, entries[id]);
    return [Buffer.from([id, ...number(changed.length)]), changed];
  });
  return Buffer.concat([bytes.subarray(0, HEADER_BYTES), ...written]);
}
