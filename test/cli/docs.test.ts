/** Every command, npm script and test folder in the docs exists. citations.test.ts has links and what is cited. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { buildProgram } from "../../control/cli/program.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const files = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "envoy.yaml",
  "config/roster.yaml",
  "config/kong/kong.yaml",
  "config/verdicts.json",
  "bench/RESULTS.md",
  ...["docs", "docs/gateways"].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith(".md"))
      .map((file) => `${folder}/${file}`),
  ),
];
const program = buildProgram();
const scripts: Record<string, string> = Object(JSON.parse(readFileSync(join(root, "package.json"), "utf8"))).scripts;

/** Why the words behind `glassgate` are no command, or undefined. */
function fault(words: readonly string[]): string | undefined {
  let command: Command = program;
  for (const word of words) {
    if (/^--[a-z]/.test(word)) {
      const flag = word.split("=")[0];
      if (flag !== "--help" && !command.options.some(({ long }) => long === flag))
        return `${command.name()} has no ${flag}`;
      continue;
    }
    const next = command.commands.find((child) => child.name() === word);
    if (next !== undefined) command = next;
    else if (command.commands.length > 0) return `${command.name()} has no command ${word}`;
  }
  return undefined;
}

describe("the docs", () => {
  for (const file of files) {
    const text = readFileSync(join(root, file), "utf8").replaceAll("\\\n", " ");

    it(`${file}: commands exist`, () => {
      const mentioned = [
        ...text.matchAll(/(?:`|^|\bnpx )glassgate ((?:[a-z]+|--?[a-z-]+|[A-Z]+|[\w./:-]+)(?: [^\s`#>|]+)*)/gm),
      ];
      const faults = mentioned.flatMap(([, rest = ""]) => {
        const wrong = fault(rest.split(/\s+/));
        return wrong === undefined ? [] : [`glassgate ${rest}: ${wrong}`];
      });
      expect(faults).toEqual([]);
    });

    it(`${file}: npm scripts and test folders exist`, () => {
      for (const [, name = ""] of text.matchAll(/npm run ([a-z:-]+)/g)) expect(Object.keys(scripts)).toContain(name);
      for (const [, path = ""] of text.matchAll(/npx vitest run ([\w./-]+)/g))
        expect(existsSync(join(root, path)), path).toBe(true);
    });
  }
});
