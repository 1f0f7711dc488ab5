/** The command line of the benchmark and the soak. */
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { readFlags } from "../../bench/base/flags.js";
import { main as differential } from "../../bench/differential.js";
import { main as distinct } from "../../bench/distinct.js";
import { main as memory } from "../../bench/memory.js";
import { main as bench } from "../../bench/run.js";
import { main as soak } from "../../bench/soak.js";
import { main as soakStreams } from "../../bench/soak-streams.js";
import { main as streams } from "../../bench/streams.js";
import { program, saidOf } from "./program.js";

const USAGE = {
  script: "walk",
  about: "Walks.",
  numbers: { steps: { about: "steps to walk", otherwise: 7 }, pauses: { about: "rests", otherwise: 2, least: 2 } },
  example: "--steps 3",
};

describe("flags", () => {
  it("are numbers and a file: as typed, else from the environment, else the default", () => {
    const flags = readFlags(USAGE, ["--steps", "3", "--json", "found.json"], { GLASSGATE_WALK_PAUSES: "5" });
    expect([flags?.number("steps"), flags?.number("pauses"), flags?.json]).toEqual([3, 5, "found.json"]);
    const none = readFlags(USAGE, [], { GLASSGATE_WALK_PAUSES: "" });
    expect([none?.number("steps"), none?.number("pauses"), none?.json]).toEqual([7, 2, undefined]);
  });

  for (const text of ["0", "-1", "1.5", "many", "", " ", "1e99"]) {
    it(`"${text}" is no number of steps`, () => {
      const flags = readFlags(USAGE, [`--steps=${text}`], {});
      expect(() => flags?.number("steps")).toThrow(`--steps is "${text}"; it must be a whole number from 1 on.`);
    });
  }

  it("can be texts, which are as typed or not there", () => {
    const usage = { ...USAGE, texts: { shoes: { about: "what to wear", value: "NAME" } } };
    expect(readFlags(usage, ["--shoes", "boots"], {})?.text("shoes")).toBe("boots");
    expect(readFlags(usage, [], {})?.text("shoes")).toBeUndefined();
  });

  it("of the environment are checked as well", () => {
    const flags = readFlags(USAGE, [], { GLASSGATE_WALK_PAUSES: "1" });
    expect(() => flags?.number("pauses")).toThrow('GLASSGATE_WALK_PAUSES is "1"; it must be a whole number from 2 on.');
  });

  it("are a closed list", () => {
    const read =
      (...args: string[]) =>
      () =>
        readFlags(USAGE, args, {});
    expect(read("--stesp", "3")).toThrow("Unknown option '--stesp'.");
    expect(read("3")).toThrow("Unexpected argument '3'.");
    expect(read("--steps")).toThrow("Option '--steps <value>' argument missing.");
  });

  it("name a file that can be written, before the work begins", () => {
    const read = (path: string) => () => readFlags(USAGE, ["--json", path], {});
    expect(read("/nowhere/found.json")).toThrow("--json: /nowhere/found.json cannot be written.");
    expect(read(tmpdir())).toThrow(`--json: ${tmpdir()} is a directory.`);
  });
});

for (const { main, script } of [
  { main: bench, script: "bench" },
  { main: distinct, script: "bench:distinct" },
  { main: memory, script: "bench:memory" },
  { main: streams, script: "bench:streams" },
  { main: soak, script: "soak" },
  { main: soakStreams, script: "soak:streams" },
  { main: differential, script: "soak:differential" },
]) {
  it(`npm run ${script} -- --help says its flags and an example`, async () => {
    const { stdout, error } = await saidOf({ main }, ["--help"]);
    expect(error).toBeUndefined();
    expect(stdout).toMatch(/--\w+ N .*default \d+; or GLASSGATE_/);
    expect(stdout).toContain("--json FILE");
    expect(stdout).toContain(`  $ npm run ${script} -- --`);
  });

  it(`npm run ${script} says in one line what is wrong`, async () => {
    const error = `Unknown option '--reqests'. See \`npm run ${script} -- --help\`.`;
    expect(await saidOf({ main }, ["--reqests", "3"])).toEqual({ stdout: "", error });
  });
}

it("what is wrong ends the program with 2, and with that line alone", async () => {
  expect(await program("soak.ts", ["--requests", "many"])).toEqual({
    code: 2,
    stdout: "",
    stderr: 'error: --requests is "many"; it must be a whole number from 1 on.\n',
  });
});
