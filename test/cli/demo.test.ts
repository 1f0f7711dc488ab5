/** `npm start`: one readable line a record, the whole ones kept, and no line that a reader must wonder about. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { isRecordLine } from "../../control/base/audit.js";
import { run } from "./run.js";

const demo = fileURLToPath(new URL("../../dist/demo/main.js", import.meta.url));

it("shows each scene with its record in one line, and keeps the whole ones", async () => {
  const { code, stdout, stderr } = await run(process.execPath, [demo], {});
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr:
      "Starting a gateway, and a ledger beside it ...\nVerifying the ledger, and writing the review of a grant ...\n",
  });
  const lines = stdout.trimEnd().split("\n");
  expect(lines.at(-1)).toBe("21 of 21 as expected");
  const first = lines.indexOf("");
  const scenes = lines.slice(first + 1, lines.lastIndexOf(""));
  expect(scenes).toHaveLength(42);
  for (const [i, line] of scenes.entries()) {
    expect(line).toMatch(
      i % 2 === 0 ? /^ *\d+ ok {3}\S/ : /^ {8}(record: [a-z_]+( · [^·{}[\]]+)*|no record: no grant was shown)$/,
    );
    expect(line.length).toBeLessThan(120);
  }
  expect(scenes).toContain("        record: allow · rita via orders-repair · approved by adam, anna · GET /orders/42");
  // The reply does not tell that the key is unknown; the record does.
  expect(scenes[40]).toMatch(/ 401 signature, 0 of \d+ dropped$/);
  expect(scenes[41]).toMatch(/record: key_unknown · by the key /);
  // A bound grant, its copy without the key, and with a proof that was used; what was revoked; the stream under it.
  expect(scenes[30]).toMatch(/ 200 allow$/);
  expect(scenes.slice(32, 36)).toEqual([
    expect.stringMatching(/without the key .* 401 binding_missing$/),
    expect.stringMatching(/record: binding_missing · rita /),
    expect.stringMatching(/ 401 proof$/),
    expect.stringMatching(/record: proof · rita /),
  ]);
  expect(scenes.slice(36, 40)).toEqual([
    expect.stringMatching(/ anna alone, \d+ ms from signing to the first denial +200 cached, then 401 revoked$/),
    expect.stringMatching(/record: revoked · rita /),
    expect.stringMatching(/\(on all \d VMs\) +200, then cut$/),
    expect.stringMatching(/record: revoked · rita .* · the open stream was ended$/),
  ]);
  const kept = /The whole records are kept in (.+)/.exec(stdout)?.[1] ?? "";
  const records = readFileSync(kept, "utf8").split("\n").filter(isRecordLine);
  expect(records.length).toBeGreaterThanOrEqual(19);
  for (const record of records) expect(JSON.parse(record)).toMatchObject({ v: 1 });
  expect(records.map((record) => JSON.parse(record)).filter(({ ended }) => ended)).toMatchObject([
    { verdict: "revoked", sub: "rita" },
  ]);
  await expectLedger(stdout, records.length);
  await expectReview(stdout, kept);
  rmSync(dirname(kept), { recursive: true });
}, 180_000);

/** The demonstration's own lines are in its ledger, no alarm about them, and the line that it prints verifies it. */
async function expectLedger(stdout: string, records: number): Promise<void> {
  expect(stdout).toMatch(new RegExp(`\\nLedger: \\d+ entries in \\S+: ${records} records, .*, 0 alarms\\n`));
  expect(stdout).toContain("key signed exactly these");
  const [, line = ""] = /Verify it yourself:\n {2}(.*)\n/.exec(stdout) ?? [];
  // As it stands there, from anywhere, and before anything is installed.
  const verified = await run("bash", ["-c", line], {
    cwd: tmpdir(),
    env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` },
  });
  expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  expect(verified.stdout).toContain("\nProved:\n");
}

/** The page of the first grant's review is beside the ledger and needs nothing else; the line below it shows the same. */
async function expectReview(stdout: string, kept: string): Promise<void> {
  const [, page = "", line = ""] =
    /\nReview: .*: (\S+)\nThe same in this terminal:\n {2}(node .*)\n21 of 21/.exec(stdout) ?? [];
  expect(dirname(page)).toBe(dirname(kept));
  const text = readFileSync(page, "utf8");
  const shown = await run("bash", ["-c", line], {
    cwd: tmpdir(),
    env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` },
  });
  expect(shown.code, shown.stdout + shown.stderr).toBe(0);
  const [, grant = ""] = /\ngrant +([0-9a-f]{64})\n/.exec(shown.stdout) ?? [];
  expect(shown.stdout).toMatch(/\n {2}calls +3 allowed, [34] denied; \d answers?\n/);
  const inBoth = ["Refunds loop; repair order 42 by hand", "proven by the ask", "The grant has not ended", grant];
  for (const words of inBoth) {
    expect(words).not.toBe("");
    expect(text).toContain(words);
    expect(shown.stdout).toContain(words);
  }
  expect(text).not.toMatch(/<(?:script|link|img|iframe|form)\b|https?:\/\/(?!api\.example)/);
}

it("plays the same scenes in the Node host where there is no Envoy", async () => {
  const { code, stdout } = await run(process.execPath, [demo], { env: { ENVOY_BIN: "/nonexistent/envoy" } });
  expect(stdout).toContain("NO ENVOY: the filter in the Node host");
  expect({ code, last: stdout.trimEnd().split("\n").at(-1) }).toEqual({ code: 0, last: "21 of 21 as expected" });
  const kept = /The whole records are kept in (.+)/.exec(stdout)?.[1] ?? "";
  await expectLedger(stdout, readFileSync(kept, "utf8").split("\n").filter(isRecordLine).length);
  await expectReview(stdout, kept);
  rmSync(dirname(kept), { recursive: true });
}, 180_000);

it("ends with a sentence when Envoy does not start", async () => {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-no-envoy-"));
  const envoy = join(folder, "envoy");
  const line =
    "[x][1][warning][wasm] [wasm_vm.cc:102] Failed to create Wasm VM. Envoy was compiled without support for it";
  writeFileSync(envoy, `#!/bin/sh\necho 'envoy  version: 0/1.38.3/Clean/RELEASE/x'\necho '${line}' >&2\n`);
  chmodSync(envoy, 0o755);
  const { code, stderr } = await run(process.execPath, [demo], { env: { ENVOY_BIN: envoy } });
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("built without Wasm support (V8)") });
  rmSync(folder, { recursive: true });
}, 120_000);
