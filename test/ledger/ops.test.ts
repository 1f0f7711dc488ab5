/** What somebody on call asks of a ledger at night, with the real command. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { RemoteLedger, tokenIn } from "../../control/ledger/follow/remote.js";
import { takeLock } from "../../control/ledger/log/lock.js";
import { readToken } from "../../control/ledger/log/tessera-http.js";
import { glassgate } from "../cli/run.js";
import { newToken, sha256 } from "./http-kit.js";
import { entry, filesOf, testKey, writeLog } from "./make-log.js";
import { ChainedVm, newLedgerFolder, PASSPHRASE, serve } from "./whole.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-ops-"));
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(base, { recursive: true, force: true });
});

let folders = 0;
async function ledgerOf(yaml: string) {
  const parent = join(base, `ledger-${folders++}`);
  mkdirSync(parent);
  return { parent, ...(await newLedgerFolder(parent, yaml)) };
}
const run = (...args: readonly string[]) =>
  glassgate(["ledger", ...args], { cwd: base, env: { GLASSGATE_PASSPHRASE: PASSPHRASE } });

async function hookAnswering(status: number, got: unknown[]): Promise<string> {
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (more: string) => {
      text += more;
    });
    request.on("end", () => {
      got.push(JSON.parse(text));
      response.writeHead(status).end();
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address: AddressInfo | string | null = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/hook`;
}

describe("ledger test-alarms", () => {
  it("sends one marked test to each receiver, says who took it, and enters nothing", async () => {
    const secret = join(base, "webhook.secret");
    writeFileSync(secret, `whsec_${Buffer.alloc(32, 1).toString("base64")}`, { mode: 0o600 });
    const got: unknown[] = [];
    const hook = async (status: number): Promise<string> =>
      `{ url: "${await hookAnswering(status, got)}", secret_file: "${secret}", allow_private: true }`;
    const taken = join(base, "taken.json");
    const command = (...words: readonly string[]): string => `{ run: ${JSON.stringify(words)} }`;
    const works = command(process.execPath, "-e", "fs.writeFileSync(process.argv[1], fs.readFileSync(0))", taken);
    const bad = await ledgerOf(
      `alarms: { webhooks: [ ${await hook(204)}, ${await hook(500)} ], commands: [ ${works}, ${command("/no/such/pager")} ] }`,
    );
    const checkpoint = readFileSync(join(bad.folder, "checkpoint"), "utf8");
    const { code, stdout, stderr } = await run("test-alarms", bad.folder);
    expect(code, stderr).toBe(1);
    expect(stdout).toMatch(
      /^ok {6}webhook 1 .*\nFAILED {2}webhook 2 .*answered 500\.\nok {6}command 1 .*\nFAILED {2}command 2 .*does not exist/,
    );
    expect(stderr).toContain("Next: ");
    const marked = { type: "glassgate.ledger.alarm", data: { code: "test", severity: "notice", entry: null } };
    expect(got).toMatchObject([marked, marked]);
    expect(JSON.parse(readFileSync(taken, "utf8"))).toMatchObject(marked);
    expect(readFileSync(join(bad.folder, "checkpoint"), "utf8")).toBe(checkpoint);

    const good = await ledgerOf(`alarms: { commands: [ ${works} ] }`);
    const json = await run("test-alarms", good.folder, "--json");
    expect([json.code, JSON.parse(json.stdout)]).toEqual([
      0,
      { receivers: [{ name: expect.stringContaining("command 1"), delivered: true, fault: null }] },
    ]);
    const nobody = await run("test-alarms", (await ledgerOf("")).folder);
    expect([nobody.code, nobody.stderr]).toEqual([
      2,
      expect.stringMatching(/names nobody who gets alarms[\s\S]*docs\/alarms\.md/),
    ]);
  });
});

describe("ledger status", () => {
  it("says of a ledger at work and at rest what is followed, how far, and what was found", async () => {
    const token = newToken();
    const { parent, ...ledger } = await ledgerOf(`
gateways:
  - { id: gateway-1, audit: ../audit.log, answers: ../answers.log }
  - { id: gateway-2, audit: ../none.log, admin: "127.0.0.1:1" }
senders: [ { name: eu, tokens: [${sha256(token)}], speaks_for: [gateway-1], follows: true } ]
listen: { address: "127.0.0.1:0" }
`);
    const before = await run("status", ledger.folder);
    expect(before.stdout).toMatch(/^following +no$/m);
    expect(before.stdout).toMatch(/^open gaps +not known before it was served$/m);
    const vm = new ChainedVm("gateway-1/1767225000123456789/1");
    const lines = `${vm.next()}\n${vm.next()}\n`;
    writeFileSync(join(parent, "audit.log"), lines);
    writeFileSync(join(parent, "answers.log"), "no line of a gateway\nand not yet a li");
    const served = await serve(ledger);
    const tokenFile = join(parent, "token");
    writeFileSync(tokenFile, token, { mode: 0o600 });
    const agent = new RemoteLedger({ url: served.url, token_file: tokenFile }, () => {});
    const beat = { gateway: "gateway-1", at: new Date().toISOString(), vms: [] };
    const sender = { sender: "eu", via: "token" } as const;
    await agent.sink([{ kind: "heartbeat", bytes: Buffer.from(JSON.stringify(beat)), sender }]);
    await served.says(/quarantined/);
    const status = async () => JSON.parse((await run("status", ledger.folder, "--json")).stdout);
    // What was taken moves the position, and how the gateways stand is written down every few seconds.
    await expect.poll(async () => (await status()).gateways[0].heartbeat, { timeout: 60_000 }).not.toBeNull();
    expect(await status()).toMatchObject({
      following: "yes",
      key_writer: null,
      gateways: [
        {
          id: "gateway-1",
          silent: false,
          files: [
            { path: join(parent, "audit.log"), read: lines.length, size: lines.length },
            { path: join(parent, "answers.log"), read: 21, size: 37 },
          ],
        },
        { id: "gateway-2", heartbeat: null, age_seconds: null, files: [{ read: null, size: null }] },
      ],
      open_gaps: 0,
      alarms: { codes: { quarantined: 1 }, complete: true },
    });
    const { stdout } = await run("status", ledger.folder);
    expect(stdout).toMatch(/^following +yes, \d+ seconds? ago$/m);
    expect(stdout).toMatch(/^gateway +gateway-1: last heartbeat \d+ seconds? ago \(/m);
    expect(stdout).toMatch(/^gateway +gateway-2: no heartbeat yet$/m);
    expect(stdout).toMatch(/^ {2}file +.*audit\.log: read to its end \(\d+ bytes\)$/m);
    expect(stdout).toMatch(/^ {2}file +.*answers\.log: read up to byte 21 of 37$/m);
    expect(stdout).toMatch(/^ {2}file +.*none\.log: not there$/m);
    expect(stdout).toMatch(/^alarms +1 quarantined, .*last day$/m);

    served.kill("SIGTERM");
    await served.ended;
    writeFileSync(join(parent, "audit.log"), `${lines}more`);
    const rest = await run("status", ledger.folder);
    expect(rest.stdout).toMatch(/^following +no, and last did \d+ seconds? ago/m);
    expect(rest.stdout).toMatch(/^gateway +gateway-1: last heartbeat \d+ seconds? ago/m);
    expect(rest.stdout).toMatch(/^ {2}file +.*audit\.log: read up to byte \d+ of \d+$/m);
  });

  it("says of a writer that has not written down how it stands that it may stand still", async () => {
    const { folder } = await ledgerOf("");
    const lock = await takeLock(join(folder, "lock"), "glassgate ledger serve");
    mkdirSync(join(folder, "state"));
    const standing = { version: 1, at: Date.now() - 600_000, openGaps: 2, waiting: 0, gateways: [] };
    writeFileSync(join(folder, "state/standing.json"), JSON.stringify(standing));
    const { stdout } = await run("status", folder);
    expect(stdout).toMatch(
      /^following +not known: the writer has not written down how it stands since .*stand still\?$/m,
    );
    expect(stdout).toMatch(/^open gaps +2$/m);
    await lock.release();
  });
});

describe("a token's file", () => {
  it("that others may read is refused with the next step, wherever it is read", async () => {
    for (const mode of [0o644, 0o640, 0o604]) {
      const path = join(base, `token-${mode}`);
      writeFileSync(path, newToken(), { mode });
      chmodSync(path, mode);
      expect(() => tokenIn(path)).toThrow("others may read the token");
      expect(() => readToken(path)).toThrow("others may read the token");
    }
    const path = join(base, "token-420");
    const { code, stderr } = await run("tail", "https://ledger.example.com", "--token-file", path);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/others may read the token\.\nnext: +chmod 600 /)]);
    chmodSync(path, 0o400);
    expect(tokenIn(path)).toMatch(/^\S+$/);
  });
});

describe("locks that a container left", () => {
  /** As that container wrote them: the same name, and processes that are counted by itself. */
  async function leave(path: string): Promise<void> {
    await takeLock(path, "glassgate ledger serve");
    const holder: object = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, `${JSON.stringify({ ...holder, host: "the-pod-before", pid: 7 })}\n`);
  }

  it("are named together, and the command that is named clears the way", async () => {
    const { parent, folder } = await ledgerOf("");
    const [own, ofKey] = [join(folder, "lock"), join(parent, "keys/ledger.key.json.signed.lock")];
    await leave(own);
    await leave(ofKey);
    const refused = await run("append", folder, "/dev/null");
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(`rm ${own} ${ofKey}`)]);
    rmSync(own);
    const { stdout } = await run("status", folder);
    expect(stdout).toMatch(/^writer +nobody$/m);
    expect(stdout).toMatch(/^key in use +by "glassgate ledger serve", process 7 on the-pod-before.*signed\.lock/m);
    const again = await run("append", folder, "/dev/null");
    expect(again.stderr).toMatch(new RegExp(`: rm ${ofKey.replaceAll(".", "\\.")}\n`));
    rmSync(ofKey);
    expect((await run("append", folder, "/dev/null")).code).toBe(0);
  });
});

describe("ledger verify", () => {
  it("counts a notice on record beside the alarms", async () => {
    const key = testKey("ledger.example/noticed");
    const notice = { code: "first_use", subject: "grant", about: [0], says: "grant was used for the first time" };
    const folder = join(base, "noticed");
    writeLog(
      folder,
      filesOf([entry("{}", { type: "heartbeat" }), entry(JSON.stringify(notice), { type: "alarm" })], key),
    );
    const { stdout } = await run("verify", folder, "--key", key.vkey);
    expect(stdout).toMatch(/no alarm is on record, and 1 notice$/m);
  });
});
