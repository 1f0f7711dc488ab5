/** The ledger's log where it is Tessera's: the same interface, over HTTP, beside other writers. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openTesseraLog } from "../../control/ledger/log/tessera.js";
import { openCheckpoint } from "../../control/ledger/tlog/checkpoint.js";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { readEntries, rootAt } from "../../control/ledger/tlog/read.js";
import { goMissing, goVerify, startTessera, withGo } from "../kit/go.js";
import { noteKey } from "../kit/note-key.js";

const key = noteKey("ledger.example/eu/2026");
const home = mkdtempSync(join(tmpdir(), "glassgate-tessera-log-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const named = (name: string, count: number): readonly Buffer[] =>
  Array.from({ length: count }, (_, i) => Buffer.from(`${name} ${i}`));

describe.skipIf(goMissing !== undefined)(withGo("a log of Tessera's behind the ledger's interface"), () => {
  it("takes entries of several ledgers, each under its index, and reads them back", async () => {
    const folder = join(home, "log");
    const readToken = "a-token-of-those-who-may-read";
    writeFileSync(join(home, "read-token"), readToken, { mode: 0o600 });
    const tessera = await startTessera(folder, key, { options: ["--read-token-file", join(home, "read-token")] });
    const open = () => openTesseraLog({ url: tessera.url, vkey: key.vkey, token: tessera.token, readToken });
    const logs = [await open(), await open()];
    expect(logs[0]).toMatchObject({ origin: key.name, vkey: key.vkey, size: 0 });
    const there = new Map<number, string>();
    const appending = logs.flatMap((log, l) =>
      [1, 7, 300].map(async (count) => {
        const entries = named(`${l} ${count}`, count);
        const indices = await log.append(entries);
        expect(indices).toEqual([...indices].sort((a, b) => a - b));
        for (const [i, index] of indices.entries()) there.set(index, String(entries[i]));
      }),
    );
    await Promise.all(appending);
    expect(there.size).toBe(616);
    expect(Math.max(...logs.map(({ size }) => size))).toBe(616);
    expect(await logs[0]?.append([])).toEqual([]);
    const log = await open();
    // More than a request takes, of the longest that there are.
    const longest = named("long", 130).map((text) => Buffer.concat([text, Buffer.alloc(65_535 - text.length, ".")]));
    expect(await log.append(longest)).toEqual(longest.map((_, i) => 616 + i));
    await expect.poll(async () => (await open()).size, { timeout: 60_000 }).toBe(746);
    const checkpoint = openCheckpoint(String(await log.read("checkpoint")), parseVkey(log.vkey));
    expect((await rootAt(log, 746)).equals(checkpoint.root)).toBe(true);
    let index = 0;
    for await (const { bytes } of readEntries(log, 746)) {
      const expected = there.get(index) ?? String(longest[index - 616]);
      expect(bytes.toString() === expected, `entry ${index}`).toBe(true);
      index += 1;
    }
    const blob = Buffer.alloc(200_000, "blob");
    const name = createHash("sha256").update(blob).digest("hex");
    expect(await log.putBlob(blob)).toBe(name);
    expect((await log.read(`blob/${name}`))?.equals(blob)).toBe(true);
    await log.close();
    await expect(log.append(named("late", 1))).rejects.toThrow("closed");
    await tessera.stop();
    expect((await goVerify(folder, key.vkey)).text).toContain("VERIFIED\n");
    await expect(logs[0]?.append(named("nobody there", 1))).rejects.toThrow("Cannot write to");
  });

  it("is refused under another key, without the token, and where another program answers", async () => {
    const tessera = await startTessera(join(home, "other"), key);
    const { url, token } = tessera;
    const stranger = noteKey(key.name).vkey;
    await expect(openTesseraLog({ url, vkey: stranger, token })).rejects.toThrow("No key that is known here");
    await expect(openTesseraLog({ url: `${url}/x`, vkey: key.vkey, token })).rejects.toThrow("There is no log at");
    const log = await openTesseraLog({ url, vkey: key.vkey, token: "another" });
    await expect(log.append(named("x", 1))).rejects.toThrow("answers 401");
    await expect(log.append([Buffer.alloc(65_536)])).rejects.toThrow(RangeError);
    await tessera.stop();
  });
});

describe("a log of Tessera's", () => {
  it("is asked again where it is busy, and believed only where it answers as it should", async () => {
    const answers: [number, string][] = [];
    const server = createServer(async (request, response) => {
      for await (const _ of request); // All of it.
      if (request.method === "GET") return response.end(key.sign(`${key.name}\n0\n${EMPTY}\n`));
      const [status, text] = answers.shift() ?? [500, ""];
      response.writeHead(status, { "retry-after": "0" }).end(text);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const log = await openTesseraLog({ url: `http://127.0.0.1:${port}`, vkey: key.vkey, token: "t" });
    const entry = named("x", 1);
    answers.push([503, ""], [503, ""], [200, '{"indices":[4]}']);
    expect(await log.append(entry)).toEqual([4]);
    expect(log.size).toBe(5);
    answers.push(...Array.from({ length: 5 }, (): [number, string] => [503, "busy"]));
    await expect(log.append(entry)).rejects.toThrow("answers 503: busy.");
    for (const text of ["", "<html>", '{"indices":[]}', '{"indices":[1,2]}', '{"indices":[-1]}', '{"indices":["1"]}']) {
      answers.push([200, text]);
      await expect(log.append(entry)).rejects.toThrow("is not the program of config/ledger/tessera");
    }
    server.close();
    server.closeAllConnections();
  });
});

const EMPTY = createHash("sha256").digest("base64");
