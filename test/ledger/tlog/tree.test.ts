/** The tree, its tiles and its proofs against RFC 6962 as it is written. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY_EDGE, edgeRoot, readEdge } from "../../../control/ledger/tlog/edge.js";
import {
  consistencyProof,
  inclusionProof,
  verifyConsistency,
  verifyInclusion,
} from "../../../control/ledger/tlog/proof.js";
import { readEntries, rootAt } from "../../../control/ledger/tlog/read.js";
import { entriesPath, makeBundle, parseBundle, TILE_WIDTH, tilePath } from "../../../control/ledger/tlog/tiles.js";
import { leafHash, rootOf } from "../../../control/ledger/tlog/tree.js";
import { entriesOf, MemoryLog, pathOf, subproofOf, treeHash } from "./memory.js";

const hex = (hashes: readonly Buffer[]): string => hashes.map((hash) => hash.toString("hex")).join(" ");

/** Around every edge of the tiles' first two levels. */
const SIZES = [0, 1, 2, 3, 7, 8, 9, 255, 256, 257, 511, 512, 513, 700];

describe("a tree", () => {
  it("has RFC 6962's root at every size, from the edge in memory and from the tiles", async () => {
    const log = new MemoryLog();
    for (const [i, size] of SIZES.entries()) {
      log.append(entriesOf(SIZES[i - 1] ?? 0, size));
      const root = treeHash(log.entries);
      expect(edgeRoot(log.edge)).toEqual(root);
      expect(await rootAt(log, size)).toEqual(root);
      const edge = await readEdge(log, size);
      expect(edge.levels.map(hex)).toEqual(log.edge.levels.map(hex));
      expect(hex(edge.entries)).toBe(hex(log.edge.entries));
      expect(rootOf(log.entries.map(leafHash))).toEqual(root);
    }
  });

  it("is the same whatever the batches were", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 6 }), (batches) => {
        const log = new MemoryLog();
        for (const count of batches) log.append(entriesOf(log.edge.size, log.edge.size + count));
        const whole = new MemoryLog();
        whole.append(log.entries);
        expect(edgeRoot(log.edge)).toEqual(edgeRoot(whole.edge));
        for (const [path, bytes] of whole.files) expect(log.files.get(path)?.equals(bytes)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it("has a second and a third level of tiles, which are full tiles' hashes", async () => {
    const log = new MemoryLog();
    const size = 65_536 + 256 + 3;
    log.append(entriesOf(0, size));
    expect(log.files.has(tilePath(2, 0, 1))).toBe(true);
    expect(log.files.has(tilePath(1, 1, 1))).toBe(true);
    expect(log.files.has(tilePath(0, 257, 3))).toBe(true);
    const root = rootOf(log.entries.map(leafHash));
    expect(edgeRoot(log.edge)).toEqual(root);
    expect(await rootAt(log, size)).toEqual(root);
    for (const index of [0, 255, 256, 65_535, 65_536, size - 1]) {
      const proof = await inclusionProof(log, index, size);
      expect(verifyInclusion(leafHash(log.entries[index] ?? Buffer.alloc(0)), index, size, root, proof)).toBe(true);
    }
    for (const from of [1, 256, 65_535, 65_536, 65_537, size - 1]) {
      const old = rootOf(log.entries.slice(0, from).map(leafHash));
      expect(verifyConsistency(from, old, size, root, await consistencyProof(log, from, size))).toBe(true);
    }
  });

  it("is read from the full tile once the partial one is gone", async () => {
    const log = new MemoryLog();
    log.append(entriesOf(0, 17));
    log.append(entriesOf(17, 300));
    for (const path of log.files.keys()) if (path.includes("000.p/")) log.files.delete(path);
    expect(await rootAt(log, 17)).toEqual(treeHash(entriesOf(0, 17)));
    const read: Buffer[] = [];
    for await (const { bytes } of readEntries(log, 17)) read.push(bytes);
    expect(read).toEqual(entriesOf(0, 17));
  });

  it("gives its entries from any to any", async () => {
    const log = new MemoryLog();
    log.append(entriesOf(0, 600));
    for (const [from, to] of [
      [0, 600],
      [0, 0],
      [255, 257],
      [300, 512],
      [599, 600],
    ] as const) {
      const read: number[] = [];
      for await (const { index, bytes } of readEntries(log, 600, from, to)) {
        expect(log.entries[index]?.equals(bytes)).toBe(true);
        read.push(index);
      }
      expect(read).toEqual(Array.from({ length: to - from }, (_, i) => from + i));
    }
    await expect(readEntries(log, 600, 0, 601).next()).rejects.toThrow(RangeError);
  });

  it("names the file that is missing, cut or too long", async () => {
    const log = new MemoryLog();
    log.append(entriesOf(0, 300));
    const path = entriesPath(1, 44);
    const bundle = log.files.get(path) ?? Buffer.alloc(0);
    const read = async (): Promise<void> => {
      for await (const _ of readEntries(log, 300));
    };
    log.files.set(path, bundle.subarray(0, -1));
    await expect(read()).rejects.toThrow(/tile\/entries\/001\.p\/44: .* cut within its entry 43/);
    log.files.set(path, Buffer.concat([bundle, Buffer.of(0)]));
    await expect(read()).rejects.toThrow(/goes on behind its 44 entries/);
    log.files.delete(path);
    await expect(read()).rejects.toThrow("tile/entries/001.p/44 is missing.");
    log.files.set(tilePath(0, 1, 44), Buffer.alloc(32));
    await expect(rootAt(log, 300)).rejects.toThrow(/tile\/0\/001\.p\/44: The tile has 32 bytes/);
  });
});

describe("proofs", () => {
  const LAST = 33;

  it("are those of RFC 6962, for each entry and each size", async () => {
    const log = new MemoryLog();
    log.append(entriesOf(0, LAST));
    for (let size = 1; size <= LAST; size++) {
      const entries = log.entries.slice(0, size);
      const root = treeHash(entries);
      // A tree of this size has tiles of its own width.
      const small = new MemoryLog();
      small.append(entries);
      for (const [index, entry] of entries.entries()) {
        const proof = await inclusionProof(small, index, size);
        expect(hex(proof)).toBe(hex(pathOf(index, entries)));
        expect(verifyInclusion(leafHash(entry), index, size, root, proof)).toBe(true);
        expect(verifyInclusion(leafHash(entry), index + 1, size, root, proof)).toBe(false);
        expect(verifyInclusion(leafHash(entry), index, size, root, [...proof, root])).toBe(false);
        if (proof.length > 0) expect(verifyInclusion(leafHash(entry), index, size, root, proof.slice(1))).toBe(false);
      }
      for (let from = 0; from <= size; from++) {
        const proof = await consistencyProof(small, from, size);
        const old = treeHash(entries.slice(0, from));
        expect(hex(proof)).toBe(from === 0 ? "" : hex(subproofOf(from, entries)));
        expect(verifyConsistency(from, old, size, root, proof)).toBe(true);
        expect(verifyConsistency(from, leafHash(old), size, root, proof)).toBe(false);
        expect(verifyConsistency(from, old, size, root, [...proof, root])).toBe(false);
        if (from > 0 && from < size) {
          expect(verifyConsistency(from, old, size, leafHash(root), proof)).toBe(false);
          expect(verifyConsistency(from, old, size, root, proof.slice(1))).toBe(false);
        }
      }
    }
  });

  it("refuse sizes and hashes that are none", () => {
    const hash = leafHash(Buffer.of(1));
    expect(verifyInclusion(hash, 0, 1, hash, [])).toBe(true);
    for (const index of [-1, 0.5, Number.NaN, 1, 2 ** 53])
      expect(verifyInclusion(hash, index, 1, hash, [])).toBe(false);
    expect(verifyInclusion(hash, 0, 2, hash, [hash.subarray(1)])).toBe(false);
    expect(verifyConsistency(2, hash, 1, hash, [])).toBe(false);
    expect(verifyConsistency(0, hash, 1, hash, [])).toBe(false);
  });

  it("reach beyond 32 bits", () => {
    const hash = leafHash(Buffer.of(1));
    const proof = Array.from({ length: 52 }, () => hash);
    expect(verifyInclusion(hash, 2 ** 52, 2 ** 52 + 1, hash, proof)).toBe(false);
    expect(verifyInclusion(hash, 0, 2 ** 52, hash, proof)).toBe(false);
  });
});

describe("tiles", () => {
  it("have the names of C2SP tlog-tiles", () => {
    expect(tilePath(0, 0)).toBe("tile/0/000");
    expect(tilePath(0, 1234067)).toBe("tile/0/x001/x234/067");
    expect(tilePath(1, 999, 17)).toBe("tile/1/999.p/17");
    expect(tilePath(63, 1000, TILE_WIDTH)).toBe("tile/63/x001/000");
    expect(entriesPath(70_000, 255)).toBe("tile/entries/x070/000.p/255");
    for (const width of [0, 257, 1.5]) expect(() => tilePath(0, 0, width)).toThrow(RangeError);
    for (const index of [-1, 0.5, 2 ** 53]) expect(() => tilePath(0, index)).toThrow(RangeError);
  });

  it("of the specification's example tree of 70,000 are where it says", () => {
    const log = new MemoryLog();
    log.append(entriesOf(0, 70_000));
    const partial = [...log.files.keys()].filter((path) => path.includes(".p/")).sort();
    expect(partial).toEqual(["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/273.p/112"]);
    expect([...log.files.keys()].filter((path) => /^tile\/0\/[0-9]+$/.test(path))).toHaveLength(273);
  });

  it("hold entries of any length behind 16 bits of length", () => {
    const entries = [Buffer.alloc(0), Buffer.of(1), Buffer.alloc(65_535, 2)];
    expect(hex(parseBundle(makeBundle(entries), 3))).toBe(hex(entries));
    expect(() => makeBundle([Buffer.alloc(65_536)])).toThrow(RangeError);
    expect(() => parseBundle(Buffer.of(0), 1)).toThrow(/cut/);
    expect(() => parseBundle(Buffer.of(0, 0, 0, 0), 1)).toThrow(/goes on/);
  });

  it("of an empty tree are none", () => {
    expect(edgeRoot(EMPTY_EDGE).toString("hex")).toBe(
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
  });
});
