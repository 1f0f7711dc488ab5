/** The guest's linear memory. No pointer of the guest's can make the host fail: it throws `OutOfBounds`, which answers 6. */

/** A host call was given an address outside the guest's memory, or the guest's allocator refused. */
export class OutOfBounds extends Error {}

export class GuestMemory {
  private view: Buffer = Buffer.alloc(0);

  constructor(private readonly memory: WebAssembly.Memory) {}

  get size(): number {
    return this.memory.buffer.byteLength;
  }

  /** The whole memory as it is now: growing detaches the earlier buffer. */
  private get all(): Buffer {
    const { buffer } = this.memory;
    if (this.view.buffer !== buffer) this.view = Buffer.from(buffer);
    return this.view;
  }

  private place(ptr: number, length: number): number {
    const start = ptr >>> 0;
    if (start + length > this.memory.buffer.byteLength) throw new OutOfBounds();
    return start;
  }

  /** A copy. */
  bytes(ptr: number, length: number): Buffer {
    const start = this.place(ptr, length >>> 0);
    return Buffer.from(this.all.subarray(start, start + (length >>> 0)));
  }

  /** As a byte string (latin1), as headers are. */
  text(ptr: number, length: number): string {
    const start = this.place(ptr, length >>> 0);
    return this.all.toString("latin1", start, start + (length >>> 0));
  }

  write(ptr: number, bytes: Uint8Array): void {
    this.all.set(bytes, this.place(ptr, bytes.length));
  }

  u32(ptr: number, value: number): void {
    this.all.writeUInt32LE(value >>> 0, this.place(ptr, 4));
  }

  u64(ptr: number, value: bigint): void {
    this.all.writeBigUInt64LE(BigInt.asUintN(64, value), this.place(ptr, 8));
  }
}
