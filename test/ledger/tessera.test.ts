/** The Tessera personality (config/ledger/tessera): more than one process appends, and what was answered is there for good. */
import { createHash } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { bundleOf } from "../kit/bundle-of.js";
import { fsck, goMissing, goVerify, startTessera, type Tessera, tesseraSays, withGo } from "../kit/go.js";
import { noteKey } from "../kit/note-key.js";

const key = noteKey("ledger.example/eu/2026");
const home = mkdtempSync(join(tmpdir(), "glassgate-tessera-test-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** The entry's bytes as the log's files have them. */
function entryIn(folder: string, index: number): Buffer {
  const bundle = String(Math.floor(index / 256)).padStart(3, "0");
  const size = Number(readFileSync(join(folder, "checkpoint"), "utf8").split("\n")[1]);
  const isPartial = Math.floor(index / 256) === Math.floor(size / 256);
  const bytes = readFileSync(join(folder, "tile/entries", bundle + (isPartial ? `.p/${size % 256}` : "")));
  let at = 0;
  for (let i = 0; i < index % 256; i++) at += 2 + bytes.readUInt16BE(at);
  return bytes.subarray(at + 2, at + 2 + bytes.readUInt16BE(at));
}

describe.skipIf(goMissing !== undefined)(withGo("the Tessera personality"), () => {
  it("takes entries up to the longest, gives equal ones places of their own, and refuses what is no bundle", async () => {
    const folder = join(home, "limits");
    const tessera = await startTessera(folder, key);
    const longest = Buffer.alloc(65_535, "x");
    expect(await tessera.add([Buffer.from("a"), longest, Buffer.from("a"), Buffer.of()])).toEqual([0, 1, 2, 3]);
    const wrong: readonly [Buffer, number][] = [
      [Buffer.of(), 400],
      [Buffer.of(0), 400],
      [Buffer.from([0, 4, 1, 2, 3]), 400],
      [Buffer.concat([bundleOf([Buffer.from("whole")]), Buffer.of(1)]), 400],
      [Buffer.alloc(4 * 1024 * 1024 + 1), 413],
    ];
    for (const [body, status] of wrong) expect((await tessera.post(body)).status).toBe(status);
    const entry = bundleOf([Buffer.from("b")]);
    for (const token of ["", "another", `${tessera.token}x`])
      expect((await tessera.post(entry, token)).status).toBe(401);
    const chunked = await fetch(`${tessera.url}/add`, {
      method: "POST",
      headers: { authorization: `Bearer ${tessera.token}` },
      body: new Blob([new Uint8Array(entry)]).stream(),
      duplex: "half",
    });
    expect(chunked.status).toBe(411);
    expect((await fetch(`${tessera.url}/add`)).status).toBe(405);
    // As large a request as there is, and the log goes on where it was.
    const many = await tessera.add(Array.from({ length: 63 }, () => longest));
    expect(many).toEqual(Array.from({ length: 63 }, (_, i) => 4 + i));
    expect(await tessera.stop()).toBe(0);
    expect((await goVerify(folder, key.vkey)).text).toContain("VERIFIED");
    expect(longest.equals(entryIn(folder, 1))).toBe(true);
  });

  it("with if-size writes all at that index or nothing, whoever else appends, in this process or another", async () => {
    const folder = join(home, "fenced");
    const both = await Promise.all([startTessera(folder, key), startTessera(folder, key)]);
    const [one] = both;
    const ask = async (url: string, path: string, body: Buffer, more: Record<string, string> = {}): Promise<string> => {
      const headers = { authorization: `Bearer ${one.token}`, ...more };
      const answer = await fetch(url + path, { method: "POST", body: new Uint8Array(body), headers });
      return `${answer.status} ${(await answer.text()).trim()}`;
    };
    const many = bundleOf(Array.from({ length: 1500 }, (_, i) => Buffer.from(`entry ${i}`)));
    let size = 0;
    for (let round = 0; round < 3; round++) {
      const loose = both.map(({ add }) => add([Buffer.from("from elsewhere")]));
      const fenced = Array.from({ length: 6 }, (_, i) =>
        ask(both[i % 2]?.url ?? "", "/add", many, { "if-size": String(size) }),
      );
      const answers = await Promise.all(fenced);
      await Promise.all(loose);
      // One at most: those from elsewhere may have come first.
      const won = answers.filter((answer) => answer.startsWith("200 "));
      expect(won.length).toBeLessThanOrEqual(1);
      expect(answers.filter((answer) => /^412 the log has \d+ entries$/.test(answer)).length).toBe(6 - won.length);
      for (const answer of won)
        expect(JSON.parse(answer.slice(4)).indices).toEqual(Array.from({ length: 1500 }, (_, i) => size + i));
      const claim = await ask(one.url, "/writer", Buffer.from('{"id":"a","name":"one","seconds":1}'));
      const durable = JSON.parse(claim.slice(4)).size;
      expect(durable).toBe(size + 2 + 1500 * won.length);
      size = durable;
    }
    const entry = bundleOf([Buffer.from("x")]);
    expect(await ask(one.url, "/add", entry, { "if-size": String(size) })).toBe(`200 {"indices":[${size}]}`);
    for (const wrong of ["-1", "x", "1.5", "99999999999999999999"])
      expect(await ask(one.url, "/add", entry, { "if-size": wrong })).toMatch(/^400 if-size/);
    await Promise.all(both.map(({ stop }) => stop()));
    expect((await goVerify(folder, key.vkey)).text).toContain(`size ${size + 1},`);
  });

  it("has one writer by name at a time, until he gives it back or says nothing more", async () => {
    const tessera = await startTessera(join(home, "writers"), key);
    const claim = async (body: string, token = tessera.token): Promise<string> => {
      const headers = { authorization: `Bearer ${token}` };
      const answer = await fetch(`${tessera.url}/writer`, { method: "POST", body, headers });
      return `${answer.status} ${(await answer.text()).trim()}`;
    };
    const of = (id: string, seconds: number): string => JSON.stringify({ id, name: `ledger ${id}`, seconds });
    expect(await claim(of("a", 60))).toBe('200 {"size":0}');
    expect(await claim(of("b", 60))).toBe("409 ledger a");
    expect(await claim(of("b", 0))).toBe("409 ledger a");
    expect(await claim(of("a", 0))).toBe('200 {"size":0}');
    expect(await claim(of("b", 1))).toBe('200 {"size":0}');
    await expect.poll(() => claim(of("a", 60)), { timeout: 30_000, interval: 100 }).toBe('200 {"size":0}');
    for (const wrong of ["", "{}", of("", 1), of("a", -1), of("a", 61), '{"id":"a","name":"b","seconds":1,"x":1}'])
      expect(await claim(wrong)).toMatch(/^400 /);
    expect(await claim("x".repeat(5000))).toMatch(/^400 /);
    expect(await claim(of("a", 1), "another")).toMatch(/^401 /);
    await tessera.stop();
  });

  it("serves the log's files and nothing else of the folder, on request only to those with a token", async () => {
    const folder = join(home, "read");
    const token = "a-token-of-those-who-may-read";
    const file = join(home, "read-token");
    writeFileSync(file, token, { mode: 0o600 });
    const tessera = await startTessera(folder, key, { options: ["--read-token-file", file] });
    await tessera.add(Array.from({ length: 300 }, (_, i) => Buffer.from(`entry ${i}`)));
    const statusOf = async (path: string, bearer = token): Promise<number> => {
      const answer = await fetch(`${tessera.url}${path}`, { headers: { authorization: `Bearer ${bearer}` } });
      await answer.body?.cancel();
      return answer.status;
    };
    expect(await statusOf("/tile/0/000")).toBe(200);
    expect(await statusOf("/tile/entries/000")).toBe(200);
    for (const path of ["/tile/0/000", "/checkpoint"]) expect(await statusOf(path, tessera.token)).toBe(401);
    const others = [
      "/",
      "/tile/",
      "/tile/0/",
      "/tile/0/000/",
      "/tile/0/0",
      "/tile/0/001.p",
      "/.state/treeState",
      "/blob/",
    ];
    for (const path of [...others, "/tile/0/..%2f..%2f.state/treeState", "/tile/%2e%2e/.state/treeState"])
      expect([path, await statusOf(path)]).toEqual([path, 404]);
    await tessera.stop();
    const again = await startTessera(folder, key, { options: ["--read-token-file", file] });
    expect((await fsck(again.url, key.vkey, token)).verified).toBe(true);
    expect((await fsck(again.url, key.vkey)).verified).toBe(false);
    await again.stop();
  });

  it("keeps what is too long for an entry beside the log, under its hash", async () => {
    const folder = join(home, "blobs");
    const tessera = await startTessera(folder, key);
    const bytes = Buffer.alloc(1_000_000, "long ");
    const name = createHash("sha256").update(bytes).digest("hex");
    const put = async (path: string, body: Buffer, token = tessera.token): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` };
      const answer = await fetch(`${tessera.url}/blob/${path}`, { method: "PUT", body: new Uint8Array(body), headers });
      return answer.status;
    };
    expect(await put(name, bytes)).toBe(204);
    expect(await put(name, bytes)).toBe(204);
    expect(await put(name, bytes.subarray(1))).toBe(400);
    expect(await put(name, bytes, "another")).toBe(401);
    expect(await put(name.toUpperCase(), bytes)).toBe(404);
    expect(await put("..%2fcheckpoint", bytes)).toBe(404);
    const got = await fetch(`${tessera.url}/blob/${name}`);
    expect(bytes.equals(Buffer.from(await got.arrayBuffer()))).toBe(true);
    await tessera.stop();
    expect(readdirSync(join(folder, "blob"))).toEqual([name]);
  });

  it("takes no secrets that others may read, and makes a key for its owner alone", async () => {
    const [keyFile, tokenFile] = [join(home, "key"), join(home, "token")];
    const made = await tesseraSays(["--new-key", "ledger.example/new", "--key-file", keyFile]);
    expect(made.text).toMatch(/^ledger\.example\/new\+[0-9a-f]{8}\+\S{44}\n$/);
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    expect((await tesseraSays(["--new-key", "x", "--key-file", keyFile])).verified).toBe(false);
    const start = () =>
      tesseraSays([
        "--folder",
        join(home, "never"),
        "--key-file",
        keyFile,
        "--token-file",
        tokenFile,
        "--listen",
        "no",
      ]);
    writeFileSync(tokenFile, "short\n", { mode: 0o600 });
    expect((await start()).text).toContain(`${tokenFile} is no token`);
    writeFileSync(tokenFile, "long enough to be a token");
    expect((await start()).text).toContain("without spaces");
    writeFileSync(tokenFile, "long-enough-to-be-a-token");
    chmodSync(tokenFile, 0o640);
    expect((await start()).text).toContain(`${tokenFile} may be read by others`);
    chmodSync(tokenFile, 0o600);
    chmodSync(keyFile, 0o604);
    expect((await start()).text).toContain(`${keyFile} may be read by others`);
    chmodSync(keyFile, 0o600);
    expect((await start()).text).toContain("listen tcp");
  });

  /** Appends until the process is gone. @returns what was answered: the entry's index and its text */
  async function appendTo(tessera: Tessera, name: string, acknowledged: Map<number, string>): Promise<void> {
    for (let i = 0; ; i++) {
      const texts = Array.from({ length: 1 + (i % 7) }, (_, n) => `${name} ${i} ${n}`);
      const indices = await tessera.add(texts.map((text) => Buffer.from(text))).catch(() => undefined);
      if (indices === undefined) return; // The kill, in the midst of it.
      for (const [n, index] of indices.entries()) {
        expect(acknowledged.get(index)).toBeUndefined();
        acknowledged.set(index, texts[n] ?? "");
      }
    }
  }

  it("has two processes on one folder, which kill -9 does not make lose or renumber what was answered", async () => {
    const folder = join(home, "two");
    const acknowledged = new Map<number, string>();
    for (let round = 0; round < 3; round++) {
      const both = await Promise.all([startTessera(folder, key), startTessera(folder, key)]);
      const wanted = acknowledged.size + 60;
      const appending = both.flatMap((tessera, i) => [
        appendTo(tessera, `${round}-${i}-a`, acknowledged),
        appendTo(tessera, `${round}-${i}-b`, acknowledged),
      ]);
      await expect.poll(() => acknowledged.size, { timeout: 60_000, interval: 5 }).toBeGreaterThan(wanted);
      await Promise.all(both.map((tessera) => tessera.kill()));
      await Promise.all(appending);
    }
    const last = await startTessera(folder, key);
    await last.add([Buffer.from("the last one")]);
    await last.stop();
    expect((await goVerify(folder, key.vkey)).text).toContain("VERIFIED");
    expect((await fsck(folder, key.vkey)).verified).toBe(true);
    for (const [index, text] of acknowledged) expect(entryIn(folder, index).toString()).toBe(text);
  });
});
