/** `glassgate ledger init|token|append|status`, as a person runs them. */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseLedgerConfig } from "../../control/ledger/config.js";
import { takeLock } from "../../control/ledger/log/lock.js";
import { openCheckpoint } from "../../control/ledger/tlog/checkpoint.js";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { atTerminal, glassgate } from "./run.js";

const ORIGIN = "ledger.example.com/eu/2026";
const root = mkdtempSync(join(tmpdir(), "cli-ledger-"));
const env = { GLASSGATE_PASSPHRASE: "correct horse battery staple", GLASSGATE_KEYS: join(root, "keys") };
const ledger = (args: readonly string[], input?: string) =>
  glassgate(["ledger", ...args], { cwd: root, env, ...(input === undefined ? {} : { input }) });
const keyFile = join(root, "keys/ledger.example.com-eu-2026.key.json");

/** A line of a gateway's audit log, as far as a ledger looks at it to tell it apart. */
const line = (seq: number): string =>
  JSON.stringify({ v: 1, vm: "gateway-1/1767225000123456789/3", seq, prev: "0".repeat(64), verdict: "allowed" });

describe("glassgate ledger", () => {
  let vkey = "";

  beforeAll(async () => {
    writeFileSync(join(root, "empty.log"), "");
    const made = await ledger(["init", "led", "--origin", ORIGIN]);
    expect(made).toMatchObject({ code: 0 });
    expect(made.stderr).toMatch(/^Next: .*\n {2}glassgate ledger serve led$/m);
    vkey = made.stdout.trim();
  });

  it("init makes an empty ledger, its key elsewhere, and prints the verifier key", async () => {
    const checkpoint = openCheckpoint(readFileSync(join(root, "led/checkpoint"), "utf8"), parseVkey(vkey));
    expect(checkpoint).toMatchObject({ origin: ORIGIN, size: 0 });
    expect(existsSync(`${keyFile}.signed`)).toBe(true);
    expect(readFileSync(join(root, "led/ledger.yaml"), "utf8")).toContain(JSON.stringify(keyFile));
    expect((await ledger(["init", "led", "--origin", "other"])).stderr).toMatch(
      /led is not empty.*\n.*ledger status led/,
    );
    expect((await ledger(["init", "other", "--origin", ORIGIN])).stderr).toMatch(/key\.json exists already/);
    expect((await ledger(["init", "other", "--origin", "a b"])).stderr).toMatch(/"a b" cannot be a ledger's name/);
    expect((await ledger(["init", "other", "--origin", "x", "--key", "other/x.json"])).stderr).toMatch(
      /The key would stand in the ledger's folder/,
    );
    // All or nothing: where one file cannot be written, none is there.
    mkdirSync(join(root, "blocked"));
    writeFileSync(join(root, "blocked/file"), "");
    const blocked = await ledger(["init", "blocked/file/led", "--origin", "x"]);
    expect(blocked).toMatchObject({ code: 2, stdout: "" });
    expect(existsSync(join(root, "other"))).toBe(false);
    expect(existsSync(join(root, "keys/x.key.json"))).toBe(false);
  });

  it("token prints a line that ledger.yaml takes, with what the sender may", async () => {
    const made = await ledger(["token", "eu-1", "--speaks-for", "gateway-1", "--follows", "--reads"]);
    expect(made).toMatchObject({ code: 0 });
    expect(made.stdout).toMatch(/^ggl_[\w-]{43}\n$/);
    const [sender = ""] = /^ {2}- \{.*\}$/m.exec(made.stderr) ?? [];
    const { senders } = parseLedgerConfig(`origin: x\nkey: k\nsenders:\n${sender}\n`, "ledger.yaml");
    const sha256 = createHash("sha256").update(made.stdout.trim()).digest("hex");
    expect(senders).toMatchObject([
      { name: "eu-1", tokens: [sha256], speaks_for: ["gateway-1"], follows: true, reads: true },
    ]);
  });

  it("asks again for a passphrase that was mistyped at a terminal", async () => {
    const { code, stdout } = await atTerminal(
      "unset GLASSGATE_PASSPHRASE; npx glassgate ledger append led empty.log",
      ["correct horse battery stapel", env.GLASSGATE_PASSPHRASE],
      { cwd: root, env },
    );
    expect(code, stdout).toBe(0);
    expect(stdout.replaceAll(/\s+/g, " ")).toContain("Try again.");
  });

  it("names one and the same thing by one name in --json", async () => {
    const made = await ledger(["init", "named", "--origin", "named.example/x", "--json"]);
    const { vkey: own, key } = JSON.parse(made.stdout);
    expect(key).toEqual({ file: join(root, "keys/named.example-x.key.json"), kid: expect.any(String) });
    expect(JSON.parse((await ledger(["status", "named", "--json"])).stdout)).toMatchObject({ vkey: own, key });
    const verified = JSON.parse((await ledger(["verify", "named", "--key", own, "--json"])).stdout);
    expect(verified).toMatchObject({ vkey: own, origin: "named.example/x", size: 0 });
    expect(verified.key).toBeUndefined();
    const next = await ledger(["next", "named", "after", "--origin", "named.example/y", "--json"]);
    expect(JSON.parse(next.stdout)).toMatchObject({
      key: { file: join(root, "keys/named.example-y.key.json"), kid: key.kid },
    });
  });

  it("an alarm comes with its entry and what to do", async () => {
    writeFileSync(join(root, "junk.log"), "no line of a gateway\n");
    const { code, stderr } = await ledger(["append", "led", "junk.log"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^warning: quarantined \(entry \d+\): .*\n {9}`glassgate ledger tail DIR --type quarantine` shows it\./m,
    );
  });

  it("a key's file that is not there is no key that is misspelt", async () => {
    const { code, stderr } = await ledger(["verify", "led", "--key", "led.vkey"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/There is no file led\.vkey, and it is no verifier key .*\nnext: .*ledger status/);
  });

  it("append enters each line once, durably, from a file and from standard input", async () => {
    writeFileSync(join(root, "audit.log"), `${line(1)}\n${line(2)}\n`);
    const first = await ledger(["append", "led", "audit.log", "--json"]);
    expect(first).toMatchObject({ code: 0 });
    expect(JSON.parse(first.stdout)).toMatchObject({ lines: 2, new: 2 });
    const second = await ledger(["append", "led", "--json"], `${line(2)}\r\n${line(3)}`);
    expect(JSON.parse(second.stdout)).toMatchObject({ lines: 2, new: 1 });
    const bundle = readFileSync(join(root, `led/tile/entries/000.p/${JSON.parse(second.stdout).size}`), "utf8");
    expect(bundle).toMatch(/"sender":"local:[^"]+","via":"local"[^\n]*\}\n\{"v":1/);
    const nothing = await ledger(["append", "led", "no-such-file"]);
    expect(nothing).toMatchObject({ code: 2 });
    expect(nothing.stderr).toMatch(/Cannot read no-such-file: it does not exist\. Nothing was entered\./);
  });

  it("append beside another writer is refused with its name, and says how to hand lines in", async () => {
    const lock = await takeLock(join(root, "led/lock"), "glassgate ledger serve");
    const refused = await ledger(["append", "led", "-"], "x\n");
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/"glassgate ledger serve" writes to this ledger: process \d+ on/);
    expect(refused.stderr).toMatch(/takes it by POST/);
    const status = await ledger(["status", "led"]);
    expect(status.stdout).toMatch(new RegExp(`^writer +"glassgate ledger serve", process ${process.pid} on`, "m"));
    await lock.release();
  });

  it("status says what is there, and whether it is what the key signed", async () => {
    const status = await ledger(["status", "led", "--json"]);
    expect(status).toMatchObject({ code: 0 });
    const found = JSON.parse(status.stdout);
    const checkpoint = openCheckpoint(readFileSync(join(root, "led/checkpoint"), "utf8"), parseVkey(vkey));
    expect(found).toMatchObject({
      origin: ORIGIN,
      vkey,
      size: checkpoint.size,
      root: checkpoint.root.toString("base64"),
      signed: { size: checkpoint.size },
      writer: null,
      fault: null,
    });
    expect(found.disk.bytes).toBeGreaterThan(0);
    cpSync(join(root, "led"), join(root, "backup"), { recursive: true });
    await ledger(["append", "led", "-"], `${line(4)}\n`);
    rmSync(join(root, "led"), { recursive: true });
    cpSync(join(root, "backup"), join(root, "led"), { recursive: true });
    const older = await ledger(["status", "led"]);
    expect(older).toMatchObject({ code: 1 });
    expect(older.stderr).toMatch(/the key has signed a tree of \d+ entries last, and the folder has \d+/);
    const refused = await ledger(["append", "led", "-"], `${line(6)}\n`);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toMatch(/tile\/0\/000\.p\/\d+ is missing|this is an older copy/);
  });
});
