/** docs/gateways/kong-differences.md names a test for each row: it is there, by that title. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const root = new URL("../../../", import.meta.url);
const page = readFileSync(new URL("docs/gateways/kong-differences.md", root), "utf8");
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| the host |") && !line.startsWith("| road |"))
  .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "")));

describe("differences", () => {
  it("each row has a test", () => {
    expect(rows.length).toBeGreaterThan(30);
    for (const cells of rows) expect(cells.join(" "), cells[0]).toMatch(/`test\/[\w/-]+\.test\.ts`/);
  });

  for (const cells of rows) {
    const last = cells.find((cell) => cell.startsWith("`test/")) ?? "";
    const [, file = "", title = ""] = /^`(test\/[^`]+)`(?:: (.*))?$/.exec(last) ?? [];
    it(`${cells[0]}: ${file}`, () => {
      const path = new URL(file, root);
      expect(existsSync(path), file).toBe(true);
      // Titles are made of the cases' names, which stand in these files too.
      const sources = [path, new URL("test/verdicts/suite.ts", root), new URL("test/host/ngx/scripts.ts", root)];
      expect(
        sources.some((source) => readFileSync(source, "utf8").includes(title)),
        title,
      ).toBe(true);
    });
  }
});
