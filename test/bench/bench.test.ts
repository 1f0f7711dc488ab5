/** The benchmark in small: that it runs, measures every row and compares what it says it compares. No time is judged. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { z } from "zod";
import { callSets } from "../../bench/gateway/calls.js";
import { ratiosOf } from "../../bench/report/results.js";
import { restrictedVariants } from "../../bench/rows/restricted.js";
import { variantsOf } from "../../bench/rows/variants.js";
import { IdentityProvider, makeTokens } from "../../bench/tokens/tokens.js";
import { World } from "../../bench/tokens/world.js";
import { programWithJson } from "./program.js";

const spread = z.looseObject({ median: z.number(), low: z.number(), high: z.number() });
const results = z.looseObject({
  setting: z.looseObject({ rounds: z.literal(1), requests: z.literal(20) }),
  // JSON writes null for what is no number.
  rows: z.array(z.looseObject({ id: z.string(), cpu: spread, answers: z.record(z.string(), z.number()) })),
  ratios: z.array(z.object({ name: z.string(), value: z.number() })),
  kernels: z.array(z.looseObject({ time: spread })).min(1),
});

const NOTHING = { audit: "", attestation: "" };

function expectedIds(): string[] {
  const world = new World();
  const tokens = makeTokens(world, new IdentityProvider(), 1);
  const variants = [...restrictedVariants(world, {}), ...variantsOf(world, tokens, callSets(NOTHING, NOTHING, ""))];
  return ["none", ...variants.flatMap(({ id, group }) => (group === "ext_authz" ? [id, `${id}-server`] : [id]))];
}

const generated = (): string[] =>
  ["bench/RESULTS.md", "docs/benchmark.svg"].map((file) =>
    readFileSync(new URL(`../../${file}`, import.meta.url), "utf8"),
  );

it("one round of 20 requests has every row and ratio, and leaves the results as they are", async () => {
  const before = generated();
  const ran = await programWithJson("run.ts", ["--rounds", "1", "--requests", "20"]);
  expect(ran.stderr).toBe("");
  expect(ran.code).toBe(0);
  const { rows, ratios } = results.parse(ran.json);
  expect(rows.map(({ id }) => id)).toEqual(expectedIds());
  for (const { id, answers } of rows) if (id !== "none") expect(Object.keys(answers), id).not.toEqual([]);
  expect(ratios.map(({ name }) => name)).toEqual(ratiosOf({ series: new Map() }, []).map(({ name }) => name));
  expect(ran.stdout).toContain("Too few rounds for a result");
  expect(generated()).toEqual(before);
}, 600_000);
