/** What an opened log may go on with: the tree of its checkpoint, or the one step beyond it that was signed and not published. */
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { TileSource } from "../log.js";
import { type Checkpoint, openCheckpoint } from "../tlog/checkpoint.js";
import { type Edge, edgeRoot, readEdge } from "../tlog/edge.js";
import { decodeNote, type Vkey } from "../tlog/note.js";
import { consistencyProof, verifyConsistency } from "../tlog/proof.js";
import type { SignedTree } from "./signed.js";

export interface Recovered {
  readonly edge: Edge;
  /** The checkpoint's text; undefined where the tree was signed and its checkpoint is still to be published. */
  readonly checkpoint: string | undefined;
}

/** What was signed, as far as the record beside the key knows: last, and before that. */
export interface Signed {
  readonly last: SignedTree;
  readonly before: SignedTree | undefined;
}

const READ_ONLY =
  "A ledger is never signed twice with two histories. Bring back the newer copy; or keep this one to read from, and open a new one with `glassgate ledger init` for what comes from now on.";

const refused = (message: string, hint = READ_ONLY): UserError => new UserError(message, { hint, exitCode: 1 });

const isSame = (tree: SignedTree | undefined, { size, root }: Checkpoint): boolean =>
  tree !== undefined && tree.size === size && tree.root.equals(root);

async function readCheckpoint(source: TileSource, folder: string, vkey: Vkey): Promise<Checkpoint> {
  const bytes = await source.read("checkpoint");
  if (bytes === undefined) {
    throw new UserError(`${visible(folder)} is no ledger: it has no checkpoint.`, {
      hint: "`glassgate ledger init` makes one. If this was one, restore it as a whole.",
    });
  }
  return openCheckpoint(decodeNote(bytes), vkey);
}

/** The edge of this tree. @throws where the files do not lead to its root */
async function edgeOf(source: TileSource, folder: string, size: number, root: Buffer): Promise<Edge> {
  const edge = await readEdge(source, size);
  if (edgeRoot(edge).equals(root)) return edge;
  throw refused(`The files in ${visible(folder)} are not those of the tree of ${size} entries that was signed.`);
}

export async function recover(source: TileSource, folder: string, vkey: Vkey, signed: Signed): Promise<Recovered> {
  const { last, before } = signed;
  if (last.origin !== vkey.name) {
    throw refused(
      `The record beside the key is of the ledger ${visible(last.origin)}, not of ${visible(vkey.name)}.`,
      "Use the key that belongs to this ledger.",
    );
  }
  const checkpoint = await readCheckpoint(source, folder, vkey);
  if (checkpoint.size > last.size) {
    throw refused(
      `The ledger has ${checkpoint.size} entries, but the record beside its key knows of ${last.size} that it signed: it is an older one.`,
      "Bring back the newer record, which belongs beside the key. Without it nobody knows what else was signed, and nothing is.",
    );
  }
  if (checkpoint.size === last.size && !last.root.equals(checkpoint.root)) {
    throw refused(`${visible(folder)} holds another history of ${last.size} entries than the one that its key signed.`);
  }
  if (isSame(last, checkpoint))
    return { edge: await edgeOf(source, folder, last.size, last.root), checkpoint: checkpoint.text };
  // A crash leaves the checkpoint exactly one step behind; anything else was put back.
  if (!isSame(before, checkpoint)) {
    throw refused(
      `${visible(folder)} holds ${checkpoint.size} entries, but its key has signed ${last.size}: this is an older copy.`,
    );
  }
  const edge = await edgeOf(source, folder, last.size, last.root);
  const proof = await consistencyProof(source, checkpoint.size, last.size);
  if (!verifyConsistency(checkpoint.size, checkpoint.root, last.size, last.root, proof))
    throw refused(`The tree of ${last.size} entries does not go on from the published one of ${checkpoint.size}.`);
  return { edge, checkpoint: undefined };
}
