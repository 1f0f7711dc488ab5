/** Some thousand executions of `npm run fuzz`, without the filter that guides it: it runs, reaches what it is to reach, and finds nothing. */
import { expect, it } from "vitest";
import { SEED } from "../kit/seed.js";
import { FuzzLoop } from "./run.js";

it("a short loop over every target", async () => {
  const loop = await FuzzLoop.load({ executions: 6000, seed: SEED });
  while (await loop.go());
  const { counts, compared, referred, faults } = loop.progress;
  expect(faults).toEqual([]);
  expect(compared).toBeGreaterThan(0);
  expect(referred).toBeGreaterThan(0);
  // Behind the signatures too.
  for (const target of ["claims, signed", "approval, signed", "path", "source"])
    expect(counts[target]?.allow, target).toBeGreaterThan(0);
}, 120_000);
