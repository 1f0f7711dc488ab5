/** A ledger whose log the Tessera program writes: what was acknowledged is there over kills of both, and another tree is refused. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { openSource } from "../../control/ledger/audit/source.js";
import { parseLedgerConfig } from "../../control/ledger/config.js";
import { decodeEntry, type Entry } from "../../control/ledger/entry.js";
import { openLogSigner } from "../../control/ledger/log/key.js";
import { openTesseraFolder } from "../../control/ledger/log/tessera-folder.js";
import type { Log } from "../../control/ledger/log.js";
import { openCheckpoint } from "../../control/ledger/tlog/checkpoint.js";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { fileSource, readEntries } from "../../control/ledger/tlog/read.js";
import { newKey } from "../../control/signer/jwk.js";
import { glassgate } from "../cli/run.js";
import { goMissing, goVerify, startTessera, type Tessera, withGo } from "../kit/go.js";
import { noteKey } from "../kit/note-key.js";
import { MemoryLog } from "../ledger-publish/log.js";
import { ask, newToken, sha256 } from "./http-kit.js";
import {
  bodiesOf,
  ChainedVm,
  command,
  type LedgerFolder,
  newLedgerFolder,
  PASSPHRASE,
  type Running,
  serve,
} from "./whole.js";

describe.skipIf(goMissing !== undefined)(withGo("ledger serve with a Tessera"), () => {
  const home = mkdtempSync(join(tmpdir(), "glassgate-tessera-serve-"));
  /** As newLedgerFolder names it. */
  const key = noteKey("ledger.example/test");
  const folder = join(home, "tessera");
  const vkeyFile = join(home, "tessera.vkey");
  const token = newToken();
  const started: Running[] = [];
  let tessera: Tessera;
  let address: string;
  let ledger: LedgerFolder;
  const track = <T extends Running>(running: T): T => {
    started.push(running);
    return running;
  };
  const restart = (at = folder): Promise<Tessera> => startTessera(at, key, { options: ["--listen", address] });
  const yaml = (more = ""): string => `
gateways: [{ id: gateway-1 }]
senders:
  - { name: agent, tokens: [${sha256(token)}], speaks_for: [gateway-1] }
listen: { address: "127.0.0.1:0", receipts: receipts.sock }
tessera: { url: "http://${address}", vkey_file: ../../tessera.vkey, token_file: ../../tessera.token }
${more}`;
  const newFolder = (name: string, more = ""): Promise<LedgerFolder> => {
    mkdirSync(join(home, name));
    return newLedgerFolder(join(home, name), yaml(more));
  };
  const run = (...args: string[]) => glassgate(["ledger", ...args], { env: { GLASSGATE_PASSPHRASE: PASSPHRASE } });

  beforeAll(async () => {
    tessera = await startTessera(folder, key);
    address = new URL(tessera.url).host;
    writeFileSync(vkeyFile, `${key.vkey}\n`);
    writeFileSync(join(home, "tessera.token"), `${tessera.token}\n`, { mode: 0o600 });
    ledger = await newFolder("one");
  });
  afterAll(async () => {
    for (const one of started) one.kill("SIGKILL");
    await Promise.all(started.map(({ ended }) => ended));
    await tessera.kill();
    rmSync(home, { recursive: true, force: true });
  });

  async function entries(): Promise<Entry[]> {
    const { size } = openCheckpoint(readFileSync(join(folder, "checkpoint"), "utf8"), parseVkey(key.vkey));
    const found: Entry[] = [];
    for await (const { bytes } of readEntries(fileSource(folder), size)) {
      const entry = decodeEntry(bytes);
      if (entry === undefined) throw new Error("an entry that the ledger did not write");
      found.push(entry);
    }
    return found;
  }

  const vm = new ChainedVm("gateway-1/1767225000123456789/1");
  const acknowledged: string[] = [];
  /** Posts until nobody answers. */
  async function load({ url }: { readonly url: string }): Promise<void> {
    for (;;) {
      const lines = Array.from({ length: 5 }, () => vm.next());
      const answer = await ask(url, { path: "/v1/lines", token, body: lines.join("\n") }).catch(() => undefined);
      if (answer?.status !== 200) return;
      acknowledged.push(...lines);
    }
  }
  const atWork = async (running: Running & { readonly url: string }): Promise<void> => {
    const loads = Promise.all([load(running), load(running), load(running)]);
    const goal = acknowledged.length + 60;
    await expect.poll(() => acknowledged.length, { timeout: 60_000, interval: 10 }).toBeGreaterThan(goal);
    void loads;
  };

  /** As `serve` does it. */
  async function open({ key: vkey = key.vkey, folder: at = join(home, "made") }): Promise<Log> {
    const vkeyOf = join(home, "some.vkey");
    writeFileSync(vkeyOf, vkey);
    mkdirSync(at, { recursive: true });
    return openTesseraFolder({
      folder: at,
      tessera: { url: `http://${address}`, vkey_file: vkeyOf, token_file: join(home, "tessera.token") },
      signer: openLogSigner(newKey("Ed25519"), key.name),
      signedPath: join(home, "some.signed"),
      holder: "a test",
    });
  }

  it("has all that it acknowledged, whichever of the two is killed", async () => {
    const first = track(await serve(ledger));
    await atWork(first);
    first.kill("SIGKILL");
    await first.ended;
    // At once: what was acknowledged need not have a checkpoint yet.
    const second = track(await serve(ledger));
    await atWork(second);
    await tessera.kill();
    expect(await second.ended).toBe(1);
    expect(second.told()).toMatch(/takes nothing more: Tessera does not answer/);
    tessera = await restart();
    const third = track(await serve(ledger));
    const pending = '{"v":1,"vm":"gateway-1/1767225000123456789/2","seq":1,"verdict":"pending"}';
    const socketPath = join(ledger.folder, "receipts.sock");
    const receipt = await ask(third.url, { path: "/v1/receipts", body: pending, socketPath });
    const claims = JSON.parse(Buffer.from(receipt.body.split(".")[1] ?? "", "base64url").toString());
    expect(claims).toMatchObject({ origin: key.name, record_sha256: sha256(pending) });
    // Read through the ledger as well as from Tessera.
    expect((await ask(third.url, { method: "GET", path: "/checkpoint" })).body).toContain(`\n\u2014 ${key.name} `);
    third.kill("SIGTERM");
    expect(await third.ended).toBe(0);
    const found = await entries();
    expect(found[claims.index]?.body.toString()).toBe(pending);
    const records = new Set(bodiesOf(found, "record"));
    expect(acknowledged.filter((line) => !records.has(line))).toEqual([]);
    expect(records.size).toBe(bodiesOf(found, "record").length);
    const proved = await run(
      "verify",
      `http://${address}`,
      "--key",
      vkeyFile,
      "--since",
      join(ledger.folder, "tessera.checkpoint"),
    );
    expect([proved.code, proved.stdout]).toEqual([0, expect.stringContaining("nothing that was there")]);
    expect((await goVerify(folder, key.vkey)).verified).toBe(true);
  });

  it("is written by one ledger at a time: the second hears of the first, and goes on once that one has ended", async () => {
    const other = await newFolder("two");
    const first = track(await serve(ledger));
    const second = track(command("serve", other.folder));
    expect(await second.ended).toBe(1);
    expect(second.told()).toMatch(/"glassgate ledger serve, process \d+ on .*" writes to it/);
    first.kill("SIGTERM");
    expect(await first.ended).toBe(0);
    const third = track(await serve(other));
    const line = vm.next();
    expect((await ask(third.url, { path: "/v1/lines", token, body: line })).body).toContain('"new":1');
    third.kill("SIGTERM");
    expect(await third.ended).toBe(0);
    // What it knows is what the first one entered.
    expect(bodiesOf(await entries(), "alarm").filter((alarm) => /"(?:gap|fork|late_start)"/.test(alarm))).toEqual([]);
    const again = track(await serve(ledger));
    expect((await ask(again.url, { path: "/v1/lines", token, body: line })).body).toContain('"new":0');
    again.kill("SIGTERM");
    expect(await again.ended).toBe(0);
  });

  it("what needs the log in the folder says where it is instead", async () => {
    const isElsewhere = /is written by a Tessera, and is not in this folder\. next: \S/;
    for (const args of [
      ["publish", ledger.folder, "--to", "s3://a/b", "--endpoint", "http://127.0.0.1:1"],
      ["next", ledger.folder, join(home, "next"), "--origin", "ledger.example/next"],
    ]) {
      const { code, stderr } = await run(...args);
      expect([args[0], code, stderr.replaceAll(/\s+/g, " ")]).toEqual([args[0], 2, expect.stringMatching(isElsewhere)]);
    }
    expect(existsSync(join(home, "next"))).toBe(false);
    const status = await run("status", ledger.folder);
    expect([status.code, status.stdout]).toEqual([0, expect.stringContaining(`the Tessera at http://${address}`)]);
    expect(status.stdout).toContain(key.vkey);
    expect(status.stdout).toMatch(/alarms .* in the last day/);
    // Also before it was ever started; and it does not begin a log of its own once the member is gone.
    const fresh = await newFolder("fresh");
    // By the source of tail, verify, prove, export, shards and the reviews.
    for (const at of [fresh.folder, ledger.folder])
      expect(() => openSource(at)).toThrow("is written by a Tessera, and is not in this folder");
    const config = join(ledger.folder, "ledger.yaml");
    const text = readFileSync(config, "utf8");
    writeFileSync(config, text.replace(/^tessera:.*$/m, ""));
    const { code, stderr } = await run("serve", ledger.folder);
    writeFileSync(config, text);
    expect([code, stderr]).toEqual([2, expect.stringContaining("ledger.yaml names none")]);
  });

  it("is refused with another name, another key, a log of its own, and members that cannot go with it", async () => {
    const refused = async (using: { key?: string; folder?: string }): Promise<string> => {
      const error = await open(using).then(
        () => new Error("it was opened"),
        (reason: unknown) => reason,
      );
      if (!(error instanceof UserError)) throw error;
      expect(error.hint).toBeTruthy();
      return error.message;
    };
    expect(await refused({ key: noteKey("ledger.example/other").vkey })).toContain(
      "Tessera's log is ledger.example/other, and this ledger's origin is ledger.example/test",
    );
    expect(await refused({ key: noteKey(key.name).vkey })).toContain("Tessera's checkpoint does not count");
    const own = join(home, "own");
    mkdirSync(own);
    const memory = new MemoryLog(openLogSigner(newKey("Ed25519"), key.name)).add(1);
    writeFileSync(join(own, "checkpoint"), memory.files.get("checkpoint") ?? "");
    expect(await refused({ folder: own })).toContain("has a log of its own");
    // One that was handed over to Tessera with its key: what it signed is gone on from.
    const handed = new MemoryLog(openLogSigner(key.jwk, key.name)).add(2);
    writeFileSync(join(own, "checkpoint"), handed.files.get("checkpoint") ?? "");
    expect(await refused({ folder: own })).toMatch(/does not go on from the one of 2 /);
    cpSync(join(folder, "checkpoint"), join(own, "checkpoint"));
    await (await open({ folder: own })).close();
    for (const more of ["witnesses: w.txt", 'publish: { to: "s3://a/b" }'])
      expect(() => parseLedgerConfig(`origin: a\nkey: k\n${yaml(more)}`, "ledger.yaml")).toThrow(
        /: does not go with tessera, whose log is not in this folder: take it out, and /,
      );
  });

  it("is refused where its tree went back, or is another", async () => {
    await tessera.stop();
    const backup = join(home, "backup");
    cpSync(folder, backup, { recursive: true });
    tessera = await restart();
    writeFileSync(join(home, "line"), `${vm.next()}\n`);
    const entered = await run("append", ledger.folder, join(home, "line"));
    expect([entered.code, entered.stderr]).toEqual([0, expect.stringContaining("1 new")]);
    for (const other of [backup, join(home, "empty")]) {
      await tessera.stop();
      tessera = await restart(other);
      await expect(open({ folder: ledger.folder })).rejects.toThrow("does not go on");
    }
    const { code, stderr } = await run("serve", ledger.folder);
    expect([code, stderr]).toEqual([1, expect.stringContaining("does not go on")]);
    await tessera.stop();
    tessera = await restart();
    await (await open({ folder: ledger.folder })).close();
  });
});
