/** What a log is to those who write to it and read from it, wherever it stands: files, an object store, a Tessera over HTTP. */

/** Where tiles, entry bundles, blobs and the checkpoint are read from. */
export interface TileSource {
  /** @param path as in C2SP tlog-tiles, below the prefix: `checkpoint`, `tile/0/x001/234.p/17`. Undefined where there is none. */
  read(path: string): Promise<Buffer | undefined>;
}

export interface Log extends TileSource {
  /** The origin line of its checkpoints, and its key's name. */
  readonly origin: string;
  /** The verifier key of its checkpoints (C2SP signed-note). */
  readonly vkey: string;
  /** Entries that are durable. */
  readonly size: number;
  /**
   * Takes entries of at most MAX_ENTRY_BYTES, in this order. Many callers at once make one commit.
   * @returns their indices, once a signed checkpoint that covers them is on the disk, files and folders synced
   * @throws where it is not known that they are durable: none of them is acknowledged, though some may be there once the log is opened
   * anew; until then it takes no more
   */
  append(entries: readonly Buffer[]): Promise<readonly number[]>;
  /** Puts bytes that are too long for an entry beside the log, durably, under their SHA-256. */
  putBlob(bytes: Buffer): Promise<string>;
  close(): Promise<void>;
}
