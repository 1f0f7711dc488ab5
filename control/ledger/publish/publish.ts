/**
 * Publishing a log: everything of the tree that its checkpoint names, then the checkpoint. Whenever it stops, the store holds a complete
 * tree, the one of the checkpoint that is there.
 *
 *     full tiles and bundles, blobs   If-None-Match: *      one content for ever; what is there already must be the same
 *     partial tiles and bundle        If-None-Match: *
 *     checkpoint                      If-Match: ETag        only one that goes on from the one that is there
 *     cosigned                        If-Match: ETag        what witnesses cosigned of it, never an older one over a newer
 *     partial ones that a full one supersedes are removed
 */
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { TileSource } from "../log.js";
import { type Checkpoint, openCheckpoint } from "../tlog/checkpoint.js";
import { mustBeBound } from "../tlog/file-source.js";
import { decodeNote, MAX_NOTE_BYTES, parseNote, type Vkey } from "../tlog/note.js";
import { consistencyProof, verifyConsistency } from "../tlog/proof.js";
import { entriesPath, TILE_WIDTH } from "../tlog/tiles.js";
import { PublishConflict } from "./conflict.js";
import { publishCosigned, readCosigned } from "./cosigned.js";
import { inParallel } from "./pool.js";
import type { Position } from "./position.js";
import { type ObjectStore, type Stored, storeSource } from "./store.js";
import { completed, type LogFile, VerifiedTree } from "./tree.js";

export { PublishConflict };

export interface PublishOptions {
  readonly source: TileSource;
  readonly vkey: Vkey;
  readonly store: ObjectStore;
  readonly position?: Position;
  /** Files on the way at the same time; each has at most 16 MiB. */
  readonly parallel?: number;
  /** Entries that are there, of all. */
  readonly progress?: (done: number, of: number) => void;
}

export interface Published {
  /** Of the checkpoint that is in the store now. */
  readonly size: number;
  /** What was in the store before; undefined for nothing. */
  readonly before: number | undefined;
  readonly files: number;
  readonly bytes: number;
  /** Partial files that were removed. */
  readonly removed: number;
  /** Why superseded ones are still there. */
  readonly kept?: string;
}

const PARALLEL = 8;
/** Between two notes of how far it is: some 11 MB of records. */
const STRETCH = 64 * TILE_WIDTH;
/** Others publish the same log: each time they were faster is progress, so this is a bound for a fault. */
const MAX_ROUNDS = 20;

const wholeTiles = (size: number): number => size - (size % TILE_WIDTH);

class Publisher {
  private files = 0;
  private bytes = 0;
  private removed = 0;
  private kept: string | undefined;

  constructor(private readonly options: PublishOptions) {}

  async run(): Promise<Published> {
    const { store, vkey } = this.options;
    let before: number | undefined;
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      const stored = await store.get("checkpoint", MAX_NOTE_BYTES);
      const there = stored === undefined ? undefined : openTheirs(stored.bytes, vkey);
      if (round === 1) before = there?.size;
      // Read before the checkpoint, which is never behind it then.
      const cosigned = await readCosigned(this.options.source, vkey);
      // Read after the store's: whoever else publishes this log cannot be ahead of it then.
      const here = await this.checkpoint();
      const tree = await VerifiedTree.of(this.options.source, here);
      if (there !== undefined) await this.mustGoOn(there, here);
      await this.upload(tree, there?.size ?? 0);
      if (!(await this.swap(here, there, stored))) continue;
      const more = await publishCosigned(this.options, cosigned, here);
      this.files += more > 0 ? 1 : 0;
      this.bytes += more;
      await this.clean(before ?? 0, here.size);
      const kept = this.kept === undefined ? {} : { kept: this.kept };
      const { files, bytes, removed } = this;
      return { size: here.size, before, files, bytes, removed, ...kept };
    }
    throw new UserError("Others replace the checkpoint in the store again and again.", {
      hint: "Publish a log from one place.",
    });
  }

  private async checkpoint(): Promise<Checkpoint> {
    const bytes = await this.options.source.read("checkpoint");
    if (bytes === undefined)
      throw new UserError("There is no checkpoint here, so there is nothing to publish.", {
        hint: "Name a ledger's folder.",
      });
    return openCheckpoint(decodeNote(bytes), this.options.vkey);
  }

  /** Refuses to put an older checkpoint, or one of another history, over what is there. */
  private async mustGoOn(there: Checkpoint, here: Checkpoint): Promise<void> {
    const { source, store } = this.options;
    const [older, newer] = there.size <= here.size ? [there, here] : [here, there];
    const proof = await consistencyProof(newer === here ? source : storeSource(store), older.size, newer.size);
    const isRootSame = older.size !== newer.size || older.root.equals(newer.root);
    if (!isRootSame || !verifyConsistency(older.size, older.root, newer.size, newer.root, proof))
      throw new PublishConflict(
        `The store holds another history of this log: its checkpoint of ${there.size} entries and the one of ${here.size} here do not go together.`,
        "Both are signed: keep both as they are, and find out who wrote the other one.",
      );
    if (newer !== here)
      throw new PublishConflict(
        `The store holds a newer checkpoint (${there.size} entries) than is here (${here.size}).`,
        "Publish from the ledger's own folder: this is a copy that is behind, or a backup.",
      );
  }

  private async upload(tree: VerifiedTree, before: number): Promise<void> {
    const { position, store, progress } = this.options;
    const known = position?.read();
    const full = wholeTiles(tree.size);
    let sure = Math.min(wholeTiles(known?.full ?? 0), full);
    // One look, for a store that was emptied.
    if (sure > 0 && (await store.lengthOf(entriesPath(sure / TILE_WIDTH - 1))) === undefined) sure = 0;
    while (sure < full) {
      // Below the checkpoint that is there somebody has put everything: it is only looked whether it is all there.
      const isLooked = sure < wholeTiles(before);
      const to = Math.min(sure + STRETCH, isLooked ? wholeTiles(before) : full);
      await this.all(tree.full(sure, to), isLooked);
      sure = to;
      position?.write({ full: sure, cleaned: known?.cleaned ?? 0 });
      progress?.(sure, tree.size);
    }
    if (before < tree.size || known === undefined) await this.all(tree.partial(before), before === tree.size);
    progress?.(tree.size, tree.size);
  }

  private all(tasks: Iterable<() => Promise<LogFile[]>>, isLooked: boolean): Promise<void> {
    return inParallel(tasks, this.options.parallel ?? PARALLEL, async (read) => {
      for (const file of await read()) await this.place(file, isLooked);
    });
  }

  private async place({ path, bytes }: LogFile, isLooked: boolean): Promise<void> {
    const { store } = this.options;
    if (isLooked && (await store.lengthOf(path)) === bytes.length) return;
    if (await store.put(path, bytes, "absent")) {
      this.files += 1;
      this.bytes += bytes.length;
      return;
    }
    const there = await store.get(path, mustBeBound(path));
    if (there?.bytes.equals(bytes) !== true)
      throw new PublishConflict(
        `The store holds other bytes under ${path} than this log: nothing was overwritten (${visible(store.name)}).`,
        "Another log is published there, or somebody has changed the store. Choose another prefix, and find out.",
      );
  }

  /** @returns whether the store holds this checkpoint now */
  private async swap(here: Checkpoint, there: Checkpoint | undefined, stored: Stored | undefined): Promise<boolean> {
    const bytes = Buffer.from(here.text);
    if (stored !== undefined && there?.size === here.size) {
      // The same tree: only more cosignatures are news.
      const signers = (checkpoint: Checkpoint): number => parseNote(checkpoint.text).signatures.length;
      if (stored.bytes.equals(bytes) || signers(here) <= signers(there)) return true;
    }
    if (!(await this.options.store.put("checkpoint", bytes, stored === undefined ? "absent" : stored))) return false;
    this.files += 1;
    this.bytes += bytes.length;
    return true;
  }

  private async clean(before: number, size: number): Promise<void> {
    const { position, store } = this.options;
    const known = position?.read();
    try {
      const paths = new Set([...completed(known?.cleaned ?? before, size), ...completed(before, size)]);
      for (const path of paths) {
        for (const key of await store.list(`${path}.p/`)) {
          if (!/^\.p\/[1-9][0-9]{0,2}$/.test(key.slice(path.length))) continue;
          await store.remove(key);
          this.removed += 1;
        }
      }
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.kept = error.message; // They are in nobody's way.
      return;
    }
    position?.write({ full: wholeTiles(size), cleaned: size });
  }
}

function openTheirs(bytes: Buffer, vkey: Vkey): Checkpoint {
  try {
    return openCheckpoint(decodeNote(bytes), vkey);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new PublishConflict(
      `What stands in the store as checkpoint is not this log's: ${error.message}`,
      "Choose another prefix: each log has its own.",
    );
  }
}

/** @throws PublishConflict where the store's content and this log do not go together: nothing was overwritten then */
export const publish = (options: PublishOptions): Promise<Published> => new Publisher(options).run();
