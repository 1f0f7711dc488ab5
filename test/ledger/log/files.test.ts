/** The log in a folder: what it acknowledges is there, verifies, and goes on where it was. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openFilesLog } from "../../../control/ledger/log/files.js";
import { openCheckpoint } from "../../../control/ledger/tlog/checkpoint.js";
import { parseVkey } from "../../../control/ledger/tlog/note.js";
import { fileSource, readEntries, rootAt } from "../../../control/ledger/tlog/read.js";
import { leafHash, rootOf } from "../../../control/ledger/tlog/tree.js";
import { entriesOf, entryOf } from "../tlog/memory.js";
import { logSigner, madeLog } from "./made.js";

const vkey = parseVkey(logSigner.vkey);

/** What anybody reads from the folder: the checkpoint's size, and its entries, whose root it must have. */
async function readBack(folder: string): Promise<Buffer[]> {
  const source = fileSource(folder);
  const checkpoint = openCheckpoint(readFileSync(join(folder, "checkpoint"), "utf8"), vkey);
  const entries: Buffer[] = [];
  for await (const { bytes } of readEntries(source, checkpoint.size)) entries.push(bytes);
  expect(rootOf(entries.map(leafHash)).equals(checkpoint.root)).toBe(true);
  expect((await rootAt(source, checkpoint.size)).equals(checkpoint.root)).toBe(true);
  return entries;
}

const texts = (entries: readonly Buffer[]): string[] => entries.map(String);

describe("a log in a folder", () => {
  it("is empty at first, and says so with a signed checkpoint", async () => {
    const made = madeLog();
    expect(await readBack(made.folder)).toEqual([]);
    const log = await openFilesLog(made);
    expect(log.size).toBe(0);
    expect(await log.append([])).toEqual([]);
    await log.close();
  });

  it("gives each caller the indices of its entries, in order, and one commit to many", async () => {
    const made = madeLog();
    const log = await openFilesLog(made);
    const given: (readonly number[])[] = await Promise.all([
      log.append(entriesOf(0, 3)),
      log.append(entriesOf(3, 4)),
      log.append(entriesOf(4, 9)),
    ]);
    expect(given).toEqual([[0, 1, 2], [3], [4, 5, 6, 7, 8]]);
    expect(log.size).toBe(9);
    // One commit: no partial tile of another width.
    expect(readdirSync(join(made.folder, "tile/0/000.p"))).toEqual(["9"]);
    expect(texts(await readBack(made.folder))).toEqual(texts(entriesOf(0, 9)));
    await log.close();
    await expect(log.append([entryOf(9)])).rejects.toThrow(/closed/);
  });

  it("goes on after it was opened anew, over tiles' ends", async () => {
    const made = madeLog();
    let size = 0;
    for (const count of [1, 254, 1, 1, 255, 700]) {
      const log = await openFilesLog(made);
      expect(log.size).toBe(size);
      const indices = await log.append(entriesOf(size, size + count));
      expect(indices[0]).toBe(size);
      size += count;
      await log.close();
      expect(await readBack(made.folder)).toHaveLength(size);
    }
    expect(texts(await readBack(made.folder))).toEqual(texts(entriesOf(0, size)));
  });

  it("takes more from one caller than a commit holds", async () => {
    const made = madeLog();
    const log = await openFilesLog(made);
    const many = Array.from({ length: 5000 }, (_, i) => entryOf(i));
    const [indices, last] = await Promise.all([log.append(many), log.append([entryOf(5000)])]);
    expect(indices).toEqual(many.map((_, i) => i));
    expect(last).toEqual([5000]);
    await log.close();
    expect(await readBack(made.folder)).toHaveLength(5001);
  });

  it("keeps all partial tiles until the full one is published, then none", async () => {
    const made = madeLog();
    const log = await openFilesLog(made);
    await log.append(entriesOf(0, 100));
    await log.append(entriesOf(100, 200));
    for (const row of ["tile/0", "tile/entries"]) {
      expect(readdirSync(join(made.folder, `${row}/000.p`)).sort()).toEqual(["100", "200"]);
    }
    await log.append(entriesOf(200, 300));
    await log.append(entriesOf(300, 301));
    for (const row of ["tile/0", "tile/entries"]) {
      expect(readdirSync(join(made.folder, row)).sort()).toEqual(["000", "001.p"]);
      expect(readdirSync(join(made.folder, `${row}/001.p`)).sort()).toEqual(["44", "45"]);
    }
    await log.close();
  });

  it("removes at the start what a crash left", async () => {
    const made = madeLog();
    const log = await openFilesLog(made);
    await log.append(entriesOf(0, 10));
    await log.close();
    for (const left of [".tmp/7", "tile/0/000", "tile/0/000.p/11", "tile/entries/000.p/255"])
      writeFileSync(join(made.folder, left), "left");
    await (await openFilesLog(made)).close();
    expect(readdirSync(join(made.folder, ".tmp"))).toEqual([]);
    expect(readdirSync(join(made.folder, "tile/0"))).toEqual(["000.p"]);
    expect(readdirSync(join(made.folder, "tile/0/000.p"))).toEqual(["10"]);
    expect(readdirSync(join(made.folder, "tile/entries/000.p"))).toEqual(["10"]);
    expect(await readBack(made.folder)).toHaveLength(10);
  });

  it("keeps long bytes beside, once, under their hash", async () => {
    const made = madeLog();
    const log = await openFilesLog(made);
    const bytes = Buffer.alloc(200_000, 7);
    const name = createHash("sha256").update(bytes).digest("hex");
    expect(await log.putBlob(bytes)).toBe(name);
    expect(await log.putBlob(bytes)).toBe(name);
    expect((await log.read(`blob/${name}`))?.equals(bytes)).toBe(true);
    expect(readdirSync(join(made.folder, "blob"))).toEqual([name]);
    await log.close();
  });

  it("refuses an entry that is too long, and goes on", async () => {
    const log = await openFilesLog(madeLog());
    await expect(log.append([Buffer.alloc(65_536)])).rejects.toThrow(RangeError);
    expect(await log.append([Buffer.alloc(65_535)])).toEqual([0]);
    await log.close();
  });

  it("leaves no lock and no temporary file", async () => {
    const made = madeLog();
    const log = await openFilesLog(made);
    expect(existsSync(join(made.folder, "lock"))).toBe(true);
    await log.append([entryOf(0)]);
    await log.close();
    expect(readdirSync(made.folder).sort()).toEqual([".tmp", "checkpoint", "tile"]);
    expect(readdirSync(join(made.folder, ".tmp"))).toEqual([]);
    expect(readdirSync(join(made.root, "keys"))).toEqual(["log.key.json.signed"]);
    expect(statSync(made.signedPath).mode & 0o077).toBe(0);
  });
});
