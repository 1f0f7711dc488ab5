/** Every command, npm script and test folder in the docs exists. citations.test.ts has links and what is cited. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { commandFault } from "./exists.js";

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
const scripts: Record<string, string> = Object(JSON.parse(readFileSync(join(root, "package.json"), "utf8"))).scripts;

describe("the docs", () => {
  for (const file of files) {
    const text = readFileSync(join(root, file), "utf8").replaceAll("\\\n", " ");

    it(`${file}: commands exist`, () => {
      const mentioned = [
        ...text.matchAll(/(?:`|^|\bnpx )glassgate ((?:[a-z]+|--?[a-z-]+|[A-Z]+|[\w./:-]+)(?: [^\s`#>|]+)*)/gm),
      ];
      const faults = mentioned.flatMap(([, rest = ""]) => {
        const wrong = commandFault(rest.split(/\s+/));
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
