/** Prompts: asked at the terminal itself, never echoed, and ended by one sentence. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { asking } from "../../control/cli/hush.js";
import { buildProgram } from "../../control/cli/program.js";
import { makeProject } from "./project.js";
import { atTerminal, CTRL_C, CTRL_D, glassgate, main, quickMain, type Ran, run, type Typed } from "./run.js";

const outer = mkdtempSync(join(tmpdir(), "glassgate-prompts-"));
const base = join(outer, "base");
mkdirSync(base);
const keys = join(base, "keys");
const WORDS = "seven words and no more than that";
const at = (line: string, typed: readonly Typed[]): Promise<Ran> =>
  atTerminal(`unset GLASSGATE_PASSPHRASE; ${line}`, typed, { cwd: base, env: { GLASSGATE_KEYS: keys } });
const nothingMade = (): void => expect(readdirSync(base)).toEqual([]);

beforeEach(() => {
  for (const entry of readdirSync(base)) rmSync(join(base, entry), { recursive: true });
});
afterAll(() => rmSync(outer, { recursive: true, force: true }));

/** One sentence, no stack, no word of a defect; the terminal's echo is on again. */
function expectStopped(ran: Ran, code: number): void {
  expect(ran.stdout).toContain("error: Stopped. Nothing was written.");
  expect(ran.stdout).not.toMatch(/went wrong|\n\s+at |unsettled|Warning/);
  expect(ran.stdout).toContain(`code ${code}`);
  expect(ran.stdout).toMatch(/[^-]echo\b/);
  nothingMade();
}
const then = "; echo code $?; stty -a | grep -ow -- -*echo";

it("a terminal that hangs up ends the command, and makes no crash of it", async () => {
  const plan = JSON.stringify({ answers: [[": $", null]], columns: 80 });
  const command = ["env", "-u", "GLASSGATE_PASSPHRASE", process.execPath, quickMain, "key", "new", "rita"];
  const terminal = fileURLToPath(new URL("terminal.py", import.meta.url));
  const { code } = await run("python3", [terminal, plan, ...command], { cwd: base, env: { GLASSGATE_KEYS: keys } });
  expect([1, 130]).toContain(code);
  nothingMade();
});

describe("Ctrl-C and Ctrl-D", () => {
  for (const [name, key, code] of [
    ["Ctrl-C", CTRL_C, 130],
    ["Ctrl-D", CTRL_D, 1],
  ] as const) {
    it(`${name} at a new passphrase`, async () => {
      expectStopped(await at(`npx glassgate key new rita${then}`, [key]), code);
    });
    it(`${name} at its repetition`, async () => {
      expectStopped(await at(`npx glassgate key new rita${then}`, [WORDS, key]), code);
    });
    it(`${name} at the second of three roots`, async () => {
      expectStopped(await at(`npx glassgate init project${then}`, [WORDS, WORDS, key]), code);
    });
  }
});

describe("signals", () => {
  for (const signal of ["INT", "TERM", "HUP"]) {
    it(`SIG${signal} from outside ends it like Ctrl-C`, async () => {
      // The command has the terminal once it is no longer in canonical mode.
      const kill = `tty=$(tty); (until stty -F $tty -a | grep -qe -icanon; do sleep 0.05; done; kill -${signal} $(cat ../pid)) & `;
      const ran = await at(
        `${kill} bash -c 'echo $$ > ../pid; exec "${process.execPath}" "${main}" key new rita'${then}`,
        [],
      );
      expectStopped(ran, 130);
    });
  }
});

describe("what is typed", () => {
  it("is never shown where it is secret, nor taken for a question that was not asked yet", async () => {
    // Three lines at once: the second and third come before their questions.
    const ran = await at("npx glassgate key new rita; echo code $?", [
      [/Passphrase of rita: $/, `${WORDS}\nyes\nyes`],
      [/Once more: $/, WORDS],
    ]);
    expect(ran.stdout).toContain("code 0");
    expect(ran.stdout).not.toMatch(/seven|yes/);
  });

  it("makes no key when the two differ", async () => {
    const ran = await at("npx glassgate key new rita; echo code $?", [WORDS, `${WORDS}.`]);
    expect(ran.stdout).toContain("The two passphrases differ. No key was written.");
    expect(ran.stdout).toContain("code 2");
    nothingMade();
  });

  it("may be edited", async () => {
    const ran = await at("npx glassgate key new rita; echo code $?", [`wrong\u0015${WORDS}x\u007f`, WORDS]);
    expect(ran.stdout).toContain("code 0");
  });

  it("may be wrong twice", async () => {
    const project = await makeProject(WORDS);
    try {
      const line =
        "unset GLASSGATE_PASSPHRASE; npx glassgate ask POST https://api.example.com/orders/42 --ent orders-repair --reason outage --incident INC-7 --text loop --key rita; echo code $?";
      const options = { cwd: project.folder, env: { GLASSGATE_KEYS: project.keys } };
      const opened = await atTerminal(line, ["no", "nor this", WORDS], options);
      expect(opened.stdout).toContain("code 0");
      expect(opened.stdout.match(/does not open the key rita\. Try again\./g)).toHaveLength(2);
      const refused = await atTerminal(line, ["no", "nor this", "and not this"], options);
      expect(refused.stdout).toContain("error: The passphrase does not open the key rita.");
      expect(refused.stdout).toContain("code 2");
    } finally {
      project.remove();
    }
  });
});

describe("an ask from a pipe", () => {
  it("is approved by an answer and a passphrase from the terminal", async () => {
    const project = await makeProject(WORDS);
    try {
      writeFileSync(join(project.folder, "ask.txt"), await project.ask());
      const ran = await atTerminal(
        "unset GLASSGATE_PASSPHRASE; cat ask.txt | npx glassgate approve - --key adam > approval.txt",
        [[/: $/, "yes"], WORDS],
        { cwd: project.folder, env: { GLASSGATE_KEYS: project.keys } },
      );
      expect(ran).toMatchObject({ code: 0 });
      expect(ran.stdout).not.toContain(WORDS);
      expect(readFileSync(join(project.folder, "approval.txt"), "utf8")).toMatch(/^[\w-]+\.\.[\w-]{86}\n$/);
      // Without any terminal it is one sentence.
      const blind = await glassgate(["approve", "-", "--key", "adam"], {
        cwd: project.folder,
        env: { GLASSGATE_KEYS: project.keys, GLASSGATE_PASSPHRASE: WORDS },
        input: await project.ask(),
      });
      expect(blind).toMatchObject({ code: 2, stdout: "" });
      expect(blind.stderr).toContain("This needs a person at a terminal, and there is none.");
    } finally {
      project.remove();
    }
  });
});

it("every command that asks for a passphrase stops the echo before it is loaded", async () => {
  const found: string[] = [];
  const walk = (command: Command, path: readonly string[]): void => {
    if (command.options.some(({ long }) => long === "--passphrase-fd")) found.push(path.join(" "));
    for (const child of command.commands) walk(child, [...path, child.name()]);
  };
  walk(await buildProgram(), []);
  expect(found.sort()).toEqual([...asking].sort());
});
