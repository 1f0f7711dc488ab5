/** With `--json` an error is one JSON object on stdout, in place of a result; streams that end early are no defect. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { buildProgram } from "../../control/cli/program.js";
import { inside } from "./inside.js";
import { atTerminal, CTRL_C, CTRL_D, glassgate, shell } from "./run.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-json-"));
const env = { GLASSGATE_KEYS: join(base, "keys"), GLASSGATE_PASSPHRASE: "correct horse battery staple" };
afterAll(() => rmSync(base, { recursive: true, force: true }));

const errorShape = z.strictObject({
  error: z.strictObject({ message: z.string().min(1), hint: z.string().min(1).nullable(), exit_code: z.int() }),
});

/** Every command that knows `--json`, with as many arguments as it must have. */
function jsonCommands(command: Command, path: readonly string[] = []): string[][] {
  const needed = command.registeredArguments.filter(({ required }) => required).map(() => "nothing-here");
  const own = command.options.some(({ long }) => long === "--json") ? [[...path, ...needed, "--json"]] : [];
  return [...own, ...command.commands.flatMap((child) => jsonCommands(child, [...path, child.name()]))];
}

const program = await buildProgram();

describe("--json", () => {
  // Lists of what is here refuse nothing.
  const refusing = jsonCommands(program).filter(([first, second]) => second !== "list" && first !== "status");
  for (const args of refusing) {
    it(`${args.join(" ")}: the error is JSON on stdout and a sentence on stderr`, async () => {
      const name =
        args.includes("new") || args.includes("token")
          ? args.map((arg) => (arg === "nothing-here" ? "no name" : arg))
          : args;
      const ran = await inside(name, { cwd: base, env });
      const { error } = errorShape.parse(JSON.parse(ran.stdout));
      expect(error.exit_code).toBe(ran.code);
      expect(ran.code).toBeGreaterThan(0);
      expect(ran.stderr).toContain(`error: ${error.message}`);
    });
  }

  it("for a command line that is wrong, too, wherever the option stands", async () => {
    for (const args of [
      ["--json"],
      ["--json", "bundel"],
      ["key", "list", "--json", "--no-such"],
      ["key", "show", "--json"],
      ["gateway", "run", "--json", "x"],
    ]) {
      const ran = await inside(args, { cwd: base, env });
      expect(errorShape.parse(JSON.parse(ran.stdout)).error.exit_code, args.join(" ")).toBe(2);
    }
    const behind = await inside(["key", "show", "--", "--json"], { cwd: base, env });
    expect(behind).toMatchObject({ code: 2, stdout: "" });
  });

  it("shows what could deceive as escapes", async () => {
    const ran = await glassgate(["key", "show", "a\u001b[31mb\u202ec", "--json"], { cwd: base, env });
    expect(ran.stdout).toContain("a\\\\u{1b}[31mb\\\\u{202e}c");
    expect(ran.stderr).not.toMatch(/\p{Cf}|\p{Cc}(?<!\n)/u);
  });

  it("for Ctrl-C and Ctrl-D", async () => {
    for (const [key, code] of [
      [CTRL_C, 130],
      [CTRL_D, 1],
    ] as const) {
      const line = `unset GLASSGATE_PASSPHRASE; npx glassgate key new rita --json > out.json; echo code $?`;
      expect((await atTerminal(line, [key], { cwd: base, env })).stdout).toContain(`code ${code}`);
      const { stdout } = await shell("cat out.json", { cwd: base });
      expect(errorShape.parse(JSON.parse(stdout)).error).toMatchObject({
        exit_code: code,
        message: "Stopped. Nothing was written.",
      });
    }
  });
});

describe("streams", () => {
  it("a reader that goes away is no error", async () => {
    const ran = await shell(
      "set -o pipefail; npx glassgate completion bash | head -1; npx glassgate --help | true; npx glassgate bogus 2>&1 | true || true",
      { cwd: base, env },
    );
    expect(ran).toMatchObject({ code: 0, stderr: "" });
  });

  it("a full disk under stdout or stderr is an error", async () => {
    const full = await shell("set +e; npx glassgate completion bash > /dev/full; echo code $?", { cwd: base, env });
    expect(full.stdout).toContain("code 2");
    expect(full.stderr).toMatch(/^error: Cannot write the output: the disk is full\.\nnext: {2}Make room/);
    expect(
      (await shell("set +e; npx glassgate bogus 2> /dev/full; echo code $?", { cwd: base, env })).stdout,
    ).toContain("code 2");
  });

  it.runIf(process.platform === "linux" && process.getuid?.() === 0)(
    "a result that is cut by a full disk is an error",
    async () => {
      const line = `unshare -m bash -c 'mkdir disk && mount -t tmpfs -o size=4k tmpfs disk || { echo not allowed; exit 9; }
      "${process.execPath}" "$0" completion fish > disk/out; echo code $?' "$GLASSGATE_MAIN"`;
      const ran = await shell(line, {
        cwd: base,
        env: { ...env, GLASSGATE_MAIN: join(import.meta.dirname, "../../dist/cli/main.js") },
      });
      if (ran.code === 9) return;
      expect(ran.stdout).toContain("code 2");
      expect(ran.stderr).toContain("the disk is full");
    },
  );
});
