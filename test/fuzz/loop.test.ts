/** A few seconds of `npm run fuzz`, without the filter that guides it: it runs, and finds nothing. */
import { expect, it } from "vitest";
import { fuzz } from "./run.js";

const MINUTES = 0.05;

it("a short loop over every target", async () => {
  const said: string[] = [];
  const { executions, faults } = await fuzz({
    minutes: MINUTES,
    seed: 1,
    keeps: false,
    say: (line) => said.push(line),
  });
  expect(faults).toEqual([]);
  expect(executions).toBeGreaterThan(0);
});
