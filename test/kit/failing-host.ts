/** The release filter on a host one of whose calls fails every time: real Envoys have no such switch, so the filter asks for another call. */
import { readFileSync } from "node:fs";
import { wasmPath } from "../../control/host/wasm.js";

const IMPORT_SECTION = 2;
const HEADER_BYTES = 8;

function readNumber(bytes: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  for (let shift = 0, next = at; ; shift += 7) {
    const byte = bytes[next++] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { value, next };
  }
}

function number(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...number(value >>> 7)];
}

/** @param otherCall of the same type, and one that fails whatever it is given instead. Every other byte of the filter stays. */
export function filterThatCalls(otherCall: string, insteadOf: string): Uint8Array {
  const wasm = readFileSync(wasmPath);
  for (let at = HEADER_BYTES; at < wasm.length; ) {
    const { value: size, next: start } = readNumber(wasm, at + 1);
    if (wasm[at] !== IMPORT_SECTION) {
      at = start + size;
      continue;
    }
    const section = wasm.subarray(start, start + size);
    const name = Buffer.from([insteadOf.length, ...Buffer.from(insteadOf)]);
    const from = section.indexOf(name);
    if (from < 0) break;
    const renamed = Buffer.concat([
      section.subarray(0, from),
      Buffer.from([otherCall.length, ...Buffer.from(otherCall)]),
      section.subarray(from + name.length),
    ]);
    return Buffer.concat([
      wasm.subarray(0, at),
      Buffer.from([IMPORT_SECTION, ...number(renamed.length)]),
      renamed,
      wasm.subarray(start + size),
    ]);
  }
  throw new Error(`the filter does not import ${insteadOf}`);
}

/** What fails, and the call that the filter makes in its place: of the same type, and refused by every host. */
export const FAILING: Readonly<
  Record<"audit_unavailable" | "internal", readonly [otherCall: string, insteadOf: string]>
> = {
  /** No property has such a name. */
  audit_unavailable: ["proxy_get_property", "proxy_set_property"],
  /** There is no queue. */
  internal: ["proxy_enqueue_shared_queue", "proxy_remove_header_map_value"],
};
