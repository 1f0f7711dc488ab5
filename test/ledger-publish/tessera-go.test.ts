/** The log interface against the program of config/ledger/tessera itself, where Go is. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodeEntry } from "../../control/ledger/entry.js";
import { openTesseraLog, readToken } from "../../control/ledger/log/tessera.js";
import { openCheckpoint } from "../../control/ledger/tlog/checkpoint.js";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { readEntries } from "../../control/ledger/tlog/read.js";
import { leafHash, rootOf } from "../../control/ledger/tlog/tree.js";
import { goMissing, startTessera, withGo } from "../kit/go.js";
import { noteKey } from "../kit/note-key.js";
import { entryOf } from "./log.js";

describe.skipIf(goMissing !== undefined)(withGo("a log that the Tessera program writes"), () => {
  it("takes entries and bodies from two ledgers at once, keeps them over kill -9, and verifies", async () => {
    const folder = mkdtempSync(join(tmpdir(), "glassgate-tessera-log-"));
    const key = noteKey("ledger.example.com/shared");
    let tessera = await startTessera(folder, key);
    const token = join(folder, "..", `${folder.split("/").at(-1)}.token`);
    writeFileSync(token, `${tessera.token}\n`, { mode: 0o600 });
    const open = () => openTesseraLog({ url: tessera.url, vkey: key.vkey, token: readToken(token) });
    const [one, two] = [await open(), await open()];
    const blob = Buffer.alloc(100_000, "b");
    const name = await two.putBlob(blob);
    const sent = new Map<number, Buffer>();
    await Promise.all(
      [one, two].map(async (log, which) => {
        for (let round = 0; round < 5; round++) {
          const entries = [...Array(60).keys()].map((i) => entryOf(`ledger ${which}, round ${round}, entry ${i}`));
          const indices = await log.append(entries);
          for (const [i, index] of indices.entries()) sent.set(index, entries[i] ?? Buffer.alloc(0));
        }
      }),
    );
    expect([...sent.keys()].sort((a, b) => a - b)).toEqual([...Array(600).keys()]);
    await tessera.kill();
    tessera = await startTessera(folder, key);
    const again = await open();
    // What was answered is there; its checkpoint comes within the interval.
    while (again.size < 600) await again.read("checkpoint");
    const note = (await again.read("checkpoint"))?.toString() ?? "";
    const { size, root } = openCheckpoint(note, parseVkey(key.vkey));
    const entries: Buffer[] = [];
    for await (const { index, bytes } of readEntries(again, size)) {
      if (index < 600) expect(bytes.equals(sent.get(index) ?? Buffer.alloc(0))).toBe(true);
      entries.push(bytes);
    }
    expect(rootOf(entries.map(leafHash)).equals(root)).toBe(true);
    expect((await again.read(`blob/${name}`))?.equals(blob)).toBe(true);
    const head = {
      ledger: 1,
      type: "record",
      received: "2026-11-26T17:20:00.123Z",
      sender: "eu",
      via: "file",
    } as const;
    const largest = Buffer.alloc(60_000, "x");
    expect(await again.append([encodeEntry({ head, body: largest })])).toEqual([size]);
    await again.close();
    expect(await tessera.stop()).toBe(0);
  });
});
