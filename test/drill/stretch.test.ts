/** The ledger beside a drill: what it shows is what it signs, and where a shard ends, that is said. */
import { expect, it } from "vitest";
import { followLedger } from "../../control/drill/record-source.js";
import { encodeEntry } from "../../control/ledger/entry.js";
import type { TileSource } from "../../control/ledger/log.js";
import { encodeOpening, encodeSeal, shardHead } from "../../control/ledger/shard.js";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { checkpointOf, entry, filesOf, records, testKey } from "../ledger/make-log.js";

const key = testKey("ledger.example/2026-11");
const next = testKey("ledger.example/2026-12", 8);
const lines = records(700);
const all = lines.map((line) => entry(line));

/** A ledger that shows what it is told to. */
class Shown implements TileSource {
  private readonly files = new Map<string, Buffer>();
  show(entries: readonly Buffer[], by = key): void {
    for (const [path, bytes] of filesOf(entries, by)) this.files.set(path, bytes);
  }
  put(path: string, bytes: Buffer): void {
    this.files.set(path, bytes);
  }
  async read(path: string): Promise<Buffer | undefined> {
    return this.files.get(path);
  }
}

async function followed(size: number) {
  const log = new Shown();
  log.show(all.slice(0, size));
  return { log, source: await followLedger(log, parseVkey(key.vkey)) };
}

const seal = encodeEntry({
  head: shardHead(Date.now()),
  body: encodeSeal({ origin: next.name, vkey: next.vkey }),
});

it.each([0, 1, 255, 256, 300])("hashes what came since %d entries, and proves each", async (size) => {
  const { log, source } = await followed(size);
  log.show(all.slice(0, size + 3));
  await source.poll();
  log.show(all);
  const sealed = await source.seal();
  expect(sealed).toMatchObject({ before: size, checkpoint: { size: 700 } });
  const bytes = all[size] ?? Buffer.alloc(0);
  expect(await sealed?.prove({ entry: size, bytes, received: 0 })).toBeDefined();
  expect(await sealed?.prove({ entry: size, bytes: Buffer.from("x"), received: 0 })).toBeUndefined();
});

it("takes nothing of what was not signed: an entry changed, left out, or another history", async () => {
  const changed = all.slice(0, 306);
  changed[303] = entry((lines[303] ?? "").replace("signature", "allow"));
  const { log, source } = await followed(300);
  // Entries that are not those of its tree, under a checkpoint that is.
  log.show(all.slice(0, 306));
  for (const [path, bytes] of filesOf(changed, key)) if (path.startsWith("tile/entries/")) log.put(path, bytes);
  await expect(source.poll()).rejects.toThrow(/entries 0 to 305 do not make the root that it signed/);
  expect(source.records.isShadow("gateway-1")).toBe(false);
  // A tree of its own, signed: what was there before is another.
  log.show([entry("another"), ...all.slice(1, 306)]);
  await expect(source.seal()).rejects.toThrow(/rewritten while the drill ran/);
  // An older checkpoint, shown again.
  log.show(all.slice(0, 306));
  await source.poll();
  log.put("checkpoint", Buffer.from(checkpointOf(all.slice(0, 302), key)));
  await expect(source.seal()).rejects.toThrow(/306 entries were there, and now there are 302/);
});

it("names the end of a shard, before the drill, in it, and where the next one stands in its place", async () => {
  const says = /The ledger ledger\.example\/2026-11 is sealed, and goes on as ledger\.example\/2026-12\./;
  const { log, source } = await followed(300);
  log.show([...all.slice(0, 306), seal]);
  await source.poll();
  await expect(source.seal()).rejects.toThrow(says);
  await expect(followLedger(log, parseVkey(key.vkey))).rejects.toThrow(says);
  const checkpoint = checkpointOf([...all.slice(0, 306), seal], key);
  const predecessor = { origin: key.name, vkey: key.vkey, checkpoint };
  const opening = encodeEntry({ head: shardHead(Date.now()), body: encodeOpening({ predecessor, carried: {} }) });
  const replaced = await followed(300);
  replaced.log.show([opening, ...all.slice(0, 4)], next);
  await expect(replaced.source.seal()).rejects.toThrow(says);
  // Of a stranger's log in its place nothing is said but that.
  replaced.log.show(all.slice(0, 4), next);
  await expect(replaced.source.seal()).rejects.toThrow(/is of the log ledger\.example\/2026-12, the key of/);
});
