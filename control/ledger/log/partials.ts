/**
 * Which partial tiles and bundles stay. All of a tile's, until the full one is published: whoever has an older checkpoint, or fetched
 * one just now, reads them (C2SP tlog-tiles). A tile's own take a megabyte at most; of bundles with very long entries the oldest go
 * once they take too much together, and never those of the last two checkpoints.
 */
import { join } from "node:path";
import type { TreeFile } from "../tlog/edge.js";
import { countAt, entriesPath, TILE_WIDTH, tilePath } from "../tlog/tiles.js";
import type { FileOps } from "./fileops.js";
import type { Placer } from "./place.js";

/** Entries of 600 bytes never come near: 255 partial bundles of them are 20 MB. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024;
const FEWEST_KEPT = 2;

const PARTIAL = /\.p\/[0-9]+$/;

export class Partials {
  /** Folders of partials that are to go. */
  private readonly over = new Set<string>();
  /** Of the bundle that is not full. */
  private bundles: { path: string; length: number }[] = [];

  constructor(
    private readonly files: FileOps,
    private readonly folder: string,
    private readonly placer: Placer,
    /** How many entries one commit has at most: so far a crash may have left files beyond the tree. */
    private readonly farthest: number,
  ) {}

  /** Takes away what is no longer needed now that these files belong to the published tree. */
  async published(placed: readonly TreeFile[]): Promise<void> {
    for (const { path, bytes } of placed) {
      if (!PARTIAL.test(path)) this.over.add(`${path}.p`);
      if (!path.startsWith("tile/entries/")) continue;
      if (PARTIAL.test(path)) this.bundles.push({ path, length: bytes.length });
      else this.bundles = [];
    }
    await this.removeOver();
    await this.removeOldest();
  }

  /** What was left beside and beyond the tree of this size. Only for the one who holds the lock, when it opens the log. */
  async tidy(size: number): Promise<void> {
    await this.tidyRow((index, width) => entriesPath(index, width), size);
    // One level more than the tree has: a crash may have left the first tile of it.
    for (let level = 0; level === 0 || countAt(level - 1, size + this.farthest) > 0; level++)
      await this.tidyRow((index, width) => tilePath(level, index, width), countAt(level, size));
  }

  /** @param count of hashes or entries in the row */
  private async tidyRow(path: (index: number, width?: number) => string, count: number): Promise<void> {
    const last = Math.floor(count / TILE_WIDTH);
    const far = Math.ceil(this.farthest / TILE_WIDTH) + 1;
    for (let index = Math.max(0, last - far); index < last; index++) this.over.add(`${path(index)}.p`);
    await this.removeOver();
    for (let index = last; index <= last + far; index++) {
      await this.files.remove(join(this.folder, path(index)));
      const folder = join(this.folder, `${path(index)}.p`);
      const most = index === last ? count % TILE_WIDTH : 0;
      for (const name of await this.files.list(folder))
        if (Number(name) > most) await this.files.remove(join(folder, name));
    }
  }

  private async removeOver(): Promise<void> {
    for (const folder of this.over) {
      const path = join(this.folder, folder);
      try {
        await Promise.all((await this.files.list(path)).map((name) => this.files.remove(join(path, name))));
        await this.files.removeFolder(path);
      } catch {
        continue; // It stays in the set, and is tried again with the next commit: nothing rests on its being gone.
      }
      this.over.delete(folder);
      this.placer.forget(folder);
    }
  }

  private async removeOldest(): Promise<void> {
    let total = this.bundles.reduce((sum, { length }) => sum + length, 0);
    while (total > MAX_KEPT_BYTES && this.bundles.length > FEWEST_KEPT) {
      const oldest = this.bundles.shift();
      if (oldest === undefined) return;
      total -= oldest.length;
      try {
        await this.files.remove(join(this.folder, oldest.path));
      } catch {
        // It goes with its folder, once the bundle is full.
      }
    }
  }
}
