/** Who stands beside the ledger, or in a part of it, is told where it is; what was taken away from a ledger is no wrong place. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { openSource } from "../../control/ledger/audit/source.js";
import { readLedgerConfig } from "../../control/ledger/config.js";

let base = "";
const made: string[] = [];
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "glassgate-near-"));
  made.push(base);
});
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true });
});

/** A ledger as far as its files' names go. */
function ledgerIn(folder: string, ...names: readonly string[]): void {
  mkdirSync(join(base, folder), { recursive: true });
  for (const name of names)
    if (name === "tile") mkdirSync(join(base, folder, name));
    else writeFileSync(join(base, folder, name), "");
}

function said(work: () => unknown): string {
  try {
    work();
    return "";
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return `${error.exitCode} ${error.message} ${error.hint ?? ""}`;
  }
}
const reading = (folder: string): string => said(() => openSource(folder));
const writing = (folder: string): string => said(() => readLedgerConfig(join(folder, "ledger.yaml")));

it("names the ledger in the folder, whoever reads or writes it", () => {
  ledgerIn("ledger", "ledger.yaml");
  writeFileSync(join(base, "roster.yaml"), "");
  const wanted = `2 There is no ledger in ${base}. Did you mean ${base}/ledger/?`;
  expect([reading(base), writing(base)]).toEqual([wanted, wanted]);
});

it("names several, a copy without configuration and a Tessera's among them, each as a word for the shell", () => {
  ledgerIn("a copy", "checkpoint", "tile");
  ledgerIn("tessera", "tessera.checkpoint");
  ledgerIn("model", "checkpoint"); // Anybody's file.
  ledgerIn("images", "tile");
  expect(reading(base)).toContain(`Did you mean '${base}/a copy/', or ${base}/tessera/?`);
});

it("names the ledger that the folder is a part of", () => {
  ledgerIn("ledger", "checkpoint", "tile", "ledger.yaml");
  mkdirSync(join(base, "ledger/state"));
  expect(reading(join(base, "ledger/state"))).toContain(`Did you mean ${base}/ledger/?`);
  expect(reading(join(base, "ledger/tile"))).toContain(`Did you mean ${base}/ledger/?`);
});

it("leaves to the verifier what was taken away of a ledger that has another beside it", () => {
  for (const name of ["checkpoint", "tile", "ledger.yaml"]) {
    ledgerIn(`of-${name}`, name);
    ledgerIn(`of-${name}/inner`, "ledger.yaml");
    expect(reading(join(base, `of-${name}`))).toBe("");
  }
});

it("has nothing to name where no ledger is near", () => {
  expect(reading(base)).toBe("");
  expect(writing(base)).toContain("glassgate ledger init");
});
