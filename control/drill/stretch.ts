/**
 * A ledger from its checkpoint before a drill on: each entry since is hashed, and they must make the root that is signed next. So
 * nothing was changed, put between or left out, before the drill or since; what the entries mean says `glassgate ledger verify`.
 */
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { type ReadEntry, readDecoded } from "../ledger/audit/reader.js";
import { openSigned, readCheckpoint } from "../ledger/audit/signed.js";
import type { TileSource } from "../ledger/log.js";
import { openingOf, sealOf } from "../ledger/shard.js";
import { type Checkpoint, parseCheckpoint } from "../ledger/tlog/checkpoint.js";
import { type Edge, edgeRoot, grow, readEdge } from "../ledger/tlog/edge.js";
import type { Vkey } from "../ledger/tlog/note.js";

/** In one go, so that what is read stays small. */
const AT_ONCE = 4096;

/** The end of a shard (docs/ledger-shards.md). */
const sealed = (name: string, next: string): UserError =>
  new UserError(`The ledger ${visible(name)} is sealed, and goes on as ${visible(next)}.`, {
    hint: "Name that one and its key in `ledger` of the drill file, and hold the drill again: what comes now stands there.",
  });

async function entryAt(log: TileSource, size: number, index: number): Promise<ReadEntry | undefined> {
  for await (const entry of readDecoded(log, size, index, index + 1)) return entry;
  return undefined;
}

/** Whether another log stands in its place that goes on from it: the end of a shard was reached. */
async function successorThere(log: TileSource, key: Vkey): Promise<string | undefined> {
  try {
    const { origin, size } = parseCheckpoint(await readCheckpoint(log));
    if (origin === key.name || size === 0) return undefined;
    const first = await entryAt(log, size, 0);
    return first !== undefined && openingOf(first.body)?.predecessor.origin === key.name ? origin : undefined;
  } catch (error) {
    if (error instanceof UserError) return undefined; // The first error says what is wrong.
    throw error;
  }
}

async function opened(log: TileSource, key: Vkey): Promise<Checkpoint> {
  try {
    return await openSigned(log, key);
  } catch (error) {
    const next = error instanceof UserError ? await successorThere(log, key) : undefined;
    throw next === undefined ? error : sealed(key.name, next);
  }
}

export class Stretch {
  private constructor(
    private readonly log: TileSource,
    private readonly key: Vkey,
    private edge: Edge,
    /** How many entries it had before. */
    readonly began: number,
  ) {}

  /** The log that its last entry names. */
  private next: string | undefined;

  /** From where it stands now. @throws UserError where it does not hold, or takes nothing in any more */
  static async from(log: TileSource, key: Vkey): Promise<Stretch> {
    const { size, root } = await opened(log, key);
    const edge = await readEdge(log, size);
    if (!edgeRoot(edge).equals(root))
      throw new UserError(`The ledger's tiles are not those of its checkpoint of ${size} entries.`, {
        exitCode: 1,
        hint: "`glassgate ledger verify` names the place.",
      });
    const last = size === 0 ? undefined : await entryAt(log, size, size - 1);
    const next = sealOf(last?.bytes);
    if (next !== undefined) throw sealed(key.name, next.origin);
    return new Stretch(log, key, edge, size);
  }

  /** What came since, once all of it is known to be what was signed. @returns the checkpoint that says so */
  async read(take: (entry: ReadEntry) => void): Promise<Checkpoint> {
    const checkpoint = await opened(this.log, this.key);
    const { size, root } = checkpoint;
    if (size < this.edge.size)
      throw new UserError(
        `The ledger was rewritten while the drill ran: ${this.edge.size} entries were there, and now there are ${size}.`,
        { exitCode: 1, hint: "Keep the checkpoint that you have; `glassgate ledger verify --since` names the place." },
      );
    let edge = this.edge;
    const entries: ReadEntry[] = [];
    let some: Buffer[] = [];
    const put = (): void => {
      edge = grow(edge, some).edge;
      some = [];
    };
    for await (const entry of readDecoded(this.log, size, edge.size, size)) {
      entries.push(entry);
      some.push(Buffer.from(entry.bytes));
      if (some.length === AT_ONCE) put();
    }
    put();
    if (!edgeRoot(edge).equals(root))
      throw new UserError(
        `The ledger was rewritten while the drill ran: entries 0 to ${size - 1} do not make the root that it signed.`,
        { exitCode: 1, hint: "`glassgate ledger verify` names the place. Keep the checkpoint that you have." },
      );
    this.edge = edge;
    this.next ??= sealOf(entries.at(-1)?.bytes)?.origin;
    for (const entry of entries) take(entry);
    return checkpoint;
  }

  /** @throws UserError where the drill reached the shard's end: what came later stands elsewhere */
  mustGoOn(): void {
    if (this.next !== undefined) throw sealed(this.key.name, this.next);
  }
}
