/**
 * The log in a folder (docs/audit.md, "States, and why a crash loses nothing"). Many callers at once make one commit: what comes while
 * one is synced waits for the next. Nobody is answered before the checkpoint that covers him is on the disk.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { hintOf, reasonOf, UserError } from "../../base/errors.js";
import type { NewFile } from "../../base/files.js";
import { visible } from "../../base/text.js";
import type { Log, TileSource } from "../log.js";
import { type Successor, sealOf } from "../shard.js";
import { type Edge, edgeRoot, grow } from "../tlog/edge.js";
import { MAX_BLOB_BYTES, mustBeBound } from "../tlog/file-source.js";
import { MAX_NOTE_BYTES, parseVkey } from "../tlog/note.js";
import { readBundle } from "../tlog/read.js";
import { MAX_TILE_ENTRY_BYTES, TILE_WIDTH } from "../tlog/tiles.js";
import { EMPTY_ROOT } from "../tlog/tree.js";
import { type FileOps, nodeFiles } from "./fileops.js";
import type { LogSigner } from "./key.js";
import { type Lock, takeLock } from "./lock.js";
import { Partials } from "./partials.js";
import { Placer } from "./place.js";
import { MAX_BATCH_ENTRIES, Queue } from "./queue.js";
import { recover } from "./recover.js";
import { newSignedRecord, SignedRecord } from "./signed.js";

export interface FilesLogOptions {
  readonly folder: string;
  readonly signer: LogSigner;
  /** The record of what the key signed, beside the key: `<key file>.signed`. */
  readonly signedPath: string;
  /** What writes, as others hear it who find the lock. */
  readonly holder?: string;
}

/** What the log stands on; another one only in tests. */
export interface Disk {
  readonly files: FileOps;
  takeLock(path: string, holder: string, also?: readonly string[]): Promise<Lock>;
}

const CHECKPOINT = "checkpoint";

/** The files of an empty log, for `writeNewTexts`: its checkpoint, and the record beside the key. */
export function newLogFiles({ folder, signer, signedPath }: FilesLogOptions): NewFile[] {
  return [
    { path: signedPath, text: newSignedRecord({ origin: signer.origin, size: 0, root: EMPTY_ROOT }), mode: 0o600 },
    { path: join(folder, CHECKPOINT), text: signer.signCheckpoint(0, EMPTY_ROOT) },
  ];
}

const sourceOf = (files: FileOps, folder: string): TileSource => ({
  read: (path) => files.read(join(folder, path), mustBeBound(path)),
});

/** Signs the tree, which is on record and whose files are on the disk, and lets everybody see it. */
async function publish(placer: Placer, signer: LogSigner, size: number, root: Buffer): Promise<string> {
  const text = signer.signCheckpoint(size, root);
  await placer.place([{ path: CHECKPOINT, bytes: Buffer.from(text) }]);
  return text;
}

class FilesLog implements Log {
  readonly origin: string;
  readonly vkey: string;
  private readonly queue = new Queue();
  private running: Promise<void> | undefined;
  /** Why nothing more is taken. */
  private ended: UserError | undefined;

  constructor(
    private readonly options: FilesLogOptions,
    private readonly files: FileOps,
    private readonly source: TileSource,
    private readonly placer: Placer,
    private readonly partials: Partials,
    private readonly signed: SignedRecord,
    private readonly locks: readonly Lock[],
    private edge: Edge,
    /** The checkpoint that this process published last. */
    private published: string,
  ) {
    this.origin = options.signer.origin;
    this.vkey = options.signer.vkey;
  }

  get size(): number {
    return this.edge.size;
  }

  read(path: string): Promise<Buffer | undefined> {
    return this.source.read(path);
  }

  async append(entries: readonly Buffer[]): Promise<readonly number[]> {
    if (entries.some(({ length }) => length > MAX_TILE_ENTRY_BYTES))
      throw new RangeError("An entry is too long for the log: it belongs into a blob.");
    if (this.ended !== undefined) throw this.ended;
    if (entries.length === 0) return [];
    const indices = this.queue.wait(entries);
    this.running ??= this.run();
    return indices;
  }

  async putBlob(bytes: Buffer): Promise<string> {
    if (this.ended !== undefined) throw this.ended;
    if (bytes.length > MAX_BLOB_BYTES) throw new RangeError("The bytes are too long for a blob.");
    const name = createHash("sha256").update(bytes).digest("hex");
    const path = `blob/${name}`;
    try {
      const there = await this.source.read(path);
      // Where it is there, its name and its folder's may not be on the disk yet.
      const folders = [this.options.folder, join(this.options.folder, "blob")];
      if (there?.equals(bytes) === true) await Promise.all(folders.map((folder) => this.files.syncFolder(folder)));
      else await this.placer.place([{ path, bytes }]);
    } catch (error) {
      throw new UserError(`Cannot write ${visible(join(this.options.folder, path))}: ${reasonOf(error)}.`, {
        cause: error,
        hint: hintOf(error) ?? "Check the disk.",
      });
    }
    return name;
  }

  async close(): Promise<void> {
    await this.running;
    this.ended ??= new UserError("The ledger is closed.");
    const released = await Promise.allSettled(this.locks.map((lock) => lock.release()));
    for (const lock of released) if (lock.status === "rejected") throw lock.reason;
  }

  private async run(): Promise<void> {
    // Whoever calls in this turn of the loop comes along.
    await new Promise(setImmediate);
    while (!this.queue.isEmpty) {
      try {
        await this.commit(this.queue.batch((entry) => sealOf(entry) !== undefined));
      } catch (error) {
        this.end(error);
      }
    }
    this.running = undefined;
  }

  private async commit(entries: readonly Buffer[]): Promise<void> {
    await this.fence();
    const { edge, files } = grow(this.edge, entries);
    const root = edgeRoot(edge);
    await this.placer.place(files);
    await this.signed.put({ origin: this.origin, size: edge.size, root });
    this.published = await publish(this.placer, this.options.signer, edge.size, root);
    const first = this.edge.size;
    this.edge = edge;
    this.queue.answer(first, entries.length);
    const next = sealOf(entries.at(-1));
    if (next !== undefined) this.stop(new Sealed(this.options.folder, next));
    await this.partials.published(files);
  }

  /** Behind the lock: if it was taken away by force, whoever did so has published since. */
  private async fence(): Promise<void> {
    const there = await this.files.read(join(this.options.folder, CHECKPOINT), MAX_NOTE_BYTES);
    if (there?.toString("utf8") !== this.published) {
      throw new UserError("Somebody else has written this ledger's checkpoint.", {
        hint: "One process writes. See what else runs with this folder, then start this one again.",
      });
    }
  }

  /** After a write that failed nobody knows what is on the disk: only opening anew finds out. */
  private end(error: unknown): void {
    const { folder } = this.options;
    const known = error instanceof UserError ? error : undefined;
    const reason = new UserError(
      `The ledger ${visible(folder)} takes nothing more: ${known?.message ?? `${reasonOf(error)}.`} What it has acknowledged is safe.`,
      {
        cause: error,
        hint: known?.hint ?? hintOf(error) ?? "Check the disk, then start it again.",
        exitCode: 1,
      },
    );
    this.stop(reason);
  }

  private stop(reason: UserError): void {
    this.ended = reason;
    this.queue.reject(reason);
  }
}

/** The log has its last entry: nothing is ever signed behind it. */
export class Sealed extends UserError {
  constructor(
    folder: string,
    readonly next: Successor,
  ) {
    super(`The ledger ${visible(folder)} is sealed: records go into its successor ${visible(next.origin)}.`, {
      hint: "Use the successor's folder (docs/ledger-shards.md).",
      exitCode: 1,
    });
  }
}

const REAL_DISK: Disk = { files: nodeFiles, takeLock };

/** Of a log whose bundles are all full. */
async function lastOf(source: TileSource, size: number): Promise<Buffer | undefined> {
  return (await readBundle(source, size / TILE_WIDTH - 1, size)).at(-1);
}

async function open(options: FilesLogOptions, files: FileOps, locks: readonly Lock[]): Promise<Log> {
  const { folder, signer, signedPath } = options;
  const source = sourceOf(files, folder);
  const placer = new Placer(files, folder);
  const signed = await SignedRecord.open(files, signedPath);
  const { edge, checkpoint } = await recover(source, folder, parseVkey(signer.vkey), signed);
  // The checkpoint may be there and its name not on the disk yet: then it must be, before anything goes on from it.
  await files.syncFolder(folder);
  await placer.tidy();
  const partials = new Partials(files, folder, placer, MAX_BATCH_ENTRIES);
  await partials.tidy(edge.size);
  let published = checkpoint;
  if (published === undefined) {
    await signed.sync();
    published = await publish(placer, signer, edge.size, edgeRoot(edge));
  }
  const last = edge.size % TILE_WIDTH === 0 && edge.size > 0 ? await lastOf(source, edge.size) : edge.entries.at(-1);
  const next = sealOf(last);
  if (next !== undefined) throw new Sealed(folder, next);
  return new FilesLog(options, files, source, placer, partials, signed, locks, edge, published);
}

/**
 * Opens the log to write to it: locked, recovered, and compared with what its key has signed.
 * @throws where another process writes, and where its tree is not the one that the key signed last
 */
export async function openFilesLog(options: FilesLogOptions, disk: Disk = REAL_DISK): Promise<Log> {
  const { folder, signedPath, holder = "glassgate" } = options;
  const locks: Lock[] = [];
  try {
    // A copy of the folder has a lock of its own; the key has one record.
    const keyLock = `${signedPath}.lock`;
    locks.push(await disk.takeLock(join(folder, "lock"), holder, [keyLock]));
    locks.push(await disk.takeLock(keyLock, holder));
    return await open(options, disk.files, locks);
  } catch (error) {
    // A lock that cannot be removed is a dead process's soon; the error that counts is the first.
    await Promise.allSettled(locks.map((lock) => lock.release()));
    if (error instanceof UserError) throw error;
    throw new UserError(`Cannot open the ledger ${visible(folder)}: ${reasonOf(error)}.`, {
      cause: error,
      hint: hintOf(error) ?? "Check the disk.",
    });
  }
}
