/**
 * The files of a tree of one size, each verified before it is handed out: the right edge against the checkpoint's root, every full tile
 * against the hash above it, every bundle against its tile. What a store keeps for ever is then never a damaged disk's.
 */
import { createHash } from "node:crypto";
import { UserError } from "../../base/errors.js";
import { decodeEntry } from "../entry.js";
import type { TileSource } from "../log.js";
import type { Checkpoint } from "../tlog/checkpoint.js";
import { type Edge, edgeRoot, readEdge } from "../tlog/edge.js";
import { readBundle, readTile } from "../tlog/read.js";
import { countAt, entriesPath, makeBundle, TILE_WIDTH, tilePath } from "../tlog/tiles.js";
import { leafHash, rootOf } from "../tlog/tree.js";

export interface LogFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/** Tiles in memory: a parent serves its 256 children one after the other, at each of a few levels. */
const KEPT_TILES = 16;

const damaged = (what: string): UserError =>
  new UserError(`The log here is damaged: ${what}. It is not published.`, {
    exitCode: 1,
    hint: "`glassgate ledger verify` says what is wrong with it.",
  });

/** Full tiles at a level in a tree of this size. */
const fullAt = (level: number, size: number): number => Math.floor(countAt(level + 1, size));

export class VerifiedTree {
  private readonly tiles = new Map<string, Promise<Buffer[]>>();

  private constructor(
    private readonly source: TileSource,
    readonly size: number,
    private readonly edge: Edge,
  ) {}

  static async of(source: TileSource, { size, root }: Checkpoint): Promise<VerifiedTree> {
    const edge = await readEdge(source, size);
    if (!edgeRoot(edge).equals(root)) throw damaged("its tiles have another root than its checkpoint");
    return new VerifiedTree(source, size, edge);
  }

  private tile(level: number, index: number): Promise<Buffer[]> {
    if (index === fullAt(level, this.size)) return Promise.resolve([...(this.edge.levels[level] ?? [])]);
    const path = tilePath(level, index);
    const known = this.tiles.get(path) ?? this.readTile(level, index, path);
    this.tiles.delete(path);
    this.tiles.set(path, known);
    const [oldest] = this.tiles.keys();
    if (this.tiles.size > KEPT_TILES && oldest !== undefined) this.tiles.delete(oldest);
    return known;
  }

  private async readTile(level: number, index: number, path: string): Promise<Buffer[]> {
    const parent = await this.tile(level + 1, Math.floor(index / TILE_WIDTH));
    const hashes = await readTile(this.source, level, index, this.size);
    if (parent[index % TILE_WIDTH]?.equals(rootOf(hashes)) !== true)
      throw damaged(`${path} is not the one that the tile above it names`);
    return hashes;
  }

  /** A bundle and the bodies that its entries from `first` on have beside the log, which come before it. */
  private async bundle(index: number, first: number): Promise<LogFile[]> {
    const hashes = await this.tile(0, index);
    const entries = await readBundle(this.source, index, this.size);
    const path = entriesPath(index, entries.length);
    const files: LogFile[] = [];
    for (const [i, entry] of entries.entries()) {
      if (hashes[i]?.equals(leafHash(entry)) !== true)
        throw damaged(`entry ${index * TILE_WIDTH + i} in ${path} is not the one of its tile`);
      const head = decodeEntry(entry)?.head;
      if (head?.sha256 !== undefined && index * TILE_WIDTH + i >= first) files.push(await this.blob(head.sha256));
    }
    return [...files, { path, bytes: makeBundle(entries) }];
  }

  private async blob(sha256: string): Promise<LogFile> {
    const path = `blob/${sha256}`;
    const bytes = await this.source.read(path);
    if (bytes === undefined) throw damaged(`${path} is missing`);
    if (createHash("sha256").update(bytes).digest("hex") !== sha256) throw damaged(`${path} has other bytes`);
    return { path, bytes };
  }

  /** Functions that read one full bundle or tile each, of what a tree of `to` has and one of `from` has not. Both are multiples of 256. */
  *full(from: number, to: number): Generator<() => Promise<LogFile[]>> {
    for (let level = 0; fullAt(level, to) > 0; level++) {
      for (let index = fullAt(level, from); index < fullAt(level, to); index++) {
        if (level === 0) yield () => this.bundle(index, from);
        yield async () => [{ path: tilePath(level, index), bytes: Buffer.concat(await this.tile(level, index)) }];
      }
    }
  }

  /** The right edge: the partial tiles and bundle of exactly this size. @param from entries that were there before */
  *partial(from: number): Generator<() => Promise<LogFile[]>> {
    if (this.edge.entries.length > 0) yield () => this.bundle(Math.floor(this.size / TILE_WIDTH), from);
    for (const [level, hashes] of this.edge.levels.entries()) {
      const path = (): string => tilePath(level, fullAt(level, this.size), hashes.length);
      if (hashes.length > 0) yield async () => [{ path: path(), bytes: Buffer.concat(hashes) }];
    }
  }
}

/** Full files of the tree of this size whose partial ones a smaller tree had: those may go. */
export function* completed(from: number, to: number): Generator<string> {
  for (let level = 0; countAt(level, from) > 0; level++) {
    const index = fullAt(level, from);
    if (countAt(level, from) % TILE_WIDTH === 0 || index >= fullAt(level, to)) continue;
    yield tilePath(level, index);
    if (level === 0) yield entriesPath(index);
  }
}
