/** Proofs of inclusion and of consistency (RFC 6962, sections 2.1.1 and 2.1.2), and the file of C2SP tlog-proof. */
import { UserError } from "../../base/errors.js";
import type { TileSource } from "../log.js";
import { parseCheckpoint, parseCount } from "./checkpoint.js";
import { fromBase64, MAX_NOTE_BYTES } from "./note.js";
import { Subtrees } from "./read.js";
import { EMPTY_ROOT, HASH_BYTES, nodeHash, splitOf } from "./tree.js";

/** A tree has at most 2^53 - 1 entries. */
const MAX_PROOF_HASHES = 53;
/** Extra data that nobody authenticates; enough for a record. */
const MAX_EXTRA_BYTES = 128 * 1024;
const MAX_PROOF_BYTES = MAX_NOTE_BYTES + 2 * MAX_EXTRA_BYTES;

const isCount = (count: number): boolean => Number.isSafeInteger(count) && count >= 0;

/**
 * @param there of the tree whose tiles are read, where that is a larger one: partial tiles of a smaller one may be gone
 * @returns from the leaf's neighbour up to the root's child
 */
export async function inclusionProof(source: TileSource, index: number, size: number, there = size): Promise<Buffer[]> {
  if (!isCount(index) || !isCount(size) || index >= size) throw new RangeError("no such entry in a tree of this size");
  if (there < size) throw new RangeError("no such tree in a smaller one");
  const subtrees = new Subtrees(source, there);
  const proof: Buffer[] = [];
  for (let [begin, end] = [0, size]; end - begin > 1; ) {
    const middle = begin + splitOf(end - begin);
    if (index < middle) {
      proof.push(await subtrees.hash(middle, end));
      end = middle;
    } else {
      proof.push(await subtrees.hash(begin, middle));
      begin = middle;
    }
  }
  return proof.reverse();
}

/** Empty from nothing, and from a size to itself. */
export async function consistencyProof(source: TileSource, from: number, to: number): Promise<Buffer[]> {
  if (!isCount(from) || !isCount(to) || from > to) throw new RangeError("a tree does not shrink");
  if (from === 0 || from === to) return [];
  const subtrees = new Subtrees(source, to);
  const proof: Buffer[] = [];
  let [begin, end] = [0, to];
  while (from !== end) {
    const middle = begin + splitOf(end - begin);
    if (from <= middle) {
      proof.push(await subtrees.hash(middle, end));
      end = middle;
    } else {
      proof.push(await subtrees.hash(begin, middle));
      begin = middle;
    }
  }
  // The whole old tree is known to whoever checks; a part of it is not.
  if (begin !== 0) proof.push(await subtrees.hash(begin, end));
  return proof.reverse();
}

/** The root that the proof leads to; undefined where it is too short. Takes from the end of `rest` what it uses. */
function rootFrom(leaf: Buffer, index: number, size: number, rest: Buffer[]): Buffer | undefined {
  if (size === 1) return leaf;
  const neighbour = rest.pop();
  const half = splitOf(size);
  const own = index < half ? rootFrom(leaf, index, half, rest) : rootFrom(leaf, index - half, size - half, rest);
  if (neighbour === undefined || own === undefined) return undefined;
  return index < half ? nodeHash(own, neighbour) : nodeHash(neighbour, own);
}

const areHashes = (proof: readonly Buffer[]): boolean =>
  proof.length <= MAX_PROOF_HASHES && proof.every((hash) => hash.length === HASH_BYTES);

/** @param leaf its leafHash */
export function verifyInclusion(
  leaf: Buffer,
  index: number,
  size: number,
  root: Buffer,
  proof: readonly Buffer[],
): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || !areHashes(proof)) return false;
  const rest = [...proof];
  return rootFrom(leaf, index, size, rest)?.equals(root) === true && rest.length === 0;
}

interface Roots {
  readonly from: Buffer;
  readonly to: Buffer;
}

/** The roots of both trees that the proof leads to. @param whole whether this part begins where the trees do */
function rootsFrom(from: number, to: number, fromRoot: Buffer, rest: Buffer[], whole: boolean): Roots | undefined {
  if (from === to) {
    const own = whole ? fromRoot : rest.pop();
    return own === undefined ? undefined : { from: own, to: own };
  }
  const neighbour = rest.pop();
  const half = splitOf(to);
  if (neighbour === undefined) return undefined;
  if (from <= half) {
    const left = rootsFrom(from, half, fromRoot, rest, whole);
    return left && { from: left.from, to: nodeHash(left.to, neighbour) };
  }
  const right = rootsFrom(from - half, to - half, fromRoot, rest, false);
  return right && { from: nodeHash(neighbour, right.from), to: nodeHash(neighbour, right.to) };
}

export function verifyConsistency(
  fromSize: number,
  fromRoot: Buffer,
  toSize: number,
  toRoot: Buffer,
  proof: readonly Buffer[],
): boolean {
  if (!isCount(fromSize) || !isCount(toSize) || fromSize > toSize || !areHashes(proof)) return false;
  if (fromSize === 0) return proof.length === 0 && fromRoot.equals(EMPTY_ROOT);
  const rest = [...proof];
  const roots = rootsFrom(fromSize, toSize, fromRoot, rest, true);
  return rest.length === 0 && roots?.from.equals(fromRoot) === true && roots.to.equals(toRoot);
}

export interface TlogProof {
  readonly index: number;
  readonly proof: readonly Buffer[];
  /** The checkpoint, verbatim. */
  readonly checkpoint: string;
  /** Authenticated by nothing. */
  readonly extra?: Buffer;
}

const FIRST_LINE = "c2sp.org/tlog-proof@v1";

export function makeTlogProof({ index, proof, checkpoint, extra }: TlogProof): string {
  return [
    FIRST_LINE,
    ...(extra === undefined ? [] : [`extra ${extra.toString("base64")}`]),
    `index ${index}`,
    ...proof.map((hash) => hash.toString("base64")),
    "",
    checkpoint,
  ].join("\n");
}

const malformed = (what: string): UserError => new UserError(`This is no tlog-proof: ${what}.`);

/** Its parts, of which nothing is verified. */
export function parseTlogProof(text: string): TlogProof {
  if (text.length > MAX_PROOF_BYTES) throw malformed("it is too large");
  const end = text.indexOf("\n\n");
  if (end < 0) throw malformed("it has no empty line before its checkpoint");
  const lines = text.slice(0, end).split("\n");
  if (lines.shift() !== FIRST_LINE) throw malformed(`its first line is not ${FIRST_LINE}`);
  let extra: Buffer | undefined;
  if (lines[0]?.startsWith("extra ") === true) {
    extra = fromBase64(lines.shift()?.slice("extra ".length) ?? "");
    if (extra === undefined || extra.length > MAX_EXTRA_BYTES) throw malformed("its extra data is not base64");
  }
  const index = parseCount(/^index (.*)$/.exec(lines.shift() ?? "")?.[1] ?? "");
  if (index === undefined) throw malformed("it has no index");
  if (lines.length > MAX_PROOF_HASHES) throw malformed("it has more hashes than a tree has levels");
  const proof = lines.map((line) => {
    const hash = fromBase64(line);
    if (hash?.length !== HASH_BYTES) throw malformed("one of its lines is no SHA-256 hash");
    return hash;
  });
  const checkpoint = text.slice(end + 2);
  parseCheckpoint(checkpoint);
  return extra === undefined ? { index, proof, checkpoint } : { index, proof, checkpoint, extra };
}
