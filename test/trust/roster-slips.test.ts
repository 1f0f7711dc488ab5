/** What tools, chats and merges do to a roster: the sentence names that, and its place, not what the parser made of it. */
import { describe, expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { buildClaims } from "../../control/trust/bundle.js";
import { parseRoster } from "../../control/trust/roster.js";
import { strangers } from "../../control/trust/strangers.js";
import { es256, line, rosterText } from "./rosters.js";

function refused(text: string): string {
  try {
    parseRoster(text, "roster.yaml");
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  return "read";
}
const good = rosterText();

describe("a roster with a slip", () => {
  it.each([
    ["a conflict's first mark", `<<<<<<< HEAD\n${good}`, "1:1: git left a conflict here"],
    ["a conflict's last mark", `${good}>>>>>>> theirs\n`, "git left a conflict here"],
    [
      "U+00A0 as indentation",
      good.replace(/\n {4}roles/, "\n\u00a0\u00a0\u00a0\u00a0roles"),
      "\\u{a0} stands where a space",
    ],
    ["U+3000 as indentation", good.replace(/\n {4}roles/, "\n\u3000\u3000roles"), "\\u{3000} stands where a space"],
    ["U+00A0 behind a colon", good.replace("id: ", "id:\u00a0"), "\\u{a0} stands where a space"],
    [
      "lines that end as on an old Mac",
      good.replace("# a roster\n", "").replaceAll("\n", "\r"),
      "1:14: \\u{d} stands where a space or a line's end must",
    ],
    ["a lone *", good.replace("[GET]", "[*]"), 'A * alone is read as an alias: write it in quotes, "*"'],
    [
      "a name that begins with @",
      good.replace("id: rita", "id: @rita"),
      "Text that begins with @ must stand in quotes",
    ],
    ["a fence of Markdown", `\`\`\`yaml\n${good}`, "1:1: "],
    ["a name that is a list", `${good}? [a, b]\n: c\n`, "the name of a member is a list, a mapping or an alias"],
    [
      "y as YAML 1.1 reads it",
      rosterText({ keys: `[${line(es256).replace(" y:", " true:")}]` }),
      "of the member y: write y",
    ],
  ])("%s", (_name, text, words) => {
    expect(text).not.toBe(good);
    const message = refused(text);
    expect(message).toContain(words);
    expect(message).toMatch(/^roster\.yaml:[1-9]\d*:[1-9]\d*: /);
    expect(message).not.toMatch(/in brackets|in braces/);
  });

  it("months are not taken for minutes", () => {
    expect(refused(rosterText({ lifetime: "3 months" }))).toMatch(/such as 15m, 2h or 30d$/);
    expect(refused(rosterText({ lifetime: "30 Minutes" }))).toMatch(/did you mean 30m\?$/);
  });

  it("an incident named twice is called that, not two that look alike", () => {
    const roster = parseRoster(`${good}revoked: { incident: [INC-7, INC-7] }\n`, "roster.yaml");
    const lines = strangers(buildClaims(roster, ["test"], 1, 1_800_000_000));
    expect(lines).toContain("revoked incident INC-7 is named twice");
    expect(lines.join("\n")).not.toContain("look alike");
  });
});
