/** A key rotated in a roster's own text: every line that is not touched stays byte for byte, however it is written. */
import { describe, expect, it } from "vitest";
import { newKey, publicPart } from "../../control/signer/jwk.js";
import { parseRoster } from "../../control/trust/roster.js";
import { rotatedRoster } from "../../control/trust/roster-edit.js";

const END = 2_000_000_000;
const old = publicPart(newKey("Ed25519"));
const older = publicPart(newKey("ES256"));
const adams = publicPart(newKey("Ed25519"));
const fresh = publicPart(newKey("ES256"));
const json = (value: unknown): string => JSON.stringify(value);
const block = (key: object, indent: string): string =>
  Object.entries(key)
    .map(([name, value]) => `${name}: ${value}`)
    .join(`\n${indent}`);
const flow = (key: object): string =>
  `{ ${Object.entries(key)
    .map(([name, value]) => `${name}: ${value}`)
    .join(", ")} }`;

const roster = (keys: string): string => `# Who may do what.
lifetime:   30d      # three spaces, on purpose

principals:
  # Rita is on call.
  - id: rita
    roles: [ oncall ]   # one role
    keys:${keys}
  - { id: 'adam', roles: ["lead"], keys: [ ${flow(adams)} ] } # the lead

entitlements: [ ]   # none yet
`;

const shapes: Record<string, string> = {
  "a flow item": `\n      - ${flow(old)}   # her laptop`,
  "flow items without indent": `\n    - ${flow(old)}\n    - ${flow(older)}`,
  "a block item": `\n      - ${block(old, "        ")}`,
  "a block item with a comment behind": `\n      - ${block(old, "        ")}   # her laptop\n      # nothing more`,
  "a block item with an end that is later": `\n      - ${block({ ...old, exp: END + 5 }, "        ")}`,
  "an end as a date, quoted": `\n      - ${flow({ ...old, exp: "'2099-01-31T18:00Z'" })}`,
  "an end that is earlier": `\n      - ${flow({ ...old, exp: "2027-01-31" })}`,
  "members after a later end": `\n      - ${block({ exp: END * 2, ...old }, "        ")}`,
  "a list on one line": ` [ ${flow(old)}, ${flow(older)} ]  # both`,
  "a list over lines, with a comma at the end": ` [\n      ${flow(old)}, # first\n      ${flow(older)},\n    ]`,
  "an empty list": " []",
  JSON: ` ${json([old, older])}`,
  "JSON over lines": ` ${JSON.stringify([old], null, 6).replaceAll("\n", "\n    ")}`,
  "a folded value": `\n      - kty: ${old.kty}\n        crv: ${old.crv}\n        kid: ${old.kid}\n        alg: Ed25519\n        x: >-\n          ${old.x}`,
  "quoted names": `\n      - "kty": ${old.kty}\n        "crv": ${old.crv}\n        'x': "${old.x}"\n        "kid": '${old.kid}'`,
};

/** Lines of `before` that are not in `after` in the same order. */
function lost(before: string, after: string): string[] {
  const lines = after.split("\n");
  return before.split("\n").filter((line) => {
    const at = lines.indexOf(line);
    if (at >= 0) lines.splice(0, at + 1);
    return at < 0;
  });
}

describe("a new key", () => {
  for (const [name, keys] of Object.entries(shapes)) {
    for (const eol of ["\n", "\r\n"]) {
      it(`behind ${name}${eol === "\n" ? "" : ", with CR LF"}`, () => {
        const before = roster(keys).replaceAll("\n", eol);
        const after = rotatedRoster(before, "roster.yaml", "rita", fresh, END);
        const [rita, ...others] = parseRoster(after, "roster.yaml").principals;
        const [was, ...same] = parseRoster(before, "roster.yaml").principals;
        expect(others).toEqual(same);
        expect(rita?.keys.at(-1)).toEqual(fresh);
        expect(rita?.keys.slice(0, -1)).toEqual(
          was?.keys.map((key) => ({ ...key, exp: Math.min(key.exp ?? END, END) })),
        );
        // Only lines of rita's keys changed.
        const block = keys.split("\n").map((line) => line.trim());
        for (const line of lost(before, after))
          expect(block.some((part) => part !== "" && line.includes(part))).toBe(true);
        if (eol === "\r\n") expect(after.replaceAll("\r\n", "")).not.toContain("\n");
      });
    }
  }

  it("at the very end of a file without a last line end", () => {
    const before = roster(`\n      - ${flow(old)}`)
      .replace(/ {2}- \{ id: 'adam'[\s\S]*$/, "")
      .trimEnd();
    const text = `lifetime: 30d\nentitlements: []\n${before.slice(before.indexOf("principals"))}`;
    expect(parseRoster(rotatedRoster(text, "r", "rita", fresh, END), "r").principals[0]?.keys).toHaveLength(2);
  });
});

describe("is refused, with the line and what to do", () => {
  const message = (text: string, who = "rita", key = fresh): string => {
    try {
      return `no error:\n${rotatedRoster(text, "roster.yaml", who, key, END)}`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  it("where an anchor shares the keys", () => {
    expect(message(roster(` &keys [ ${flow(old)} ]`))).toMatch(/^roster\.yaml:8: the keys of rita cannot be changed/);
  });
  it("where an alias may come in", () => {
    expect(message(roster(`\n      - &one ${flow(old)}`))).toMatch(
      /^roster\.yaml:\d+: the keys of rita cannot be changed/,
    );
  });
  it("for nobody, and for a key that somebody has", () => {
    expect(message(roster(` [ ${flow(old)} ]`), "ritta")).toBe("roster.yaml has no principal ritta.");
    expect(message(roster(` [ ${flow(old)} ]`), "rita", adams)).toContain("it belongs to adam");
  });
});
