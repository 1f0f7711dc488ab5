/** A roster changed at random is read or refused with a place: nothing else, however it was changed. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { buildClaims } from "../../control/trust/bundle.js";
import { describeBundle } from "../../control/trust/facts.js";
import { lint } from "../../control/trust/lint.js";
import { parseRoster } from "../../control/trust/roster.js";
import { ed25519, line, rosterText } from "./rosters.js";

const sample = readFileSync(new URL("../../config/roster.yaml", import.meta.url), "utf8");
const good = [
  sample,
  rosterText({ keys: `[${line(ed25519)}]`, roles: "&r [oncall]", more: "  - { id: a, roles: *r, keys: [] }\n" }),
];

/** Read, built, described and linted; or refused in sentences that begin with a place. */
function tryRoster(text: string): void {
  try {
    const claims = buildClaims(parseRoster(text, "roster.yaml"), ["test"], 1, 1_800_000_000);
    for (const shown of [...describeBundle(claims), ...lint(claims)])
      expect(shown).not.toMatch(/undefined|NaN|\[object/);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.message).toMatch(/^roster\.yaml:[1-9]\d*:[1-9]\d*: ./);
    expect(error.message).not.toMatch(/undefined|\[object|Invalid input|Too (?:big|small)/);
    expect(error.message.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  }
}

const piece = fc.constantFrom(
  "&a ",
  "*a",
  "<<: *a",
  "!!binary ",
  "!x ",
  "? ",
  ": ",
  "- ",
  "\t",
  "{",
  "}",
  "[",
  "]",
  "'",
  '"',
  "|",
  ">-",
  "#",
  "%YAML 1.1",
  "---",
  "...",
  "~",
  "0777",
  "on",
  "1e999",
  ".nan",
  "-1",
  "9007199254740993",
  "2027-02-30",
  "\u200b",
  "\u001b[2J",
  "\ud800",
  "\0",
  "\ufeff",
  "\r",
  "__proto__",
  "constructor",
);
const value: fc.Arbitrary<unknown> = fc.oneof(fc.jsonValue({ maxDepth: 3 }), piece);

describe("a roster changed at random", () => {
  it("in its bytes and lines", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...good),
        fc.array(fc.tuple(fc.nat(), fc.nat(6), piece), { minLength: 1, maxLength: 4 }),
        (text, edits) => {
          let next = text;
          for (const [where, what, more] of edits) {
            const at = where % (next.length + 1);
            const lines = next.split("\n");
            const row = where % lines.length;
            if (what === 0) next = next.slice(0, at) + more + next.slice(at);
            else if (what === 1) next = next.slice(0, at) + next.slice(at + 1 + (where % 7));
            else if (what === 2) next = next.slice(0, at);
            else if (what === 3) next = lines.toSpliced(row, 1).join("\n");
            else if (what === 4) next = lines.toSpliced(row, 0, lines[(row * 7) % lines.length] ?? "").join("\n");
            else if (what === 5) next = lines.with(row, ` ${lines[row] ?? ""}`).join("\n");
            else next = lines.with(row, `${(lines[row] ?? "").split(":")[0]}: ${more}`).join("\n");
          }
          tryRoster(next);
        },
      ),
      { numRuns: 400 },
    );
  });

  it("in its values", () => {
    const roster: unknown = JSON.parse(JSON.stringify(parseRoster(good[1] ?? "", "roster.yaml")));
    const paths: (readonly string[])[] = [];
    const walk = (at: unknown, path: readonly string[]): void => {
      paths.push(path);
      if (typeof at === "object" && at !== null)
        for (const [member, child] of Object.entries(at)) walk(child, [...path, member]);
    };
    walk(roster, []);
    fc.assert(
      fc.property(fc.constantFrom(...paths), value, fc.boolean(), fc.string(), (path, next, isNew, name) => {
        const copy = { root: structuredClone(roster) };
        let holder: object = copy;
        for (const part of ["root", ...path].slice(0, -1)) {
          const child: unknown = Reflect.get(holder, part);
          if (typeof child === "object" && child !== null) holder = child;
        }
        Reflect.set(holder, isNew && !Array.isArray(holder) && holder !== copy ? name : (path.at(-1) ?? "root"), next);
        tryRoster(JSON.stringify(copy.root));
      }),
      { numRuns: 400 },
    );
  });
});
