/** Words are wrapped at the terminal's width, in every script; what is copied stays whole. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { columnsOf, wrap } from "../../control/base/wrap.js";
import { wrapHelp } from "../../control/cli/help.js";
import { hangOf } from "../../control/cli/output.js";
import { buildProgram } from "../../control/cli/program.js";
import { makeProject } from "./project.js";
import { atTerminal, glassgate } from "./run.js";

describe("columns", () => {
  it.each([
    ["", 0],
    ["plain", 5],
    ["\u001b[31mred\u001b[39m", 3],
    ["\u001b]8;;https://a.example\u0007link\u001b]8;;\u0007", 4],
    ["cafe\u0301", 4],
    ["\u7a93\u53e3", 4],
    ["\uff21\uff22", 4],
    ["\ud55c\uae00", 4],
    ["\u1112\u1161\u11ab", 2],
    ["\ud83d\udd11", 2],
    ["\ud83d\udc69\u200d\ud83d\ude80", 2],
    ["\ud83c\uddf3\ud83c\uddf1", 2],
    ["\u2764\ufe0f", 2],
    ["a\u200bb", 2],
    ["\u0e01\u0e35", 1],
  ])("%j takes %i", (text, columns) => expect(columnsOf(text)).toBe(columns));
});

describe("wrapping", () => {
  it("hangs further lines, and keeps what is indented", () => {
    expect(wrap("error: one two three four five six seven", 20, 7)).toBe("error: one two three\nfour five six seven");
    expect(wrap("error: one two three four five six seven", 28, 7)).toBe(
      "error: one two three four\n       five six seven",
    );
    expect([hangOf("name   a value"), hangOf("  - a finding, and how"), hangOf("words alone")]).toEqual([
      7,
      4,
      undefined,
    ]);
    expect(wrap("    one two three four five six seven", 26)).toBe("    one two three four\n    five six seven");
    expect(wrap("first one\nsecond one is longer than that", 26, 4)).toBe(
      "first one\n    second one is longer\n    than that",
    );
  });

  it("breaks wide text anywhere, and counts its columns", () => {
    expect(wrap("\u7a93".repeat(25), 20)).toBe([10, 10, 5].map((n) => "\u7a93".repeat(n)).join("\n"));
  });

  it("gives a long token as much of a line as it needs", () => {
    const token = "t".repeat(36);
    expect(wrap(`kid                 ${token}`, 40, 20).split("\n").at(-1)?.trimStart()).toBe(token);
    expect(wrap(`kid                 ${token}`, 40, 20).split("\n").at(-1)?.length).toBe(40);
  });

  const word = fc.oneof(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).map((text) => text.replace(/\s|\p{C}/gu, "x")),
    fc.constantFrom(
      "\u001b[31mred\u001b[39m",
      "/a/long/path/of/a/file.txt",
      `eyJ${"x".repeat(50)}`,
      "\u7a93\u53e3",
      "cafe\u0301",
      "\ud83d\udd11",
    ),
  );
  it("never loses, breaks or reorders a word, and is as narrow as its words let it be", () => {
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 20, max: 90 }),
        fc.nat(12),
        (words, width, hang) => {
          const lines = wrap(words.join(" "), width, hang).split("\n");
          const joined = lines.map((line) => line.trim()).join(" ");
          const loose = (text: string): string => text.replace(/ /g, "");
          expect(loose(joined)).toBe(loose(words.join(" ")));
          for (const line of lines) {
            const isOneWord = !line.trim().includes(" ");
            if (!isOneWord) expect(columnsOf(line), line).toBeLessThanOrEqual(width);
            for (const part of stripVTControlCharacters(line)
              .split(" ")
              .filter((text) => /^[!-~]+$/.test(text)))
              expect(words.map(stripVTControlCharacters).some((whole) => whole.includes(part))).toBe(true);
          }
        },
      ),
      { numRuns: 500, seed: 40 },
    );
  });
});

const program = await buildProgram();

/** Every command's help, as commander prints it. */
function helps(command = program, path: readonly string[] = []): { path: string; text: string }[] {
  let text = "";
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return [
    { path: path.join(" "), text },
    ...command.commands.flatMap((child) => helps(child, [...path, child.name()])),
  ];
}

describe("help", () => {
  for (const width of [40, 80]) {
    it(`of every command fits ${width} columns, and its examples stay commands`, () => {
      for (const { path, text } of helps()) {
        const wrapped = wrapHelp(text, width);
        for (const line of wrapped.split("\n")) {
          const isOneWord = !line
            .trim()
            .replace(/ \\$/, "")
            .replace(/^(?:\$|-\S+|>|#) /, "")
            .includes(" ");
          // A quoted value is one word to the shell.
          if (!isOneWord && !/^\s+(?:\S+ )?["'].*["'](?: \\)?$/.test(line))
            expect(line.length, `${path}: ${line}`).toBeLessThanOrEqual(width);
        }
        const commands = (help: string): string[] =>
          [...help.replaceAll(/ *\\\n */g, " ").matchAll(/^ {2}\$ (.*)$/gm)].map(([, line = ""]) =>
            line.replace(/\s+# .*$/, "").trim(),
          );
        expect(commands(wrapped)).toEqual(commands(text));
      }
    });
  }
});

describe("at a terminal", () => {
  const base = mkdtempSync(join(tmpdir(), "glassgate-wrap-"));
  const env = { GLASSGATE_KEYS: join(base, "keys"), GLASSGATE_PASSPHRASE: "correct horse battery staple" };
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  for (const columns of [40, 80]) {
    it(`of ${columns} columns errors hang under their text`, async () => {
      const line = `npx glassgate bundle build; npx glassgate init . --threshold 9; npx glassgate key new rita-${columns}`;
      const { stdout } = await atTerminal(line, [], { cwd: base, env, columns });
      const lines = stdout.split("\r\n").filter((text) => !text.startsWith("- {"));
      for (const text of lines) if (text.trim().includes(" ")) expect(text.length, text).toBeLessThanOrEqual(columns);
      for (const label of ["error:", "next: "]) {
        const at = lines.findIndex((text) => text.startsWith(label));
        expect(at).toBeGreaterThanOrEqual(0);
        expect(lines[at + 1]).toMatch(/^(?: {7}\S|next: |error: |- \{)/);
      }
      // The line for the roster is pasted, so it is never broken.
      expect(stdout).toMatch(/^- \{ kty: OKP, .* \}\r$/m);
    });
  }

  it("of 40 columns what a bundle, the anchors and a verdict say stays in its columns", async () => {
    const project = await makeProject();
    try {
      const ask = await project.ask();
      const line = `npx glassgate bundle show; npx glassgate anchors; npx glassgate explain ${ask} GET https://api.example.com/ 2>&1`;
      const { stdout } = await atTerminal(line, [], { cwd: project.folder, columns: 40 });
      const lines = stdout.split("\r\n");
      expect(lines.length).toBeGreaterThan(40);
      for (const text of lines) if (/\S \S/.test(text)) expect(text.length, text).toBeLessThanOrEqual(40);
      // The second line of a value stands below the first.
      expect(stdout).toMatch(/^threshold {2}2 of 3 roots must sign each\r\n {11}bundle\r$/m);
    } finally {
      project.remove();
    }
  });

  it("only: a pipe gets lines as they are", async () => {
    const { stderr } = await glassgate(["key", "new", "rita-40"], { cwd: base, env });
    expect(stderr).toBe(
      "error: There is a key rita-40 already. Nothing was changed.\nnext:  Choose another name, for example with the year.\n",
    );
  });
});
