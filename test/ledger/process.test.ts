/** The commands as processes: killed at any moment they lose nothing that was acknowledged, and repeat nothing in the log. */
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ask, newToken, sha256 } from "./http-kit.js";
import { bodiesOf, ChainedVm, command, entriesOf, newLedgerFolder, type Running, serve } from "./whole.js";

let parent: string;
let started: Running[];
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "glassgate-ledger-"));
  started = [];
});
afterEach(async () => {
  for (const one of started) one.kill("SIGKILL");
  await Promise.all(started.map(({ ended }) => ended));
  rmSync(parent, { recursive: true, force: true });
});
const track = <T extends Running>(running: T): T => {
  started.push(running);
  return running;
};
const token = newToken();
const LISTEN = `
senders:
  - { name: agent, tokens: [${sha256(token)}], speaks_for: [gateway-1], follows: true }
listen: { address: "127.0.0.1:0" }
`;

/** What the ledger of an agent wrote down: all lines, once each, and nothing wrong with their chain. */
async function expectWhole(
  ledger: Awaited<ReturnType<typeof newLedgerFolder>>,
  lines: readonly string[],
): Promise<void> {
  const entries = await entriesOf(ledger);
  expect(
    bodiesOf(entries, "alarm").filter((alarm) => !alarm.includes('"denials"') && !alarm.includes('"silence"')),
  ).toEqual([]);
  expect(bodiesOf(entries, "quarantine")).toEqual([]);
  const records = bodiesOf(entries, "record");
  expect(records.length).toBe(lines.length);
  expect(new Set(records)).toEqual(new Set(lines));
}

describe("ledger serve", () => {
  it("killed at any moment under load has all that it acknowledged", async () => {
    const ledger = await newLedgerFolder(parent, LISTEN);
    const acknowledged: string[] = [];
    const sent: string[] = [];
    const vm = new ChainedVm("gateway-1/1767225000123456789/1");
    for (let life = 0; life < 3; life++) {
      const running = track(await serve(ledger));
      let isUp = true;
      void running.ended.then(() => {
        isUp = false;
      });
      const load = Array.from({ length: 4 }, async () => {
        while (isUp) {
          const lines = Array.from({ length: 5 }, () => vm.next());
          sent.push(...lines);
          const answer = await ask(running.url, { path: "/v1/lines", token, body: lines.join("\n") }).catch(
            () => undefined,
          );
          if (answer?.status === 200) acknowledged.push(...lines);
        }
      });
      const goal = acknowledged.length + 20;
      await expect.poll(() => acknowledged.length, { timeout: 60_000 }).toBeGreaterThan(goal);
      await sleep(Math.random() * 100); // At any moment; nothing is judged by it.
      running.kill("SIGKILL");
      await running.ended;
      await Promise.all(load);
    }
    const held = new Set(bodiesOf(await entriesOf(ledger), "record"));
    expect(acknowledged.filter((line) => !held.has(line))).toEqual([]);
    expect([...held].filter((line) => !sent.includes(line))).toEqual([]);
  });

  it("a second one is refused with the first one's name; Ctrl-C ends in good order", async () => {
    const ledger = await newLedgerFolder(parent, LISTEN);
    const first = track(await serve(ledger));
    // Nobody is asked for a passphrase first: none could be read there.
    const second = track(command("serve", ledger.folder, "--passphrase-fd", "9"));
    expect(await second.ended).toBe(1);
    expect(second.told()).toMatch(/"glassgate ledger serve" writes to this ledger: process \d+/);
    expect((await ask(first.url, { path: "/v1/lines", token, body: "a line" })).status).toBe(200);
    first.kill("SIGINT");
    expect(await first.ended).toBe(0);
    expect(first.told()).toMatch(/The log has [1-9]\d* entries/);
    expect(bodiesOf(await entriesOf(ledger), "quarantine")).toEqual(["a line"]);
  });

  it("goes on where its cache can be neither read nor written, and says so", async () => {
    const ledger = await newLedgerFolder(parent, LISTEN);
    for (const name of ["chains", "chains.new"]) mkdirSync(join(ledger.folder, "state", name), { recursive: true });
    const running = track(await serve(ledger));
    expect((await ask(running.url, { path: "/v1/lines", token, body: "a line" })).status).toBe(200);
    running.kill("SIGTERM");
    expect(await running.ended).toBe(0);
    expect(running.told()).toMatch(/chains cannot be read: .* It is a cache/);
    expect(running.told()).toMatch(/chains cannot be written: .* It is a cache/);
    expect(bodiesOf(await entriesOf(ledger), "quarantine")).toEqual(["a line"]);
  });

  it("what is wrong at the start is said with the next step", async () => {
    const ledger = await newLedgerFolder(parent, LISTEN);
    const first = track(await serve(ledger));
    const other = join(parent, "other");
    mkdirSync(other);
    const taken = await newLedgerFolder(other, `listen: { address: "${new URL(first.url).host}" }\n`);
    const second = track(command("serve", taken.folder, "--passphrase-fd", "9"));
    expect(await second.ended).toBe(1);
    expect(second.told()).toMatch(/Cannot listen on 127\.0\.0\.1:\d+: another process has this port/);
    // The ledger was closed again.
    const third = track(command("serve", taken.folder));
    await third.ended;
    expect(third.told()).not.toContain("writes to this ledger");
    const wrong = await newLedgerFolder(join(parent, "other", "ledger"), "listen: { adress: x }\n");
    const fourth = track(command("serve", wrong.folder));
    expect(await fourth.ended).toBe(2);
    expect(fourth.told()).toMatch(/ledger\.yaml:\d+:\d+: listen: unknown member "adress"; did you mean "address"\?/);
  });
});

describe("ledger follow --config", () => {
  it("killed at any moment, over rotations and with the ledger killed as well, hands every line in", async () => {
    const ledger = await newLedgerFolder(parent, LISTEN);
    let server = track(await serve(ledger));
    const log = join(parent, "audit.log");
    const tokenFile = join(parent, "ledger.token");
    writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
    const config = join(parent, "follow.yaml");
    const write = (): void =>
      writeFileSync(
        config,
        `gateways:\n  - { id: gateway-1, audit: "${log}" }\nto: { url: "${server.url}", token_file: ledger.token }\nstate: positions\n`,
      );
    write();
    const vms = ["1", "2"].map((number) => new ChainedVm(`gateway-1/1767225000123456789/${number}`));
    const lines: string[] = [];
    const append = (count: number): void => {
      const more = Array.from({ length: count }, () => vms[Math.floor(Math.random() * 2)]?.next() ?? "");
      lines.push(...more);
      // Not always whole lines at once.
      const text = more.map((line) => `${line}\n`).join("");
      const at = Math.floor(Math.random() * text.length);
      appendFileSync(log, text.slice(0, at));
      appendFileSync(log, text.slice(at));
    };
    let rotations = 0;
    const rotate = (): void => {
      rotations += 1;
      renameSync(log, `${log}.${rotations}`);
      writeFileSync(log, "");
    };
    append(400);
    for (let life = 0; life < 4; life++) {
      const agent = track(command("follow", "--config", config));
      await agent.says(/Following gateway-1/);
      for (let step = 0; step < 4; step++) {
        append(150);
        if (step === 2) rotate();
        await sleep(Math.random() * 60); // At any moment; nothing is judged by it.
      }
      if (life === 2) {
        server.kill("SIGKILL");
        await server.ended;
        await agent.says(/does not answer/);
        append(50);
        server = track(await serve(ledger));
        write();
      }
      agent.kill("SIGKILL");
      await agent.ended;
      append(30);
      if (life === 1) rotate(); // While nobody looks.
    }
    const last = track(command("follow", "--config", config));
    const size = (): number => statSync(log).size;
    expect(size()).toBeGreaterThan(0);
    await expect
      .poll(async () => bodiesOf(await entriesOf(ledger), "record").length, { timeout: 120_000, interval: 250 })
      .toBe(lines.length);
    last.kill("SIGTERM");
    expect(await last.ended).toBe(0);
    server.kill("SIGTERM");
    await server.ended;
    await expectWhole(ledger, lines);
    expect(last.told()).not.toContain(token);
  });

  it("a second agent on the same positions is refused with the first one's name", async () => {
    const config = join(parent, "follow.yaml");
    writeFileSync(join(parent, "ledger.token"), `${token}\n`, { mode: 0o600 });
    writeFileSync(
      config,
      'gateways:\n  - { id: gateway-1, audit: audit.log }\nto: { url: "http://127.0.0.1:9", token_file: ledger.token }\nstate: positions\n',
    );
    const first = track(command("follow", "--config", config));
    await first.says(/Following/);
    const second = track(command("follow", "--config", config));
    expect(await second.ended).toBe(1);
    expect(second.told()).toMatch(/The positions in .* are in use: "glassgate ledger follow" .* process \d+/);
    first.kill("SIGINT");
    expect(await first.ended).toBe(0);
    expect(first.told()).toContain("The positions are kept");
  });

  it("refuses a ledger that is reached in clear, and certificates that nobody checks", async () => {
    writeFileSync(join(parent, "ledger.token"), `${token}\n`, { mode: 0o600 });
    const config = join(parent, "follow.yaml");
    const told = async (url: string): Promise<string> => {
      writeFileSync(
        config,
        `gateways:\n  - { id: gateway-1, audit: audit.log }\nto: { url: "${url}", token_file: ledger.token }\nstate: positions\n`,
      );
      const running = track(command("follow", "--config", config));
      expect(await running.ended).toBe(2);
      expect(running.told()).not.toContain(token);
      return running.told();
    };
    expect(await told("http://ledger.example.com")).toContain("in clear");
    expect(await told("https://user:secret@ledger.example.com")).not.toContain("secret");
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try {
      expect(await told("https://ledger.example.com")).toContain("has no certificate verified");
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
  });
});
