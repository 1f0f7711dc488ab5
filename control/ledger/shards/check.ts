/**
 * Shards as one history: from the newest one's checkpoint, which is trusted by its key, back to the oldest whose files are there. Each
 * opens with the last checkpoint of the one before it, so nothing in any of them can have been changed, removed or put between.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { carriedSchema } from "../chain/carry.js";
import { readJson } from "../chain/json.js";
import type { TileSource } from "../log.js";
import { type Opening, openingOf, type Predecessor, sealOfBody } from "../shard.js";
import { type Checkpoint, openCheckpoint } from "../tlog/checkpoint.js";
import { decodeNote, parseVkey, type Vkey } from "../tlog/note.js";
import { Older } from "./carried.js";
import { wholeEntries } from "./entries.js";

export interface ShardFiles {
  /** For people. */
  readonly name: string;
  readonly source: TileSource;
}

export interface CheckedShard {
  readonly name: string;
  readonly checkpoint: Checkpoint;
  readonly vkey: string;
  /** Whose last checkpoint it opens with; undefined for a first one. */
  readonly predecessor: Predecessor | undefined;
}

const wrong = (message: string, hint?: string): UserError =>
  new UserError(message, { exitCode: 1, ...(hint === undefined ? {} : { hint }) });

interface Head {
  readonly vm: string;
  readonly seq: number;
  readonly sha256: string;
}

const nameSchema = z.looseObject({ vm: z.string(), seq: z.int() });
const keyOf = ({ vm, seq, sha256 }: Head): string => `${sha256} ${seq} ${vm}`;

/** The heads of chains that went along, of which the record must be in the shard that they come from, or have come along there. */
class Heads {
  private readonly open: Map<string, Head>;
  /** So that other records need not be read. */
  private readonly hashes: ReadonlySet<string>;
  constructor(opening: Opening | undefined) {
    const vms = (carriedSchema.safeParse(opening?.carried).data?.vms ?? []).filter(({ seq }) => seq > 0);
    this.open = new Map(vms.map((head) => [keyOf(head), head]));
    this.hashes = new Set(vms.map(({ sha256 }) => sha256));
  }

  /** That record is there: it counts for the chain and place that it names itself. */
  takeRecord(body: Buffer): void {
    if (this.open.size === 0) return;
    const sha256 = createHash("sha256").update(body).digest("hex");
    if (!this.hashes.has(sha256)) return;
    const read = readJson(body);
    const named = "fault" in read ? undefined : nameSchema.safeParse(read.value).data;
    if (named !== undefined) this.open.delete(keyOf({ vm: named.vm, seq: named.seq, sha256 }));
  }

  /** These came along there, and are that shard's predecessor's to show. */
  takeCarried({ open }: Heads): void {
    for (const key of open.keys()) this.open.delete(key);
  }

  /** The first of which there is no record. */
  get missing(): string | undefined {
    const [head] = this.open.values();
    return head && `seq ${head.seq} of ${head.vm}`;
  }
}

interface Read {
  readonly opening: Opening | undefined;
  /** Whom its last entry names. */
  readonly next: string | undefined;
}

/** @param older undefined for the newest, from which nothing went along */
async function readShard(
  { name, source }: ShardFiles,
  checkpoint: Checkpoint,
  heads: Heads,
  older: Older | undefined,
): Promise<Read> {
  let opening: Opening | undefined;
  let next: string | undefined;
  for await (const { index, entry } of wholeEntries(source, checkpoint)) {
    const { head, body } = entry;
    if (next !== undefined) throw wrong(`${name}: entry ${index} stands behind the one that seals it.`);
    if (head.type === "shard") {
      next = sealOfBody(body)?.origin;
      if (index === 0) opening = openingOf(body);
      if (next === undefined && opening === undefined)
        throw wrong(`${name}: entry ${index} is no shard's first or last.`);
      if (index > 0 && next === undefined) throw wrong(`${name}: entry ${index} opens a shard, and is not its first.`);
    }
    if (head.type === "record") heads.takeRecord(body);
    older?.take(index, entry);
  }
  heads.takeCarried(new Heads(opening));
  return { opening, next };
}

async function checkpointOf({ name, source }: ShardFiles, key: Vkey): Promise<Checkpoint> {
  const note = await source.read("checkpoint");
  if (note === undefined) throw wrong(`${name} has no checkpoint: it is no ledger.`);
  try {
    return openCheckpoint(decodeNote(note), key);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw wrong(`${name}: ${error.message}`, error.hint);
  }
}

/**
 * @param shards the newest first; @param key of the newest
 * @throws UserError at the first thing that does not fit
 */
export async function* checkShards(
  shards: readonly ShardFiles[],
  key: Vkey,
): AsyncGenerator<CheckedShard, void, undefined> {
  let expected: { by: CheckedShard; predecessor: Predecessor; heads: Heads; older: Older } | undefined;
  for (const [i, shard] of shards.entries()) {
    if (i > 0 && expected === undefined)
      throw wrong(`${shards[i - 1]?.name ?? ""} is a first shard: nothing comes before it, and not ${shard.name}.`);
    const vkey = expected === undefined ? key : parseVkey(expected.predecessor.vkey);
    const checkpoint = await checkpointOf(shard, vkey);
    if (expected !== undefined) mustBeLast(shard.name, checkpoint, expected.predecessor, expected.by);
    const heads = expected?.heads ?? new Heads(undefined);
    const { opening, next } = await readShard(shard, checkpoint, heads, expected?.older);
    if (expected !== undefined && next !== expected.by.checkpoint.origin)
      throw wrong(`${shard.name} does not end by naming ${visible(expected.by.checkpoint.origin)} as its successor.`);
    const { missing } = heads;
    if (missing !== undefined && expected !== undefined)
      throw wrong(`${expected.by.name} goes on from ${visible(missing)}, and ${shard.name} has no such record.`);
    const fault = expected?.older.fault;
    if (expected !== undefined && fault !== undefined)
      throw wrong(`${expected.by.name} does not go on from what was open in ${shard.name}: ${fault}.`);
    const checked = { name: shard.name, checkpoint, vkey: vkey.text, predecessor: opening?.predecessor };
    expected = opening && {
      ...{ by: checked, predecessor: opening.predecessor },
      ...{ heads: new Heads(opening), older: new Older(opening.carried) },
    };
    yield checked;
  }
}

/** The files are of the very tree whose checkpoint the successor has, whatever other signatures stand under it. */
function mustBeLast(
  name: string,
  found: Checkpoint,
  { origin, vkey, checkpoint }: Predecessor,
  by: CheckedShard,
): void {
  const last = openCheckpoint(checkpoint, parseVkey(vkey));
  if (found.origin === origin && last.size === found.size && last.root.equals(found.root)) return;
  throw wrong(
    `${name} is not what ${visible(by.checkpoint.origin)} goes on from: it has ${found.size} entries, and ${last.size} were signed there${last.size === found.size ? ", others" : ""}.`,
    "Something in it was changed or removed since, or it is an older copy.",
  );
}
