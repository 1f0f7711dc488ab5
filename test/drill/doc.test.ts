/** docs/drills.md names each case and each member of a drill file. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { caseNames } from "../../control/drill/cases/index.js";
import { faultNames } from "../../control/drill/faults/names.js";
import { expectedOf } from "../../control/drill/faults/planned.js";
import { drillSchema } from "../../control/drill/file.js";

const text = readFileSync(new URL("../../docs/drills.md", import.meta.url), "utf8");
const rows = text.split("\n").filter((line) => line.startsWith("| `"));
const named = (row: string): string[] =>
  [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");

/** The rows of tables below a heading, to the next. */
const below = (heading: string): string[] => {
  const section = text.split("\n## ").find((one) => one.startsWith(heading)) ?? "";
  return rows.filter((row) => section.includes(row)).flatMap(named);
};

it("names each case, and no other", () => {
  const cases = below("The cases");
  expect(cases.toSorted()).toEqual([...caseNames].toSorted());
});

it("names each member of the file", () => {
  expect(below("The file").toSorted()).toEqual(Object.keys(drillSchema.shape).toSorted());
});

it("names each expectation of a fault, and each fault, and no other", () => {
  expect(below("Faults")).toEqual([...Object.keys(expectedOf), ...faultNames]);
});
