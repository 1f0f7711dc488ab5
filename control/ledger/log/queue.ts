/** Callers who wait until their entries are durable, in the order in which they came. */
import type { UserError } from "../../base/errors.js";

/** One commit: so much is in memory twice, and so long everybody else waits. */
export const MAX_BATCH_ENTRIES = 4096;
const MAX_BATCH_BYTES = 16 * 1024 * 1024;

interface Waiting {
  readonly entries: readonly Buffer[];
  /** How many of them are durable. */
  done: number;
  /** The index of the first. */
  first: number;
  readonly resolve: (indices: readonly number[]) => void;
  readonly reject: (error: UserError) => void;
}

export class Queue {
  private waiting: Waiting[] = [];

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  /** @param entries at least one @returns their indices, once `answer` has counted all of them */
  wait(entries: readonly Buffer[]): Promise<readonly number[]> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ entries: [...entries], done: 0, first: -1, resolve, reject });
    });
  }

  /** What the next commit takes, from the front. They stay until they are answered. @param isLast nothing goes behind such an entry */
  batch(isLast: (entry: Buffer) => boolean): Buffer[] {
    const entries: Buffer[] = [];
    let bytes = 0;
    for (const waiting of this.waiting) {
      for (let i = waiting.done; i < waiting.entries.length; i++) {
        const entry = waiting.entries[i];
        if (entry === undefined) continue;
        bytes += entry.length;
        if (entries.length === MAX_BATCH_ENTRIES || (bytes > MAX_BATCH_BYTES && entries.length > 0)) return entries;
        entries.push(entry);
        if (isLast(entry)) return entries;
      }
    }
    return entries;
  }

  /** So many more, from the front, are durable. @param first the index of the first of them */
  answer(first: number, count: number): void {
    let answered = 0;
    for (let rest = count; rest > 0; answered++) {
      const waiting = this.waiting[answered];
      if (waiting === undefined) break;
      const taken = Math.min(rest, waiting.entries.length - waiting.done);
      if (waiting.done === 0) waiting.first = first + count - rest;
      waiting.done += taken;
      rest -= taken;
      if (waiting.done < waiting.entries.length) break;
      waiting.resolve(waiting.entries.map((_, i) => waiting.first + i));
    }
    this.waiting = this.waiting.slice(answered);
  }

  /** Nobody waits any more. */
  reject(error: UserError): void {
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }
}
