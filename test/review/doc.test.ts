/** docs/review.md has the table of what is unusual, in the words that are shown. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { unusualCodes } from "../../control/review/model.js";
import { unusualRows } from "../../control/review/words.js";

it("docs/review.md has each unusual thing, in order and in the words that are shown", () => {
  const text = readFileSync(new URL("../../docs/review.md", import.meta.url), "utf8");
  const rows = text.split("\n").filter((line) => /^\| `[a-z_]+` \| .* \| .* \|$/.test(line));
  const wanted = unusualCodes.map((code) => `| \`${code}\` | ${unusualRows[code].title} | ${unusualRows[code].look} |`);
  expect(rows.filter((row) => wanted.includes(row))).toEqual(wanted);
});
