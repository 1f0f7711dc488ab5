/** docs/drills.md names each case and each member of a drill file. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { caseNames } from "../../control/drill/cases/index.js";
import { drillSchema } from "../../control/drill/file.js";

const text = readFileSync(new URL("../../docs/drills.md", import.meta.url), "utf8");
const rows = text.split("\n").filter((line) => line.startsWith("| `"));
const named = (row: string): string[] =>
  [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");

it("names each case, and no other", () => {
  const at = text.indexOf("## The cases");
  const cases = rows.filter((row) => text.indexOf(row) > at).flatMap(named);
  expect(cases.toSorted()).toEqual([...caseNames].toSorted());
});

it("names each member of the file", () => {
  const at = text.indexOf("## The cases");
  const members = rows.filter((row) => text.indexOf(row) < at).flatMap(named);
  expect(members.toSorted()).toEqual(
    Object.keys(drillSchema.shape)
      .filter((name) => name !== "faults")
      .toSorted(),
  );
});
