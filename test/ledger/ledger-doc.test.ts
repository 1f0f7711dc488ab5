/** The first part of docs/ledger.md, as it stands there: a ledger beside a gateway's files, looked at while it runs. */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseLedgerConfig } from "../../control/ledger/config.js";
import { repository, shellLines } from "../cli/doc-commands.js";
import { makeProject, type Project } from "../cli/project.js";
import { freePort, quickMain, type Ran, shell } from "../cli/run.js";
import { records } from "./make-log.js";

const PATIENCE = { timeout: 60_000 };
const all = shellLines("docs/ledger.md");
const served = all.indexOf("glassgate ledger serve ledger");
const [before, behind] = [
  all.slice(0, served),
  all.slice(
    served + 1,
    all.findIndex((line) => / ledger token /.test(line)),
  ),
];

let project: Project;
let env: Record<string, string>;
const line = (text: string): Promise<Ran> =>
  shell(`glassgate() { "${process.execPath}" "${quickMain}" "$@"; }\n${text}`, { cwd: project.folder, env });

beforeAll(async () => {
  project = await makeProject();
  env = { GLASSGATE_KEYS: project.keys, GLASSGATE_PASSPHRASE: project.passphrase };
  mkdirSync(join(project.folder, "logs"));
  writeFileSync(join(project.folder, "logs/audit.log"), `${records(3).join("\n")}\n`);
  writeFileSync(join(project.folder, "logs/answers.log"), "");
});
afterAll(() => project.remove());

interface Serving {
  readonly told: () => string;
  stop(): void;
  readonly ended: Promise<number | null>;
}

/** `glassgate ledger serve`, until it is stopped. */
function serve(folder: string): Serving {
  const child = spawn(process.execPath, [quickMain, "ledger", "serve", folder], {
    cwd: project.folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let told = "";
  child.stderr.on("data", (chunk: Buffer) => {
    told += chunk.toString();
  });
  return {
    told: () => told,
    stop: () => void child.kill("SIGINT"),
    ended: new Promise((resolve) => child.on("close", resolve)),
  };
}

/** "Replace `gateways: []` and `anchors: []` with these lines", as the reader does by hand. */
async function edited(): Promise<string> {
  const doc = readFileSync(`${repository}docs/ledger.md`, "utf8");
  const [, block = ""] = /with these lines[\s\S]*?```yaml\n([\s\S]*?)```/.exec(doc) ?? [];
  const text = readFileSync(join(project.folder, "ledger/ledger.yaml"), "utf8");
  expect(text).toMatch(/^gateways: \[\]$[\s\S]*^anchors: \[\]$/m);
  // Ports of this machine are others' as well.
  return text
    .replace(/^anchors: \[\]\n/m, "")
    .replace(/^gateways: \[\]\n/m, block.replace("127.0.0.1:9901", `127.0.0.1:${await freePort()}`))
    .replace("127.0.0.1:7070", `127.0.0.1:${await freePort()}`);
}

it("makes a ledger, follows the gateway's files, shows and proves what is in it", async () => {
  expect(before).toHaveLength(1);
  expect(behind).toHaveLength(4);
  for (const text of before) expect(await line(text)).toMatchObject({ code: 0 });
  const yaml = await edited();
  parseLedgerConfig(yaml, "ledger.yaml");
  writeFileSync(join(project.folder, "ledger/ledger.yaml"), yaml);

  const serving = serve("ledger");
  try {
    await expect.poll(serving.told, PATIENCE).toContain("Ctrl-C stops it.");
    expect(serving.told()).toMatch(/^ {2}gateway-1 {2}\S*\/logs\/audit\.log$/m);
    expect(serving.told()).not.toMatch(/has no anchors|nothing can come in/);
    const entries = async (): Promise<number> =>
      JSON.parse((await line("glassgate ledger status ledger --json")).stdout).size;
    await expect.poll(entries, PATIENCE).toBeGreaterThanOrEqual(3);
    const seen: Ran[] = [];
    for (const text of behind) seen.push(await line(text));
    for (const { code, stdout, stderr } of seen) expect(code, stdout + stderr).toBe(0);
    expect(seen[0]?.stdout).toMatch(
      /^writer +"glassgate ledger serve", process \d+ on \S+, since 20\d\d-\d\d-\d\d [\d:]{8} UTC$/m,
    );
    expect(seen[1]?.stdout).toMatch(/^0 {2}2026-11-26 17:20:00 UTC.* record +key k+1 signature$/m);
    expect(seen[3]?.stdout).toContain("(kept.checkpoint) was changed or removed since.");
  } finally {
    serving.stop();
  }
  expect(await serving.ended).toBe(0);
}, 180_000);

it("says at its start what would let it run to no avail", async () => {
  await line("glassgate ledger init other --origin ledger.example.com/other");
  const file = join(project.folder, "other/ledger.yaml");
  const yaml = readFileSync(file, "utf8").replace("127.0.0.1:7070", "127.0.0.1:0");
  const startWith = async (text: string): Promise<string> => {
    writeFileSync(file, text);
    const serving = serve("other");
    try {
      await expect.poll(serving.told, PATIENCE).toContain("Ctrl-C stops it.");
    } finally {
      serving.stop();
    }
    expect(await serving.ended).toBe(0);
    return serving.told();
  };
  expect(await startWith(yaml)).toMatch(
    /^warning: other\/ledger\.yaml has neither gateways nor senders: nothing can come in\./m,
  );
  const gateways = "gateways: [ { id: gateway-1, audit: ../logs/audti.log, answers: ../logs } ]";
  const told = await startWith(yaml.replace("gateways: []", gateways));
  expect(told).toMatch(/\/logs\/audti\.log: not there yet, and read once it is$/m);
  expect(told).toMatch(/\/logs: no file, so nothing can come from it$/m);
  expect(told).toMatch(/^warning: other\/ledger\.yaml has no anchors: no bundle counts/m);
}, 180_000);
