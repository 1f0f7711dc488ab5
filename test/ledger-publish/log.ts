/** A log in memory, made by the tree's own functions: quick to grow, to copy, to damage. */
import { createHash } from "node:crypto";
import { encodeEntry } from "../../control/ledger/entry.js";
import { type LogSigner, openLogSigner } from "../../control/ledger/log/key.js";
import type { TileSource } from "../../control/ledger/log.js";
import { type Edge, EMPTY_EDGE, edgeRoot, grow } from "../../control/ledger/tlog/edge.js";
import { parseVkey, type Vkey } from "../../control/ledger/tlog/note.js";
import { newKey } from "../../control/signer/jwk.js";

export const entryOf = (text: string, blob?: Buffer): Buffer =>
  encodeEntry({
    head: {
      ledger: 1,
      type: "record",
      received: "2026-11-26T17:20:00.123Z",
      sender: "eu-1",
      via: "file",
      ...(blob && { sha256: createHash("sha256").update(blob).digest("hex"), bytes: blob.length }),
    },
    body: Buffer.from(blob === undefined ? text : ""),
  });

export class MemoryLog implements TileSource {
  files = new Map<string, Buffer>();
  private edge: Edge = EMPTY_EDGE;

  constructor(readonly signer: LogSigner = openLogSigner(newKey("Ed25519"), "ledger.example.com/eu/2026-12")) {
    this.sign();
  }

  get vkey(): Vkey {
    return parseVkey(this.signer.vkey);
  }

  get size(): number {
    return this.edge.size;
  }

  private sign(): void {
    this.files.set("checkpoint", Buffer.from(this.signer.signCheckpoint(this.edge.size, edgeRoot(this.edge))));
  }

  /** @param count entries that differ from each other, and by `tag` from those of another history */
  add(count: number, tag = "a"): this {
    return this.append(Array.from({ length: count }, (_, i) => entryOf(`{"n":${this.size + i},"tag":"${tag}"}`)));
  }

  append(entries: readonly Buffer[]): this {
    const grown = grow(this.edge, entries);
    this.edge = grown.edge;
    for (const { path, bytes } of grown.files) this.files.set(path, bytes);
    this.sign();
    return this;
  }

  put(blob: Buffer): this {
    this.files.set(`blob/${createHash("sha256").update(blob).digest("hex")}`, blob);
    return this;
  }

  addBlob(blob: Buffer): this {
    return this.put(blob).append([entryOf("", blob)]);
  }

  /** Partial files whose full one is there are removed, as a ledger does it. */
  prune(): this {
    for (const path of this.files.keys()) {
      const full = /^(.*)\.p\/\d+$/.exec(path)?.[1];
      if (full !== undefined && this.files.has(full)) this.files.delete(path);
    }
    return this;
  }

  /** As it is now, with the same key. */
  copy(): MemoryLog {
    const copy = new MemoryLog(this.signer);
    copy.files = new Map(this.files);
    copy.edge = this.edge;
    return copy;
  }

  async read(path: string): Promise<Buffer | undefined> {
    return this.files.get(path);
  }
}
