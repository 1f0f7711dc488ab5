/** The log interface against the program of config/ledger/tessera itself, where Go is. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodeEntry } from "../../control/ledger/entry.js";
import { openTesseraLog } from "../../control/ledger/log/tessera.js";
import { readToken } from "../../control/ledger/log/tessera-http.js";
import type { Log } from "../../control/ledger/log.js";
import { openCheckpoint } from "../../control/ledger/tlog/checkpoint.js";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { readEntries } from "../../control/ledger/tlog/read.js";
import { leafHash, rootOf } from "../../control/ledger/tlog/tree.js";
import { goMissing, startTessera, withGo } from "../kit/go.js";
import { noteKey } from "../kit/note-key.js";
import { failure } from "./kit.js";
import { entryOf } from "./log.js";

describe.skipIf(goMissing !== undefined)(withGo("a log that the Tessera program writes"), () => {
  it("takes entries and bodies from one ledger at a time, keeps them over kill -9, and verifies", async () => {
    const folder = mkdtempSync(join(tmpdir(), "glassgate-tessera-log-"));
    const key = noteKey("ledger.example.com/shared");
    let tessera = await startTessera(folder, key);
    const token = join(folder, "..", `${folder.split("/").at(-1)}.token`);
    writeFileSync(token, `${tessera.token}\n`, { mode: 0o600 });
    const open = (id: string) =>
      openTesseraLog({
        url: tessera.url,
        vkey: key.vkey,
        token: readToken(token),
        writer: { id, name: `ledger ${id}, process 7` },
      });
    const one = await open("1");
    const blob = Buffer.alloc(100_000, "b");
    const name = await one.putBlob(blob);
    const sent: Buffer[] = [];
    const send = async (log: Log, which: string): Promise<void> => {
      for (let round = 0; round < 5; round++) {
        const entries = [...Array(60).keys()].map((i) => entryOf(`ledger ${which}, round ${round}, entry ${i}`));
        expect(await log.append(entries)).toEqual(entries.map((_, i) => sent.length + i));
        sent.push(...entries);
      }
    };
    await send(one, "1");
    await expect(open("2")).rejects.toThrow('"ledger 1, process 7" writes to it');
    await one.close();
    const two = await open("2");
    expect(two.size).toBe(300);
    await send(two, "2");
    // Without the claim, which Tessera forgets when it ends, nothing of the second one's is written.
    await tessera.kill();
    tessera = await startTessera(folder, key);
    const again = await open("1");
    // What was answered is there, whether or not its checkpoint was before the kill.
    expect(again.size).toBe(600);
    await tessera.kill();
    const port = new URL(tessera.url).host;
    tessera = await startTessera(folder, key, { options: ["--listen", port] });
    const other = await open("2");
    expect(await other.append([entryOf("of the other")])).toEqual([600]);
    expect((await failure(again.append([entryOf("never")]))).message).toMatch(
      /has 601 entries, and this ledger knows of 600/,
    );
    sent.push(entryOf("of the other"));
    await other.covered(601);
    const note = (await other.read("checkpoint"))?.toString() ?? "";
    const { size, root } = openCheckpoint(note, parseVkey(key.vkey));
    const entries: Buffer[] = [];
    for await (const { bytes } of readEntries(other, size)) entries.push(bytes);
    expect(entries.length).toBe(sent.length);
    expect(entries.every((bytes, i) => bytes.equals(sent[i] ?? Buffer.of()))).toBe(true);
    expect(rootOf(entries.map(leafHash)).equals(root)).toBe(true);
    expect((await other.read(`blob/${name}`))?.equals(blob)).toBe(true);
    const head = {
      ledger: 1,
      type: "record",
      received: "2026-11-26T17:20:00.123Z",
      sender: "eu",
      via: "file",
    } as const;
    const largest = Buffer.alloc(60_000, "x");
    expect(await other.append([encodeEntry({ head, body: largest })])).toEqual([size]);
    await other.close();
    expect(await tessera.stop()).toBe(0);
  });
});
