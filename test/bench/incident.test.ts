/** docs/sample-incident.md is what `npm run sample-incident` plays today: its lines, in its order, each with what must be seen below it. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { story } from "../../bench/incident/steps.js";

const docs = fileURLToPath(new URL("../../docs/", import.meta.url));
const page = readFileSync(`${docs}sample-incident.md`, "utf8");
/** A line, and what it printed. */
const blocks = [...page.matchAll(/```sh\n([\s\S]*?)\n```(?:\n\n```text\n([\s\S]*?)\n```)?/g)];

it("has each line of the story, and what each printed", () => {
  const grants = new Set(blocks.flatMap(([, line = ""]) => / ledger ([0-9a-f]{12}) /.exec(line)?.[1] ?? []));
  expect(grants.size).toBe(1);
  const [grant = ""] = grants;
  const shown = story.filter(({ isHidden }) => isHidden !== true);
  expect(blocks.map(([, line]) => line)).toEqual(shown.map(({ line }) => line.replaceAll(" GRANT ", ` ${grant} `)));
  for (const [i, { sees }] of shown.entries()) expect(blocks[i]?.[2] ?? "").toMatch(sees);
});

it("says what the page says before each, and shows the review's page", () => {
  for (const { title = "", says = "" } of story) {
    expect(page).toContain(title);
    expect(page).toContain(says);
  }
  const [, picture = ""] = /!\[[^\]]+\]\(([\w.-]+\.png)\)/.exec(page) ?? [];
  expect(readFileSync(`${docs}${picture}`).subarray(1, 4).toString()).toBe("PNG");
});

it("tells nothing of the machine that it was played on", () => {
  expect(page).not.toMatch(/\/(?:tmp|home|root|work)\//);
});
