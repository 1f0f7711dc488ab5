/**
 * What others' programs say of a tlog-tiles log, and that they say no to each kind of tampering: so their yes to our own log
 * (below, and in the ledger's other tests) is worth something. The log here is Tessera's, by our personality.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleOf } from "../kit/bundle-of.js";
import { fsck, goMissing, goProof, goVerify, migrate, serveFolder, startTessera, withGo } from "../kit/go.js";
import { noteKey } from "../kit/note-key.js";
import { checkpointText, inclusionPath } from "../reference/merkle.js";

const SIZE = 600;
const KEPT = 300;

const entriesOf = (name: string, from: number, to: number): readonly Buffer[] =>
  Array.from({ length: to - from }, (_, i) => Buffer.from(`{"ledger":1,"type":"record"}\n${name} ${from + i}`));

const key = noteKey("ledger.example/eu/2026");
const other = noteKey("ledger.example/eu/2026");
const entries = entriesOf("entry", 0, SIZE);

describe.skipIf(goMissing !== undefined)(withGo("a log of Tessera's, and what Go says of it"), () => {
  const home = mkdtempSync(join(tmpdir(), "glassgate-ledger-go-"));
  const log = join(home, "log");
  const kept = join(home, "kept");

  beforeAll(async () => {
    let tessera = await startTessera(log, key);
    expect(tessera.vkey).toBe(key.vkey);
    expect(await tessera.add(entries.slice(0, KEPT))).toEqual(Array.from({ length: KEPT }, (_, i) => i));
    expect(await tessera.stop()).toBe(0);
    writeFileSync(kept, readFileSync(join(log, "checkpoint")));
    tessera = await startTessera(log, key);
    await tessera.add(entries.slice(KEPT));
    expect(await tessera.stop()).toBe(0);
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  /** The log with something done to it. */
  function tampered(name: string, change: (folder: string) => void): string {
    const folder = join(home, name);
    cpSync(log, folder, { recursive: true });
    change(folder);
    return folder;
  }

  function edit(folder: string, path: string, change: (bytes: Buffer) => Buffer): void {
    writeFileSync(join(folder, path), change(readFileSync(join(folder, path))));
  }

  const flipped =
    (at: number) =>
    (bytes: Buffer): Buffer => {
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      return bytes;
    };

  it("is verified, by the key, against the kept checkpoint, from the folder and over HTTP", async () => {
    const verified = await goVerify(log, key.vkey, { since: kept, index: [0, 255, 256, SIZE - 1] });
    expect(verified.text).toContain(`size ${SIZE}`);
    expect(verified.text).toContain(`inclusion    entry ${SIZE - 1}`);
    expect(verified.text).toContain(`what the kept checkpoint of size ${KEPT} covers is unchanged`);
    expect(verified.verified).toBe(true);
    expect((await fsck(log, key.vkey)).verified).toBe(true);
    const served = await serveFolder(log);
    expect((await fsck(served.url, key.vkey)).verified).toBe(true);
    await served.stop();
  });

  it.each([
    ["a byte of an entry in a full bundle", "tile/entries/000", flipped(12), "entry 0 in tile/entries/000"],
    [
      "a byte of an entry in the partial bundle",
      "tile/entries/002.p/88",
      flipped(12),
      "entry 512 in tile/entries/002.p/88",
    ],
    ["a length in a bundle", "tile/entries/001", flipped(1), "entry 256 in tile/entries/001"],
    ["a cut bundle", "tile/entries/001", (b: Buffer) => b.subarray(0, -5), "tile/entries/001 ends inside entry 511"],
    ["a bundle with more behind it", "tile/entries/001", (b: Buffer) => Buffer.concat([b, b]), "behind entry 511"],
    ["a hash of a leaf", "tile/0/001", flipped(3 * 32), "entry 259 in tile/entries/001 is not what tile/0/001"],
    ["a hash of the level above", "tile/1/000.p/2", flipped(32), "tile/1/000.p/2: hash 1"],
    ["a cut tile", "tile/0/000", (b: Buffer) => b.subarray(0, -32), "tile/0/000: 8160 bytes instead of 8192"],
  ] as const)("sees %s", async (what, path, change, where) => {
    const folder = tampered(what, (copy) => edit(copy, path, change));
    const { verified, text } = await goVerify(folder, key.vkey);
    expect(text).toContain(where);
    expect(verified).toBe(false);
    // Tessera's fsck does not look behind a full bundle's last entry.
    if (!what.includes("more behind")) expect((await fsck(folder, key.vkey)).verified).toBe(false);
  });

  it("sees two entries that changed places", async () => {
    const bundle = bundleOf([
      ...entries.slice(0, 7),
      ...entries.slice(8, 9),
      ...entries.slice(7, 8),
      ...entries.slice(9, 256),
    ]);
    const folder = tampered("swapped", (copy) => writeFileSync(join(copy, "tile/entries/000"), bundle));
    expect((await goVerify(folder, key.vkey)).text).toContain("entry 7 in tile/entries/000");
    expect((await fsck(folder, key.vkey)).verified).toBe(false);
  });

  it("sees another key of the same name, and a checkpoint of another log", async () => {
    expect((await goVerify(log, other.vkey)).verified).toBe(false);
    expect((await fsck(log, other.vkey)).verified).toBe(false);
    const stranger = noteKey("ledger.example/us/2026");
    const folder = tampered("renamed", (copy) =>
      writeFileSync(join(copy, "checkpoint"), stranger.sign(checkpointText(key.name, entries))),
    );
    expect((await goVerify(folder, stranger.vkey)).text).toContain(`is of "${key.name}"`);
  });

  it("sees a rebuilt and signed log, and a cut one, only with the kept checkpoint", async () => {
    const rebuilt = join(home, "rebuilt");
    const tessera = await startTessera(rebuilt, key);
    await tessera.add([...entries.slice(0, 100), ...entriesOf("another", 0, 1), ...entries.slice(101)]);
    await tessera.stop();
    expect((await goVerify(rebuilt, key.vkey)).verified).toBe(true);
    expect((await fsck(rebuilt, key.vkey)).verified).toBe(true);
    const against = await goVerify(rebuilt, key.vkey, { since: kept });
    expect(against.verified).toBe(false);
    expect(against.text).toContain(`not a continuation of the kept checkpoint of size ${KEPT}`);
    const cut = await goVerify(
      tampered("cut", (copy) => cpSync(kept, join(copy, "checkpoint"))),
      key.vkey,
      {
        since: join(log, "checkpoint"),
      },
    );
    expect(cut.verified).toBe(false);
    expect(cut.text).toContain(`the kept checkpoint has ${SIZE} entries, the log ${KEPT}`);
  });

  it("has proofs that a stranger checks, and none for other bytes, another place or another path", async () => {
    const proofOf = (index: number, path = inclusionPath(index, entries), extra = ""): string =>
      [
        "c2sp.org/tlog-proof@v1",
        ...(extra === "" ? [] : [`extra ${extra}`]),
        `index ${index}`,
        ...path.map((hash) => hash.toString("base64")),
        "",
        readFileSync(join(log, "checkpoint"), "utf8"),
      ].join("\n");
    for (const index of [0, 299, SIZE - 1]) {
      const [entry = Buffer.of()] = entries.slice(index);
      expect((await goProof(key.vkey, proofOf(index), entry)).verified).toBe(true);
      expect((await goProof(key.vkey, proofOf(index, undefined, "AAAA"), entry)).verified).toBe(true);
      expect((await goProof(other.vkey, proofOf(index), entry)).verified).toBe(false);
      expect((await goProof(key.vkey, proofOf(index), Buffer.from("another"))).verified).toBe(false);
      expect((await goProof(key.vkey, proofOf(index ^ 1, inclusionPath(index, entries)), entry)).verified).toBe(false);
      expect((await goProof(key.vkey, proofOf(index, inclusionPath(index, entries).slice(1)), entry)).verified).toBe(
        false,
      );
    }
  });

  it("is taken over by another Tessera, which goes on under the same key", async () => {
    const served = await serveFolder(log);
    const taken = join(home, "taken");
    await migrate(served.url, taken);
    await served.stop();
    const tessera = await startTessera(taken, key);
    expect(await tessera.add(entriesOf("later", 0, 3))).toEqual([SIZE, SIZE + 1, SIZE + 2]);
    await tessera.stop();
    expect((await goVerify(taken, key.vkey, { since: join(log, "checkpoint") })).text).toContain("VERIFIED");
    expect((await fsck(taken, key.vkey)).verified).toBe(true);
  });
});
