/**
 * The tree over the entries, made anew, and held against the tiles and the signed root. Where they differ, the root decides who is
 * right: what it confirms is followed down to the first place that it does not.
 */
import type { TileSource } from "../log.js";
import { countAt, tilePath, TILE_WIDTH as WIDTH, widthAt } from "../tlog/tiles.js";
import { EMPTY_ROOT, HASH_BYTES, leafHash, rootOf } from "../tlog/tree.js";
import type { CheckedBundle, Differing } from "./bundle.js";
import { entriesIn, hashesIn, readBundle, readTile } from "./files.js";
import type { Problem } from "./problem.js";

/** Hashes of one level, in order: 32 bytes each, an eighth of a byte an entry at level 1. */
class Row {
  private bytes = Buffer.alloc(1024 * HASH_BYTES);
  length = 0;

  push(hash: Uint8Array): void {
    if ((this.length + 1) * HASH_BYTES > this.bytes.length) {
      const larger = Buffer.alloc(2 * this.bytes.length);
      this.bytes.copy(larger);
      this.bytes = larger;
    }
    this.bytes.set(hash, this.length * HASH_BYTES);
    this.length += 1;
  }

  slice(begin: number, end: number): Buffer[] {
    return hashesIn(this.bytes.subarray(begin * HASH_BYTES, Math.min(end, this.length) * HASH_BYTES));
  }
}

/** A hash in a tile that is not the one over what stands below it. */
interface Mismatch {
  readonly level: number;
  readonly position: number;
  readonly stored: Buffer;
  readonly made: Buffer;
}

/** The root over the right edge's tiles, the lowest level first. */
export function rootOfEdges(edges: readonly (readonly Buffer[])[]): Buffer {
  let root: Buffer | undefined;
  for (const edge of edges) {
    const row = root === undefined ? edge : [...edge, root];
    if (row.length > 0) root = rootOf(row);
  }
  return root ?? EMPTY_ROOT;
}

export class Tree {
  /** From level 1 on; what stands at level 0 is read again where it is asked for. */
  private readonly rows: Row[] = [new Row()];
  private tail: Buffer[] = [];
  differing = 0;
  firstDiffering: Differing | undefined;
  tiles = 0;

  constructor(
    private readonly source: TileSource,
    readonly size: number,
    private readonly root: Buffer,
  ) {}

  /** Bundles come in their order. */
  take({ bundle, hashes, differing, firstDiffering }: CheckedBundle): void {
    this.differing += differing;
    this.firstDiffering ??= firstDiffering;
    this.tiles += 1;
    if (widthAt(0, bundle, this.size) < WIDTH) this.tail = hashes.map((hash) => Buffer.from(hash));
    else for (const hash of hashes) this.rows[0]?.push(hash);
  }

  get levels(): number {
    let levels = 0;
    while (countAt(levels, this.size) > 0) levels += 1;
    return levels;
  }

  /** The hashes made at a level, of one tile. */
  private made(level: number, index: number): Buffer[] {
    return this.rows[level - 1]?.slice(index * WIDTH, (index + 1) * WIDTH) ?? [];
  }

  private edgeStart(level: number): number {
    return Math.floor(countAt(level, this.size) / WIDTH) * WIDTH;
  }

  private madeEdges(): Buffer[][] {
    return Array.from({ length: this.levels }, (_, level) =>
      level === 0 ? this.tail : this.made(level, this.edgeStart(level) / WIDTH),
    );
  }

  private async storedEdges(): Promise<Buffer[][]> {
    const edges: Buffer[][] = [];
    for (let level = 0; level < this.levels; level++)
      edges.push(await this.stored(level, this.edgeStart(level) / WIDTH));
    return edges;
  }

  private async stored(level: number, index: number): Promise<Buffer[]> {
    const width = widthAt(level, index, this.size);
    return width === 0 ? [] : [...(await readTile(this.source, level, index, width)).hashes];
  }

  /** Compares every tile above level 0. @returns the first hash of the lowest level that is wrong */
  private async compareTiles(): Promise<Mismatch | undefined> {
    let first: Mismatch | undefined;
    for (let level = 1; level < this.levels; level++) {
      for (let index = 0; widthAt(level, index, this.size) > 0; index++) {
        const made = this.made(level, index);
        if (made.length === WIDTH) {
          const above = this.rows[level] ?? new Row();
          above.push(rootOf(made));
          this.rows[level] = above;
        }
        const stored = await this.stored(level, index);
        this.tiles += 1;
        for (const [i, hash] of made.entries()) {
          if (first !== undefined || stored[i]?.equals(hash) === true) continue;
          first = { level, position: index * WIDTH + i, stored: stored[i] ?? EMPTY_ROOT, made: hash };
        }
      }
    }
    return first;
  }

  /** What is wrong first, or undefined where entries and tiles make the root. To be called when all bundles were taken. */
  async judge(): Promise<Problem | undefined> {
    const mismatch = await this.compareTiles();
    const made = this.madeEdges();
    const isRoot = rootOfEdges(made).equals(this.root);
    if (this.firstDiffering === undefined && mismatch === undefined) {
      return isRoot ? undefined : { step: "tiles", says: this.otherRoot(rootOfEdges(made)) };
    }
    const confirmed = isRoot ? made : await this.confirmedEdges(made);
    if (this.firstDiffering !== undefined) return this.entryOrTile(this.firstDiffering, confirmed);
    return mismatch === undefined ? undefined : this.tileOrBelow(mismatch, confirmed);
  }

  private otherRoot(root: Buffer): string {
    return (
      `entries and tiles agree with each other, and make the root ${root.toString("base64")}, ` +
      `where the checkpoint signs ${this.root.toString("base64")}: they are not what was signed`
    );
  }

  /** The right edge that makes the root, each level's as it was stored or made anew; undefined where none does. */
  private async confirmedEdges(made: readonly Buffer[][]): Promise<readonly Buffer[][] | undefined> {
    const stored = await this.storedEdges();
    for (let choice = 1; choice < 2 ** made.length; choice++) {
      const edges = made.map((edge, level) =>
        Math.floor(choice / 2 ** level) % 2 === 1 ? (stored[level] ?? []) : edge,
      );
      if (rootOfEdges(edges).equals(this.root)) return edges;
    }
    return undefined;
  }

  private async hashMade(level: number, position: number): Promise<Buffer | undefined> {
    const index = Math.floor(position / WIDTH);
    if (level > 0) return this.made(level, index)[position % WIDTH];
    const { bytes, offsets } = await readBundle(this.source, index, widthAt(0, index, this.size));
    const entry = entriesIn(bytes, offsets)[position % WIDTH];
    return entry === undefined ? undefined : leafHash(entry);
  }

  /** The hash that the root confirms at this place; undefined where the tiles on the way to it are not what it confirms. */
  private async confirmed(
    level: number,
    position: number,
    edges: readonly Buffer[][] | undefined,
  ): Promise<Buffer | undefined> {
    if (edges === undefined) return undefined;
    const start = this.edgeStart(level);
    if (position >= start) return edges[level]?.[position - start];
    const index = Math.floor(position / WIDTH);
    const above = await this.confirmed(level + 1, index, edges);
    if (above === undefined) return undefined;
    if ((await this.hashMade(level + 1, index))?.equals(above) === true) return this.hashMade(level, position);
    const stored = await this.stored(level, index);
    return rootOf(stored).equals(above) ? stored[position % WIDTH] : undefined;
  }

  private async entryOrTile(differing: Differing, edges: readonly Buffer[][] | undefined): Promise<Problem> {
    const { index, file, byte, tile, at, belongsAt } = differing;
    const confirmed = await this.confirmed(0, index, edges);
    const isEntry = confirmed !== undefined && (await this.hashMade(0, index))?.equals(confirmed) !== true;
    const says = [`its SHA-256 is not the one in ${tile} at ${at} (byte ${at * HASH_BYTES})`];
    if (belongsAt !== undefined) says.push(`this entry belongs at ${belongsAt}`);
    if (confirmed === undefined) says.push("which of the two was changed cannot be known: the root confirms neither");
    else if (isEntry) says.push("the signed root confirms the tile: the entry was changed");
    else says.push("the signed root confirms the entry: the tile was changed");
    const further = this.differing - 1;
    if (further > 0)
      says.push(`${further} further ${further === 1 ? "entry differs" : "entries differ"} from the tiles`);
    const problem = { file, index, byte, says: says.join("; ") };
    if (isEntry || confirmed === undefined) return { step: "entries", ...problem };
    return {
      step: "tiles",
      file: tile,
      byte: at * HASH_BYTES,
      index,
      says: `the hash here is not that of the entry in ${file} at byte ${byte}; ${says.slice(belongsAt === undefined ? 1 : 2).join("; ")}`,
    };
  }

  private async tileOrBelow(
    { level, position, stored, made }: Mismatch,
    edges: readonly Buffer[][] | undefined,
  ): Promise<Problem> {
    const index = Math.floor(position / WIDTH);
    const at = position % WIDTH;
    const file = tilePath(level, index, widthAt(level, index, this.size));
    const below = tilePath(level - 1, position);
    const span = WIDTH ** level;
    const entries = `entries ${position * span} to ${(position + 1) * span - 1}`;
    const confirmed = await this.confirmed(level, position, edges);
    const says =
      confirmed === undefined
        ? "which of the two was changed cannot be known: the root confirms neither"
        : confirmed.equals(made)
          ? `the signed root confirms ${below}: this tile was changed`
          : confirmed.equals(stored)
            ? `the signed root confirms this tile: ${entries} and ${below} were changed together`
            : "the signed root confirms neither";
    return {
      step: "tiles",
      file,
      byte: at * HASH_BYTES,
      says: `the hash at ${at} is not that of ${below} (${entries}); ${says}`,
    };
  }
}
