/**
 * The next shard (docs/ledger-shards.md), in steps of which each is done once, however often this is run:
 *
 *     made      the successor's folder and key, empty
 *     sealed    the last entry of the old log names the successor; nothing is signed behind it
 *     opened    the first entry of the new log has the old one's last checkpoint, and what is open
 */
import { randomBytes } from "node:crypto";
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { apply } from "../chain/apply.js";
import { type Carried, carry } from "../chain/carry.js";
import { wholeEntry } from "../chain/reading.js";
import { type Grace, type Pins, type Rules, rulesOf } from "../chain/rules.js";
import { newState, type State } from "../chain/state.js";
import { type EntryHead, encodeEntry, MAX_BODY_BYTES } from "../entry.js";
import { openFilesLog, Sealed } from "../log/files.js";
import type { LogSigner } from "../log/key.js";
import type { Log, TileSource } from "../log.js";
import { encodeOpening, encodeSeal, type Predecessor, type Successor, shardHead } from "../shard.js";
import { type Checkpoint, openCheckpoint } from "../tlog/checkpoint.js";
import { decodeNote, parseVkey } from "../tlog/note.js";
import { fileSource, readEntries } from "../tlog/read.js";
import { wholeEntries } from "./entries.js";
import { openingIn } from "./opening.js";

export interface Shard {
  readonly folder: string;
  readonly signer: LogSigner;
  readonly signedPath: string;
}

export interface NextOptions {
  readonly old: Shard;
  /** Made already, and empty; or opened by this before. */
  readonly fresh: Shard;
  readonly pins: Pins;
  readonly grace?: Partial<Grace>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly progress?: (done: number, of: number) => void;
  /** What else is to be brought along, between the two: nobody writes to either of them then. May be called again. */
  readonly bring?: () => void;
}

export interface Next {
  /** The old one's last checkpoint. */
  readonly sealed: Checkpoint;
  /** Chains that go on. */
  readonly vms: number;
  readonly openGaps: number;
  /** Everything had been done before. */
  readonly wasDone: boolean;
}

const HOLDER = "glassgate ledger next";

function mustBeThis(found: Successor, wanted: Successor, folder: string): void {
  if (found.origin === wanted.origin && found.vkey === wanted.vkey) return;
  throw new UserError(`${visible(folder)} is sealed already, and its successor is ${visible(found.origin)}.`, {
    hint: "A ledger has one successor. Name that one; if its key is another than the one here, bring that key.",
    exitCode: 1,
  });
}

/** The newest version, and each that a VM decided by last. */
function namedBundles({ bundles }: State, rules: Rules, { deciders }: Carried): number[] {
  const indices: number[] = [];
  for (const [which, versions] of bundles.known) {
    const named = deciders.filter(({ key }) => rules.byHash.get(key.split("\n").at(-1) ?? "")?.which === which);
    const least = Math.min(Math.max(...versions.keys()), ...named.map(({ version }) => version));
    for (const [version, { index }] of versions) if (version >= least) indices.push(index);
  }
  return [...new Set(indices)].sort((a, b) => a - b);
}

interface Open {
  readonly carried: Carried;
  /** Bundles, and urgent revocations beside them: each proves itself. */
  readonly trust: readonly { readonly type: "bundle" | "text"; readonly body: Buffer }[];
}

/** What is open at the end of the old log, of which every entry is looked at. */
async function whatIsOpen(source: TileSource, checkpoint: Checkpoint, options: NextOptions): Promise<Open> {
  const rules = rulesOf({ origin: checkpoint.origin, ...options.pins }, options.grace);
  const state = newState(randomBytes(32));
  for await (const { index, entry } of wholeEntries(source, checkpoint)) {
    apply(state, rules, index, entry);
    if (index % 65_536 === 0) options.progress?.(index, checkpoint.size);
  }
  const carried = carry(state);
  const trust: Open["trust"][number][] = [];
  for (const index of namedBundles(state, rules, carried)) {
    for await (const { bytes } of readEntries(source, checkpoint.size, index, index + 1)) {
      const entry = await wholeEntry(source, bytes);
      if (entry !== undefined) trust.push({ type: "bundle", body: entry.body });
    }
  }
  for (const { text } of state.texts.known.all.values()) trust.push({ type: "text", body: Buffer.from(text) });
  return { carried, trust };
}

interface SealedShard {
  readonly sealed: Checkpoint;
  readonly open: Open;
}

/** Reads all of it first: what cannot be read is not sealed, as nothing could go on from it. */
async function seal(source: TileSource, old: Shard, successor: Successor, options: NextOptions): Promise<SealedShard> {
  let log: Log;
  try {
    log = await openFilesLog({ ...old, holder: HOLDER });
  } catch (error) {
    if (!(error instanceof Sealed)) throw error;
    mustBeThis(error.next, successor, old.folder);
    const sealed = await checkpointOf(source, old);
    return { sealed, open: await whatIsOpen(source, sealed, options) };
  }
  try {
    const open = await whatIsOpen(source, await checkpointOf(source, old), options);
    await log.append([encodeEntry({ head: shardHead(options.clock()), body: encodeSeal(successor) })]);
    return { sealed: await checkpointOf(source, old), open };
  } finally {
    await log.close();
  }
}

async function makeEntry(log: Log, head: EntryHead, body: Buffer): Promise<Buffer> {
  if (body.length <= MAX_BODY_BYTES) return encodeEntry({ head, body });
  return encodeEntry({
    head: { ...head, sha256: await log.putBlob(body), bytes: body.length },
    body: Buffer.alloc(0),
  });
}

async function checkpointOf(source: TileSource, { folder, signer }: Shard): Promise<Checkpoint> {
  const note = await source.read("checkpoint");
  if (note === undefined) throw new UserError(`${visible(folder)} is no ledger: it has no checkpoint.`);
  return openCheckpoint(decodeNote(note), parseVkey(signer.vkey));
}

const predecessorOf = ({ signer: { origin, vkey } }: Shard, { text: checkpoint }: Checkpoint): Predecessor => ({
  origin,
  vkey,
  checkpoint,
});

const isSame = (a: Predecessor, b: Predecessor): boolean =>
  a.origin === b.origin && a.vkey === b.vkey && a.checkpoint === b.checkpoint;

export async function nextShard(options: NextOptions): Promise<Next> {
  const { old, fresh, clock } = options;
  const { origin, vkey } = fresh.signer;
  if (origin === old.signer.origin)
    throw new UserError(`${visible(origin)} is the name of the old ledger: the new one needs another.`, {
      hint: "The period is in the name: --origin ledger.example.com/eu/2026-12",
    });
  const source = fileSource(old.folder);
  // First: a log is sealed only for a successor that can go on from it, and that nobody else writes to.
  const log = await openFilesLog({ ...fresh, holder: HOLDER });
  try {
    if (log.size > 0) {
      const opening = await openingIn(log, log.size);
      const last = await checkpointOf(source, old);
      if (opening === undefined || !isSame(opening.predecessor, predecessorOf(old, last)))
        throw new UserError(
          `${visible(fresh.folder)} has entries, and is not the successor of ${visible(old.folder)}.`,
          {
            hint: "Name a new folder.",
            exitCode: 1,
          },
        );
      return { sealed: last, vms: 0, openGaps: 0, wasDone: true };
    }
    const { sealed, open } = await seal(source, old, { origin, vkey }, options);
    const { carried, trust } = open;
    const predecessor = predecessorOf(old, sealed);
    options.bring?.();
    const head = shardHead(clock());
    const entries = [await makeEntry(log, head, encodeOpening({ predecessor, carried }))];
    for (const { type, body } of trust) entries.push(await makeEntry(log, { ...head, type }, body));
    // One commit: either all of it is there, or the next run does it.
    await log.append(entries);
    const openGaps = carried.vms.reduce((sum, { missing }) => sum + missing.length, 0);
    return { sealed, vms: carried.vms.length, openGaps, wasDone: false };
  } finally {
    await log.close();
  }
}
