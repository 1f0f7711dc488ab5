/** bench/RESULTS.md: each command writes its own section, and no other. */
import { expect, it } from "vitest";
import { withSection } from "../../bench/report/page.js";

it("keeps the other sections, in their order, whichever is written first", () => {
  const memory = withSection("", "memory", "## Memory\n\nold\n");
  const both = withSection(withSection(memory, "rows", "# Benchmark\n"), "memory", "## Memory\n\nnew\n");
  expect(both.match(/^#.*/gm)).toEqual(["# Benchmark", "## Memory"]);
  expect(both).toContain("new");
  expect(both).not.toContain("old");
  expect(withSection(both, "memory", "## Memory\n\nnew\n")).toBe(both);
});

it("drops what belongs to no section", () => {
  expect(withSection("# By an earlier version\n", "rows", "# Benchmark")).not.toContain("earlier");
});
