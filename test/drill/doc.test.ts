/** The pages about drills name each case and each member of a drill file; docs/compliance.md names nothing that does not exist. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { caseNames, cases } from "../../control/drill/cases/index.js";
import { faultNames } from "../../control/drill/faults/names.js";
import { expectedOf } from "../../control/drill/faults/planned.js";
import { drillSchema } from "../../control/drill/file.js";
import { alarmCodes } from "../../control/ledger/chain/codes.gen.js";
import { commandFault } from "../cli/exists.js";

interface Node {
  readonly description?: string | undefined;
  readonly items?: Node | undefined;
  readonly properties?: Readonly<Record<string, Node>> | undefined;
}

const page = (name: string): string => readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), "utf8");
const named = (row: string): string[] =>
  [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");

const rowsOf = (text: string): string[] => text.split("\n").filter((line) => line.startsWith("| `"));
/** The rows of tables below a heading, to the next. */
const below = (text: string, heading: string): string[] =>
  rowsOf(text.split("\n## ").find((one) => one.startsWith(heading)) ?? "").flatMap(named);

it("names each case, and no other", () => {
  const text = page("drill-cases");
  const cases = [...below(text, "On your gateways"), ...below(text, "On scratch gateways")];
  expect(cases.toSorted()).toEqual([...caseNames].toSorted());
});

it("names each member of the file", () => {
  expect(below(page("drill-file"), "The file").toSorted()).toEqual(Object.keys(drillSchema.shape).toSorted());
});

it("an editor says of each member what it is", () => {
  const node: z.ZodType<Node> = z.lazy(() =>
    z.object({
      description: z.string().optional(),
      items: node.optional(),
      properties: z.record(z.string(), node).optional(),
    }),
  );
  const schema = node.parse(
    JSON.parse(readFileSync(new URL("../../config/drill.schema.json", import.meta.url), "utf8")),
  );
  const { people, gateways, ledger, expects } = schema.properties ?? {};
  for (const one of [schema, people, gateways?.items, ledger, expects])
    expect(Object.entries(one?.properties ?? {}).filter(([, { description }]) => description === undefined)).toEqual(
      [],
    );
});

it("names each expectation of a fault, and each fault, and no other", () => {
  expect(rowsOf(page("drill-faults")).flatMap(named)).toEqual([...Object.keys(expectedOf), ...faultNames]);
});

describe("docs/compliance.md", () => {
  const page = readFileSync(new URL("../../docs/compliance.md", import.meta.url), "utf8");
  const table = page.split("\n").filter((line) => /^\| (?!---|control |requirement |standard |criterion )/.test(line));
  /** Of the column that says by what something is shown. */
  const shownBy = table.map((row) => row.split("|")[3] ?? "");
  const spans = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, span = ""]) => span);
  /** `cases `a`, `b`; alarm `c`` -> the names behind that word. */
  const behind = (word: RegExp): string[] =>
    shownBy.flatMap((cell) =>
      cell
        .split(";")
        .filter((part) => word.test(part.trim()))
        .flatMap(spans),
    );

  it("says by what each control is shown, and what is not shown of it", () => {
    expect(table.length).toBeGreaterThanOrEqual(25);
    for (const row of table) {
      expect(row.split("|"), row).toHaveLength(6);
      expect(spans(row.split("|")[3] ?? ""), row).not.toEqual([]);
      expect((row.split("|")[4] ?? "").trim(), row).not.toBe("");
    }
  });

  it("says which cases are played on scratch gateways, and which where the file names what they want", () => {
    const isScratch = (name: string): boolean => cases.find((one) => one.name === name)?.where === "scratch";
    const [always, scratch, ifNamed] = [behind(/^cases? /), behind(/^on scratch /), behind(/^if named /)];
    const wanted = new Map(
      [...page.matchAll(/`([a-z-]+)` \((?:`people`: )?`([a-z]+)`\)/g)].map(([, one = "", by = ""]) => [one, by]),
    );
    expect(Object.fromEntries(wanted)).toEqual({
      ...{ ledger: "ledger", "stream-cut": "stream", "former-key": "former" },
      ...{ "revoked-everywhere": "revoke", pushed: "push", alerts: "alerts" },
    });
    const members = [...Object.keys(drillSchema.shape), ...Object.keys(drillSchema.shape.people.shape)];
    expect([...wanted.values()].filter((member) => !members.includes(member))).toEqual([]);
    expect(always.filter((name) => isScratch(name) || wanted.has(name))).toEqual([]);
    expect(scratch.filter((name) => !isScratch(name))).toEqual([]);
    expect([...new Set(ifNamed)].toSorted()).toEqual([...wanted.keys()].toSorted());
    expect(scratch.length).toBeGreaterThan(5);
  });

  it("names cases, faults, alarms and commands that exist, and nothing else", () => {
    const [faults, alarms] = [behind(/^faults? /), behind(/^alarms? /)];
    const named = [...behind(/^cases? /), ...behind(/^on scratch /), ...behind(/^if named /)];
    expect(named.filter((name) => !caseNames.includes(name))).toEqual([]);
    expect(faults.filter((name) => !faultNames.some((one) => one === name) && !name.startsWith("glassgate "))).toEqual(
      [],
    );
    expect(alarms.filter((name) => !alarmCodes.some((one) => one === name))).toEqual([]);
    const commands = spans(page).flatMap((span) => (span.startsWith("glassgate ") ? [span.split(" ").slice(1)] : []));
    expect(commands.length).toBeGreaterThan(15);
    expect(commands.flatMap((words) => commandFault(words) ?? [])).toEqual([]);
    const all = [...named, ...faults, ...alarms];
    const others = shownBy.flatMap(spans).filter((span) => !span.startsWith("glassgate ") && !all.includes(span));
    expect(others).toEqual([]);
  });
});
