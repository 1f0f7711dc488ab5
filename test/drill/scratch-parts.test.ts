/** What a scratch gateway is made of, without one: the trap, the chains, the forged grants, and what a dry run lists. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import type { Call } from "../../control/drill/model.js";
import { chainsIn } from "../../control/drill/scratch-chains.js";
import { forge } from "../../control/drill/scratch-flood.js";
import { planScratch } from "../../control/drill/scratch-play.js";
import { withTrap } from "../../control/drill/scratch-trap.js";
import { readModule } from "../../control/host/module.js";
import { kongWasmPath, wasmPath } from "../../control/host/wasm.js";
import { prepared } from "./prepared.js";

const folder = mkdtempSync(join(tmpdir(), "glassgate-parts-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a trap", () => {
  const TRAP = Buffer.from("20" + "01" + "41da00" + "4e" + "0440" + "00" + "0b", "hex");
  it.each([wasmPath, kongWasmPath])("is all that is put into %s, besides two sizes", (path) => {
    const build = readFileSync(path);
    const trapped = withTrap(build);
    const at = trapped.indexOf(TRAP);
    expect([at > 0, trapped.indexOf(TRAP, at + 1)]).toEqual([true, -1]);
    const rest = Buffer.concat([trapped.subarray(0, at), trapped.subarray(at + TRAP.length)]);
    expect(rest.length).toBe(build.length);
    expect([...rest].filter((byte, i) => byte !== build[i]).length).toBeLessThanOrEqual(4);
    expect(readModule(trapped)).toEqual(readModule(build));
  });

  it.each([
    ["no module", Buffer.from("words")],
    ["an empty one", Buffer.from("0061736d01000000", "hex")],
    ["half of one", readFileSync(wasmPath).subarray(0, 150_000)],
  ])("is not put into %s", (_, bytes) => {
    expect(() => withTrap(bytes)).toThrow(UserError);
    expect(() => withTrap(bytes)).toThrow(/^No trap can be put into this build of the filter: /);
  });
});

describe("the chains of an audit log", () => {
  const VM = "gateway/1767225000123456789/3";
  function lines(count: number): string[] {
    let prev = "0".repeat(64);
    return Array.from({ length: count }, (_, i) => {
      const ts = "2026-01-01T00:00:00.000Z";
      const line = JSON.stringify({ v: 1, vm: VM, seq: i + 1, prev, ts, mode: "enforce", verdict: "signature" });
      prev = createHash("sha256").update(line).digest("hex");
      return line;
    });
  }
  const faultsOf = async (
    all: readonly (string | undefined)[],
    calls: readonly Call[] = [],
  ): Promise<readonly string[]> => {
    const path = join(folder, "audit.log");
    writeFileSync(path, all.map((line) => `${line}\n`).join(""));
    return (await chainsIn(path, calls)).faults;
  };

  it("are whole, in whichever order, and also where a line stands there twice", async () => {
    const all = lines(4);
    expect(await faultsOf(all)).toEqual([]);
    expect(await faultsOf([...all].reverse().concat(all.slice(1, 2)))).toEqual([]);
  });

  it("have a gap, or a record that was changed", async () => {
    const all = lines(4);
    expect(await faultsOf([...all.slice(0, 1), ...all.slice(2)])).toEqual([`the record 2 of the VM ${VM} is missing`]);
    expect(await faultsOf(all.slice(1))).toEqual([`the record 1 of the VM ${VM} is missing`]);
    const changed = all.map((line, i) => (i === 1 ? line.replace("signature", "malformed") : line));
    expect(await faultsOf(changed)).toEqual([`the record 3 of the VM ${VM} does not go on from the one before`]);
  });
});

it("a forged grant has another signature each time, which could be one, and all else as it was", () => {
  const like = { text: "head.claims.signature~one..two", jti: "x", proofKey: undefined };
  const made = Array.from({ length: 50 }, () => forge(like));
  expect(new Set(made.map(({ text }) => text)).size).toBe(50);
  for (const { text, jti } of made) {
    const [, signature = ""] = /^head\.claims\.([A-Za-z0-9_-]{86})~one\.\.two$/.exec(text) ?? [];
    expect(jti).toBe("x");
    expect(Buffer.from(signature, "base64url").readUInt8(63)).toBeLessThan(0x10);
  }
});

it("a dry run lists a flood in one line, and says how long it is", async () => {
  const { outcomes } = await planScratch(prepared(), { skip: [], only: ["flood"] });
  expect(outcomes.map(({ outcome: { what } }) => what)).toEqual([
    "forged grants from elsewhere, as many as go in a second",
    "a good grant while forged ones come in at full rate from elsewhere",
    "a normal caller meanwhile",
  ]);
});
