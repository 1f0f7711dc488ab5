/**
 * The record beside the log's key: which tree it signed last. It stands with the key, not with the log, so that a log restored from a
 * backup is not signed a second time with another history.
 *
 * Two slots of a block each, written in turn and in place: a torn write spoils one of them, and the other says what was signed before.
 *
 *     0      one line of JSON, spaces, line feed
 *     4096   one line of JSON, spaces, line feed
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { FileOps } from "./fileops.js";

/** A page of every file system here; a disk writes a sector, at most this, whole or not at all. */
const SLOT_BYTES = 4096;
const SLOTS = 2;

const slotSchema = z.strictObject({
  origin: z.string(),
  size: z.int().nonnegative(),
  root: z.string().regex(/^[0-9a-f]{64}$/),
  /** Over the line without this member. */
  sha256: z.string(),
});

export interface SignedTree {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

const content = ({ origin, size, root }: SignedTree): { origin: string; size: number; root: string } => ({
  origin,
  size,
  root: root.toString("hex"),
});

const checksum = (tree: SignedTree): string =>
  createHash("sha256")
    .update(JSON.stringify(content(tree)))
    .digest("hex");

function encode(tree: SignedTree): Buffer {
  const slot = Buffer.alloc(SLOT_BYTES, " ");
  slot.write(JSON.stringify({ ...content(tree), sha256: checksum(tree) }));
  slot.write("\n", SLOT_BYTES - 1);
  return slot;
}

/** Undefined for what a torn write left. */
function decode(slot: Buffer): SignedTree | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(slot.toString("utf8"));
  } catch {
    return undefined; // Torn: the other slot counts.
  }
  const found = slotSchema.safeParse(parsed);
  if (!found.success) return undefined;
  const tree = { origin: found.data.origin, size: found.data.size, root: Buffer.from(found.data.root, "hex") };
  return checksum(tree) === found.data.sha256 ? tree : undefined;
}

/** The file's text of a log that has signed this tree and nothing else. */
export const newSignedRecord = (tree: SignedTree): string => encode(tree).toString("utf8").repeat(SLOTS);

const slotsOf = (bytes: Buffer): (SignedTree | undefined)[] =>
  Array.from({ length: SLOTS }, (_, i) => decode(bytes.subarray(i * SLOT_BYTES, (i + 1) * SLOT_BYTES)));

const damaged = (path: string): UserError =>
  new UserError(`The record of what the ledger's key signed, ${visible(path)}, is damaged.`, {
    hint: "Nothing is signed without it. Bring it back, or open a new ledger for what comes from now on.",
  });

export class SignedRecord {
  private constructor(
    private readonly files: FileOps,
    private readonly path: string,
    private bytes: Buffer,
    /** Which slot holds `newest`. */
    private slot: number,
    private newest: SignedTree,
    /** What, when this was opened, had been signed before that; undefined where a write tore it. */
    readonly before: SignedTree | undefined,
  ) {}

  static async open(files: FileOps, path: string): Promise<SignedRecord> {
    const bytes = await files.read(path, SLOTS * SLOT_BYTES);
    if (bytes === undefined) {
      throw new UserError(`There is no record of what the ledger's key signed: ${visible(path)} is missing.`, {
        hint: "It belongs beside the key, wherever the key goes: bring it along. Without it nothing is signed.",
      });
    }
    const slots = slotsOf(bytes);
    const sizes = slots.map((tree) => tree?.size ?? -1);
    const slot = sizes.indexOf(Math.max(...sizes));
    const last = slots[slot];
    if (last === undefined || bytes.length !== SLOTS * SLOT_BYTES) throw damaged(path);
    return new SignedRecord(files, path, bytes, slot, last, slots[1 - slot]);
  }

  /** What was signed last. */
  get last(): SignedTree {
    return this.newest;
  }

  /** Puts what was signed last on the disk, where a crash may have left it on the way. */
  sync(): Promise<void> {
    const offset = this.slot * SLOT_BYTES;
    return this.files.overwrite(this.path, offset, this.bytes.subarray(offset, offset + SLOT_BYTES));
  }

  /** On the disk when this resolves: then, and only then, the tree may be signed. */
  async put(tree: SignedTree): Promise<void> {
    const there = await this.files.read(this.path, SLOTS * SLOT_BYTES);
    if (there?.equals(this.bytes) !== true) {
      throw new UserError(`Somebody else has written ${visible(this.path)}: another ledger signs with this key.`, {
        hint: "A key belongs to one ledger. End the other process, then start this one again.",
      });
    }
    const slot = 1 - this.slot;
    const encoded = encode(tree);
    await this.files.overwrite(this.path, slot * SLOT_BYTES, encoded);
    encoded.copy(this.bytes, slot * SLOT_BYTES);
    this.slot = slot;
    this.newest = tree;
  }
}
