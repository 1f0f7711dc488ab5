/** Every command of docs/audit.md runs as it stands there, on a ledger's files, its key and a kept checkpoint. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { repository, shellLines } from "../cli/doc-commands.js";
import { quickMain, type Ran, shell } from "../cli/run.js";
import { checkpointOf, cosign, entry, filesOf, records, testKey, witnessKey, writeLog } from "./make-log.js";

const folder = mkdtempSync(join(tmpdir(), "glassgate-audit-doc-"));
const hasGo = spawnSync("go", ["version"]).status === 0 && existsSync(`${repository}test/ledger-go`);
const run = (line: string): Promise<Ran> =>
  shell(`glassgate() { "${process.execPath}" "${quickMain}" "$@"; }\n${line}`, { cwd: folder });
const isOthers = (line: string): boolean => /^(?:go |\.\/ledger-go )/.test(line);

beforeAll(() => {
  const key = testKey("ledger.example.com/eu/2026-11");
  const entries = records(600).map((text) => entry(text));
  const witness = testKey("witness.example", 21);
  const cosigned = cosign(checkpointOf(entries.slice(0, 500), key), witness, 1_764_178_200);
  writeLog(join(folder, "copy"), filesOf(entries, key).set("cosigned", Buffer.from(cosigned)));
  const policy = [`log ${key.vkey}`, `witness w ${witnessKey(witness)}`, "quorum w", ""].join("\n");
  writeFileSync(join(folder, "witnesses.txt"), policy);
  writeFileSync(join(folder, "ledger.vkey"), `${key.vkey}\n`);
  writeFileSync(join(folder, "kept.checkpoint"), checkpointOf(entries.slice(0, 300), key));
  mkdirSync(join(folder, "test"));
  if (hasGo) symlinkSync(`${repository}test/ledger-go`, join(folder, "test/ledger-go"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const commands = shellLines("docs/audit.md").slice(
  shellLines("docs/audit.md").findIndex((line) => / ledger verify /.test(line)),
);

it("has commands of ours and of others", () => {
  expect(commands.filter(isOthers)).toHaveLength(4);
  expect(commands.length).toBeGreaterThanOrEqual(9);
});

// In their order: what one writes the next reads.
it.each(commands.filter((line) => !isOthers(line)))("%s", async (line) => {
  const { code, stderr, stdout } = await run(line);
  expect(code, stderr + stdout).toBe(0);
  if (/ledger verify /.test(line))
    expect(stdout).toContain("Nothing that was there at size 300 (kept.checkpoint) was changed");
  if (/--policy /.test(line))
    expect(stdout).toMatch(/tree of 500, which witness\.example .* cosigned, as the policy demands/);
});

it.skipIf(!hasGo).each(commands.filter(isOthers))(`${hasGo ? "" : "(skipped: no Go here) "}%s`, async (line) => {
  const { code, stderr, stdout } = await run(line);
  expect(code, stderr + stdout).toBe(0);
  if (line.startsWith("./")) expect(stdout).toContain("VERIFIED");
  // Its exit code says nothing.
  if (/ fsck /.test(line)) expect(stdout + stderr).toContain("Successfully fsck'd log");
});
