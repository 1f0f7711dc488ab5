/** The guest's linear memory, for a host that copies as little as can be. A pointer outside is a fault of the filter's. */
import type { Header } from "../../control/host/headers.js";

export class LeanMemory {
  private view: Buffer = Buffer.alloc(0);

  constructor(
    private readonly memory: WebAssembly.Memory,
    private readonly malloc: (size: number) => number,
  ) {}

  get size(): number {
    return this.memory.buffer.byteLength;
  }

  /** Where that is in `view`, which is the whole memory as it is now: growing detaches the one before. */
  private at(ptr: number, length: number): number {
    const { buffer } = this.memory;
    if (this.view.buffer !== buffer) this.view = Buffer.from(buffer);
    const start = ptr >>> 0;
    if (start + length > this.view.length) throw new RangeError(`a host call was given ${start}+${length}`);
    return start;
  }

  text(ptr: number, length: number): string {
    const start = this.at(ptr, length >>> 0);
    return this.view.toString("latin1", start, start + (length >>> 0));
  }

  bytes(ptr: number, length: number): Buffer {
    const start = this.at(ptr, length >>> 0);
    return Buffer.from(this.view.subarray(start, start + (length >>> 0)));
  }

  u32(ptr: number, value: number): void {
    const start = this.at(ptr, 4);
    this.view.writeUInt32LE(value >>> 0, start);
  }

  u64(ptr: number, value: bigint): void {
    const start = this.at(ptr, 8);
    this.view.writeBigUInt64LE(BigInt.asUintN(64, value), start);
  }

  write(ptr: number, bytes: Uint8Array): void {
    const start = this.at(ptr, bytes.length);
    this.view.set(bytes, start);
  }

  /** A place of the guest's for an answer. Undefined where its allocator refuses. */
  private place(length: number, ptrOut: number, lengthOut: number): number | undefined {
    const ptr = length === 0 ? 0 : this.malloc(length) >>> 0;
    if (length !== 0 && ptr === 0) return undefined;
    this.u32(ptrOut, ptr);
    this.u32(lengthOut, length);
    return this.at(ptr, length);
  }

  /** @returns whether there was room */
  answer(value: string, ptrOut: number, lengthOut: number): boolean {
    const start = this.place(value.length, ptrOut, lengthOut);
    if (start !== undefined && value.length > 0) this.view.write(value, start, "latin1");
    return start !== undefined;
  }

  answerBytes(value: Uint8Array, ptrOut: number, lengthOut: number): boolean {
    const start = this.place(value.length, ptrOut, lengthOut);
    if (start !== undefined) this.view.set(value, start);
    return start !== undefined;
  }

  /** All headers on the wire (control/host/headers.ts has the layout), written where they are wanted. */
  answerPairs(headers: readonly Header[], ptrOut: number, lengthOut: number): boolean {
    let size = 4;
    for (const [name, value] of headers) size += 10 + name.length + value.length;
    const start = this.place(size, ptrOut, lengthOut);
    if (start === undefined) return false;
    const { view } = this;
    view.writeUInt32LE(headers.length, start);
    let lengths = start + 4;
    let at = lengths + 8 * headers.length;
    for (const [name, value] of headers) {
      view.writeUInt32LE(name.length, lengths);
      view.writeUInt32LE(value.length, lengths + 4);
      lengths += 8;
      at += view.write(name, at, "latin1");
      view[at++] = 0;
      if (value.length > 0) at += view.write(value, at, "latin1");
      view[at++] = 0;
    }
    return true;
  }
}
