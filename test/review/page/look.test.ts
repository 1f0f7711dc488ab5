/** What is nothing wrong in itself is told apart from what somebody has to be asked about: by a heading, not by colour alone. */
import { expect, it } from "vitest";
import type { UnusualCode } from "../../../control/review/model.js";
import { reviewPage } from "../../../control/review/page/review.js";
import { unusualRows } from "../../../control/review/words.js";
import { reviewOf, START } from "../../kit/review.js";

const place = { now: START, ledger: "ledger", key: "ledger.vkey", anchors: [], isServed: false };
const HEADING = "<h3>Nothing wrong, and good to know</h3>";

function lookOf(...codes: UnusualCode[]): string {
  const page = reviewPage(reviewOf({ unusual: codes.map((code) => ({ code, says: "so", entries: [] })) }), place);
  return /<section id="look"[\s\S]*?<\/section>/.exec(page)?.[0] ?? "";
}
const listsOf = (look: string): string[] => [...look.matchAll(/<ul class="([^"]*)">/g)].map(([, name = ""]) => name);

it("has what is harmless below a heading of its own, whatever it came between", () => {
  const look = lookOf("denied_calls", "first_time", "single_key", "never_used", "partly_used", "alarm");
  const [grave = "", harmless = ""] = look.split(HEADING);
  for (const code of ["denied_calls", "single_key", "alarm"] as const) expect(grave).toContain(unusualRows[code].title);
  for (const code of ["first_time", "never_used", "partly_used"] as const)
    expect(harmless).toContain(unusualRows[code].title);
  expect(listsOf(look)).toEqual(["look", "look calm"]);
});

it("has no heading, and no list, that nothing stands in", () => {
  expect(listsOf(lookOf("first_time"))).toEqual(["look calm"]);
  expect(listsOf(lookOf("alarm"))).toEqual(["look"]);
  expect(lookOf("alarm")).not.toContain(HEADING);
  expect([listsOf(lookOf()), lookOf().includes("Nothing unusual was found")]).toEqual([[], true]);
});
