/** `verify` proves a log that a second hand made, and names the first byte that was changed in it. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { showProblem } from "../../control/ledger/audit/problem.js";
import type { Report } from "../../control/ledger/audit/report.js";
import { verifyLedger } from "../../control/ledger/audit/verify.js";
import { notProvedBy, provedBy } from "../../control/ledger/audit/words.js";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { bundleOf, checkpointOf, entry, filesOf, leaf, records, testKey, treeHash, writeLog } from "./make-log.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-verify-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const key = testKey("ledger.example.com/eu/2026-11");
const made = new Map<number, Buffer[]>();
function entriesOf(count: number): Buffer[] {
  const there = made.get(count) ?? records(count).map((line) => entry(line));
  made.set(count, there);
  return [...there];
}

let serial = 0;
function folderOf(files: ReadonlyMap<string, Buffer>): string {
  const folder = join(base, `log-${serial++}`);
  writeLog(folder, files);
  return folder;
}

interface Given {
  readonly since?: readonly string[];
  readonly vkey?: string;
}

const verify = (folder: string, { since = [], vkey = key.vkey }: Given = {}): Promise<Report> =>
  verifyLedger({
    where: folder,
    key: parseVkey(vkey),
    since: since.map((text, i) => ({ file: `kept-${i}`, bytes: Buffer.from(text) })),
    witnesses: undefined,
    // What lines mean is not these tests'.
    rules: { take: () => {}, end: () => [], open: () => [], undecided: () => [], faults: () => [] },
    threads: 1,
    progress: () => {},
  });

async function first(folder: string, given: Given = {}): Promise<string> {
  const { problems } = await verify(folder, given);
  return problems[0] === undefined ? "" : showProblem(problems[0]);
}

const at = <T>(list: readonly T[], index: number): T => {
  const item = list[index];
  if (item === undefined) throw new Error(`nothing at ${index}`);
  return item;
};

describe("a log that nobody changed", () => {
  it.each([0, 1, 2, 255, 256, 257, 511, 512, 700])("of %i entries is proved", async (size) => {
    const report = await verify(folderOf(filesOf(entriesOf(size), key)));
    expect(report.problems).toEqual([]);
    expect(report.size).toBe(size);
    expect(provedBy(report)).toHaveLength(1);
  });

  it("is proved where a full file has taken a partial one's place, and where it has grown since", async () => {
    const files = filesOf(entriesOf(300), key);
    const later = filesOf(entriesOf(512), key);
    const kept = ["checkpoint", "tile/1/000.p/1"].map((path) => [path, files.get(path) ?? Buffer.alloc(0)] as const);
    const folder = folderOf(new Map([...later, ...kept]));
    expect((await verify(folder)).problems).toEqual([]);
  });

  it("is consistent with every checkpoint of before", async () => {
    const entries = entriesOf(700);
    const folder = folderOf(filesOf(entries, key));
    const since = [1, 255, 256, 300, 512, 699, 700].map((size) => checkpointOf(entries.slice(0, size), key));
    const report = await verify(folder, { since });
    expect(report.problems).toEqual([]);
    expect(report.consistentWith.map(({ size }) => size)).toEqual([1, 255, 256, 300, 512, 699, 700]);
  });

  it("is not proved to be that of before by a checkpoint of nothing", async () => {
    const report = await verify(folderOf(filesOf(entriesOf(3), key)), { since: [checkpointOf([], key)] });
    expect(report.problems).toEqual([]);
    expect(report.consistentWith).toEqual([]);
    expect(report.steps.at(-1)).toMatchObject({ step: "since", holds: undefined });
    expect(notProvedBy(report, { anchors: true }).join()).toContain("that these entries are those of before");
  });
});

describe("a byte that was changed", () => {
  it.each([0, 3, 255, 256, 699])("in entry %i: that entry, and where it stands in its file", async (index) => {
    const files = filesOf(entriesOf(700), key);
    const entries = entriesOf(700);
    const bytes = Buffer.from(at(entries, index));
    bytes[bytes.length - 3] = at([...bytes], bytes.length - 3) ^ 1;
    entries[index] = bytes;
    const bundle = Math.floor(index / 256);
    const path = bundle === 2 ? "tile/entries/002.p/188" : `tile/entries/00${bundle}`;
    files.set(path, bundleOf(entries.slice(bundle * 256, bundle * 256 + 256)));
    const byte = bundleOf(entries.slice(bundle * 256, index)).length;
    const found = await first(folderOf(files));
    expect(found).toContain(`${path}, entry ${index} (byte ${byte}): its SHA-256 is not the one in tile/0/00${bundle}`);
    expect(found).toContain(`at ${index % 256} (byte ${(index % 256) * 32})`);
    expect(found).toContain("the signed root confirms the tile: the entry was changed");
  });

  it.each([
    ["tile/0/001", 5, "tile/0/001, entry 261 (byte 160)", "the signed root confirms the entry: the tile was changed"],
    ["tile/0/002.p/188", 187, "tile/0/002.p/188, entry 699 (byte 5984)", "the tile was changed"],
    ["tile/1/000.p/2", 1, "tile/1/000.p/2 (byte 32)", "the signed root confirms tile/0/001: this tile was changed"],
  ])("in %s at %i", async (path, hash, place, who) => {
    const files = filesOf(entriesOf(700), key);
    const bytes = Buffer.from(files.get(path) ?? "");
    bytes[hash * 32 + 7] = at([...bytes], hash * 32 + 7) ^ 1;
    files.set(path, bytes);
    const found = await first(folderOf(files));
    expect(found).toContain(place);
    expect(found).toContain(who);
  });

  it("in an entry and its tile together: the tile above names the bundle", async () => {
    const entries = entriesOf(700);
    const files = filesOf(entries, key);
    entries[300] = entry("another");
    const forged = filesOf(entries, key);
    for (const path of ["tile/entries/001", "tile/0/001"]) files.set(path, forged.get(path) ?? Buffer.alloc(0));
    const found = await first(folderOf(files));
    expect(found).toContain("tile/1/000.p/2 (byte 32): the hash at 1 is not that of tile/0/001 (entries 256 to 511)");
    expect(found).toContain(
      "the signed root confirms this tile: entries 256 to 511 and tile/0/001 were changed together",
    );
  });

  it("in all files up to the root, which the key has not signed", async () => {
    const entries = entriesOf(700);
    const checkpoint = filesOf(entries, key).get("checkpoint") ?? Buffer.alloc(0);
    entries[300] = entry("another");
    const found = await first(folderOf(new Map([...filesOf(entries, key), ["checkpoint", checkpoint]])));
    expect(found).toContain("entries and tiles agree with each other, and make the root");
  });

  it("in the checkpoint: its signature, and which line it was where the tiles know it", async () => {
    const entries = entriesOf(300);
    const files = filesOf(entries, key);
    const text = (files.get("checkpoint") ?? "").toString();
    const root = treeHash(entries.map(leaf)).toString("base64");
    files.set("checkpoint", Buffer.from(text.replace(root, leaf(Buffer.alloc(1)).toString("base64"))));
    expect(await first(folderOf(files))).toMatch(
      /^checkpoint: .*does not verify; its third line was changed: .*is the root of the tiles/,
    );
    files.set("checkpoint", Buffer.from(text.replace("\n300\n", "\n299\n")));
    expect(await first(folderOf(files))).toMatch(/^checkpoint: .*does not verify/);
  });
});

describe("what was moved about", () => {
  it("a record removed from its bundle", async () => {
    const entries = entriesOf(700);
    const files = filesOf(entries, key);
    files.set("tile/entries/001", bundleOf(entries.slice(256, 512).filter((_, i) => i !== 44)));
    const length = bundleOf(entries.slice(256, 512).filter((_, i) => i !== 44)).length;
    expect(await first(folderOf(files))).toBe(
      `tile/entries/001, entry 511 (byte ${length}): the file ends before it: it holds 255 of 256 entries`,
    );
  });

  it("a record removed, and the others moved up: the first that is not in its place, and where it belongs", async () => {
    const entries = entriesOf(700);
    const files = filesOf(entries, key);
    const fewer = filesOf(
      entries.filter((_, i) => i !== 300),
      key,
    );
    for (const path of ["tile/entries/001", "tile/entries/002.p/187"])
      files.set(path, fewer.get(path) ?? Buffer.alloc(0));
    files.set("tile/entries/002.p/188", bundleOf(entries.slice(512)));
    const found = await first(folderOf(files));
    expect(found).toContain("tile/entries/001, entry 300 (byte ");
    expect(found).toContain("this entry belongs at 301");
  });

  it("two swapped", async () => {
    const entries = entriesOf(700);
    const files = filesOf(entries, key);
    [entries[300], entries[310]] = [at(entries, 310), at(entries, 300)];
    files.set("tile/entries/001", bundleOf(entries.slice(256, 512)));
    const found = await first(folderOf(files));
    expect(found).toContain("tile/entries/001, entry 300 (byte ");
    expect(found).toContain("this entry belongs at 310");
    expect(found).toContain("1 further entry differs");
  });

  it("the tail cut: without a checkpoint the missing file is named, with an older one only a kept one tells", async () => {
    const entries = entriesOf(700);
    const files = filesOf(entries, key);
    files.delete("tile/entries/002.p/188");
    expect(await first(folderOf(files))).toBe(
      "tile/entries/002.p/188: it is missing, and so is the full one, tile/entries/002",
    );
    const kept = checkpointOf(entries, key);
    const folder = folderOf(filesOf(entries.slice(0, 600), key));
    expect((await verify(folder)).problems).toEqual([]);
    const { problems } = await verify(folder, { since: [kept] });
    expect(problems.map(showProblem)).toEqual([
      "kept-0: 700 entries were there and were signed; now there are 600: the tail was cut off",
    ]);
  });

  it("a record rewritten, and all rebuilt and signed by the key's holder: alone it is proved, a kept checkpoint tells", async () => {
    const entries = entriesOf(700);
    const kept = [100, 300, 301, 700].map((size) => checkpointOf(entries.slice(0, size), key));
    entries[300] = entry("another");
    const folder = folderOf(filesOf(entries, key));
    expect((await verify(folder)).problems).toEqual([]);
    const report = await verify(folder, { since: kept });
    expect(report.consistentWith.map(({ size }) => size)).toEqual([100, 300]);
    expect(report.problems.map(({ file }) => file)).toEqual(["kept-2", "kept-3"]);
    expect(report.problems[0]?.says).toContain("entries 0 to 300 are not what was signed then");
  });

  it("another key, and another log", async () => {
    const folder = folderOf(filesOf(entriesOf(10), testKey(key.name, 8)));
    expect(await first(folder)).toMatch(/^checkpoint: No key that is known here has signed this/);
    const other = testKey("other.example.com/log");
    expect(await first(folderOf(filesOf(entriesOf(10), other)))).toMatch(
      /^checkpoint: The checkpoint is of the log other/,
    );
    await expect(verify(folderOf(filesOf(entriesOf(10), key)), { since: [checkpointOf([], other)] })).rejects.toThrow(
      "The kept checkpoint kept-0 does not count",
    );
  });
});

describe("what a ledger has not written", () => {
  it.each([
    ["no head", Buffer.from('{"v":1}')],
    ["a type that there is not", entry("x", { type: "approval" })],
    ["a member that there is not", entry("x", { more: { approved: true } })],
    ["nothing", Buffer.alloc(0)],
    ["a line feed before it", Buffer.concat([Buffer.from("\n"), entry("x")])],
    ["a member twice", Buffer.from(entry("x").toString().replace('"type":"record"', '"type":"alarm","type":"record"'))],
    ["a space", Buffer.from(entry("x").toString().replace(",", ", "))],
    ["another order", Buffer.from(entry("x").toString().replace('{"ledger":1,', "{").replace("}", ',"ledger":1}'))],
    ["an escape", Buffer.from(entry("x").toString().replace("eu-1", "eu\\u002d1"))],
    ["a hash without a length", entry("", { more: { sha256: "a".repeat(64) } })],
    ["a length without a hash", entry("x", { more: { bytes: 1 } })],
    ["a body here and in a blob", entry("x", { more: { sha256: "a".repeat(64), bytes: 1 } })],
  ])("%s", async (_, bytes) => {
    const entries = entriesOf(10);
    entries[4] = bytes;
    const byte = bundleOf(entries.slice(0, 4)).length;
    expect(await first(folderOf(filesOf(entries, key)))).toBe(
      `tile/entries/000.p/10, entry 4 (byte ${byte}): its first line is not one that a ledger writes`,
    );
  });

  const own = { sender: "ledger", via: "ledger" };
  const finding = { code: "fork", subject: "x", about: [2], says: "x" };
  const seal = { next: { origin: "ledger.example.com/eu/2026-12", vkey: "x" } };
  it.each([
    ["an alarm that is none", "alarm", "all is well", "it is no alarm as a ledger writes them"],
    ["an alarm of another code", "alarm", JSON.stringify({ ...finding, code: "none" }), "it is no alarm"],
    ["the end of nothing", "end", "{}", "it does not say which VM is over"],
    ["a shard's entry that says nothing", "shard", "{}", "it neither opens nor seals a shard"],
    [
      "a shard that opens in the middle",
      "shard",
      JSON.stringify({ predecessor: { origin: "x", vkey: "x", checkpoint: "x" }, carried: {} }),
      "it neither opens nor seals a shard",
    ],
  ])("%s", async (_, type, body, says) => {
    const entries = entriesOf(10);
    entries[4] = entry(body, { type, ...own });
    const found = await first(folderOf(filesOf(entries, key)));
    expect(found).toContain("entry 4 (byte");
    expect(found).toContain(says);
  });

  it("anything behind the entry that seals the log", async () => {
    const entries = entriesOf(10);
    entries[9] = entry(JSON.stringify(seal), { type: "shard", ...own });
    expect(await first(folderOf(filesOf(entries, key)))).toBe("");
    entries[7] = at(entries, 9);
    const found = await first(folderOf(filesOf(entries, key)));
    expect(found).toContain("entry 8 (byte");
    expect(found).toContain("it stands behind entry 7, which seals the log");
  });

  it("an alarm that stands for more than there was", async () => {
    const alarm = (more: object) =>
      entry(JSON.stringify({ code: "gap", subject: "x", about: [], says: "1 more", ...more }), {
        type: "alarm",
        ...own,
      });
    for (const [more, words] of [
      [{ about: [0, 2], count: 2 }, ""],
      [{ count: 1e15 }, "it is an alarm that stands for 1000000000000000, and 3 entries were there"],
    ] as const) {
      const entries = entriesOf(5);
      entries[3] = alarm(more);
      const found = await first(folderOf(filesOf(entries, key)));
      if (words === "") expect(found).toBe("");
      else expect(found).toContain(words);
    }
  });

  it("a gateway's line that stands there as something else", async () => {
    const [record = ""] = records(1);
    const evidence = JSON.stringify({ evidence: "a.b.c" });
    const faults: readonly (readonly [string, object, string])[] = [
      ["quarantine", { more: { why: "json" } }, record],
      ["quarantine", { more: { why: "json" } }, evidence],
      ["answer", {}, record],
      ["evidence", {}, record],
      ["receipt", {}, record],
      ["review", own, record],
      ["drill", own, record],
      ["heartbeat", {}, record],
      ["bundle", {}, record],
      ["text", {}, record],
      ["push", {}, record],
    ];
    for (const [type, more, body] of faults) {
      const entries = entriesOf(4);
      entries[3] = entry(body, { type, ...more });
      const line = body === record ? "record" : "evidence";
      expect(await first(folderOf(filesOf(entries, key)))).toContain(
        `it is a gateway's ${line}, and stands there as ${type}`,
      );
    }
    // Whoever follows a gateway, or sends a text, may hand in whatever he likes as that.
    for (const why of ["heartbeat", "bundle", "text", "push"]) {
      const entries = entriesOf(4);
      entries[3] = entry(record, { type: "quarantine", more: { why } });
      expect(await first(folderOf(filesOf(entries, key)))).toBe("");
    }
  });

  it("a predecessor that never signed, and what went along and cannot be read", async () => {
    const old = testKey("ledger.example.com/eu/2026-10", 9);
    const checkpoint = checkpointOf(entriesOf(5), old);
    const carried = {
      vms: [],
      gateways: [],
      deciders: [],
      unknown: [],
      grants: [],
      texts: [],
      requests: [],
      reviews: [],
    };
    const openings: readonly (readonly [object, unknown, string])[] = [
      [{ origin: old.name, vkey: old.vkey, checkpoint }, carried, ""],
      [{ origin: old.name, vkey: testKey(old.name).vkey, checkpoint }, carried, "is not signed by the key"],
      [{ origin: old.name, vkey: old.vkey, checkpoint: "nothing" }, carried, "is not signed by the key"],
      [{ origin: old.name, vkey: "nothing", checkpoint }, carried, "is not signed by the key"],
      [{ origin: key.name, vkey: old.vkey, checkpoint }, carried, "by another name"],
      [{ origin: old.name, vkey: old.vkey, checkpoint }, {}, "cannot be read"],
    ];
    for (const [predecessor, along, words] of openings) {
      const entries = entriesOf(4);
      entries[0] = entry(JSON.stringify({ predecessor, carried: along }), { type: "shard", ...own });
      const folder = folderOf(filesOf(entries, key));
      const found = await first(folder);
      if (words !== "") expect(found).toContain(words);
      else {
        expect(found).toBe("");
        expect((await verify(folder)).predecessor).toBe(old.name);
      }
    }
    expect((await verify(folderOf(filesOf(entriesOf(4), key)))).predecessor).toBeUndefined();
  });

  it("bytes that look like a review stand behind the line feed, and are what they came as", async () => {
    const entries = entriesOf(3);
    entries[1] = entry(entry("closed", { type: "review", via: "ledger", sender: "ledger" }), {
      type: "quarantine",
      more: { why: "json" },
    });
    const report = await verify(folderOf(filesOf(entries, key)));
    expect(report.problems).toEqual([]);
    expect(report.counts).toEqual({ record: 2, quarantine: 1 });
  });

  it("a blob that is missing, changed, or of another length", async () => {
    const blob = Buffer.alloc(100_000, "x");
    const sha256 = createHash("sha256").update(blob).digest("hex");
    const entries = entriesOf(3);
    entries[1] = entry("", { type: "quarantine", more: { why: "too_long", sha256, bytes: blob.length } });
    const files = filesOf(entries, key);
    const place = `tile/entries/000.p/3, entry 1 (byte ${at(entries, 0).length + 2}): its blob/${sha256}`;
    expect(await first(folderOf(files))).toBe(`${place} is missing`);
    files.set(`blob/${sha256}`, blob);
    expect(await first(folderOf(files))).toBe("");
    files.set(`blob/${sha256}`, Buffer.alloc(100_000, "y"));
    expect(await first(folderOf(files))).toBe(`${place} was changed: the name is not the SHA-256 of its bytes`);
  });
});
