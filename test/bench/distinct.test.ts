/** The harness of many people's new grants in small: that it runs, with two builds side by side. No time is judged. */
import { expect, it } from "vitest";
import { z } from "zod";
import * as distinct from "../../bench/distinct.js";
import { programWithJson, saidOf } from "./program.js";

const ratio = z.object({ value: z.number(), low: z.number(), high: z.number() });
const found = z.looseObject({
  figures: z.array(
    z.looseObject({
      name: z.string(),
      cpu: z.looseObject({ median: z.number().positive() }),
      ratio,
      ratios: z.tuple([z.number()]),
    }),
  ),
  runs: z.tuple([z.looseObject({ tables: z.tuple([z.number(), z.number()]) })]),
});

it("one round with two builds and 6 keys has every row, and the tables that the keys need", async () => {
  const size = ["--grants", "100", "--requesters", "2", "--approvers", "4", "--runs", "1", "--rounds", "1"];
  const builds = ["--wasm", "before=build/glassgate.wasm,after=build/glassgate.wasm"];
  const ran = await programWithJson("distinct.ts", [...size, ...builds]);
  expect(ran.stderr).toBe("");
  expect(ran.code).toBe(0);
  const { figures, runs } = found.parse(ran.json);
  expect(figures.map(({ name }) => name)).toEqual([
    "no filter",
    "jwt_authn, EdDSA",
    "before, 1 signature",
    "before, 3 signatures",
    "after, 1 signature",
    "after, 3 signatures",
  ]);
  // Six people's, in the worker's VM of each build: those of the base points are more.
  expect(runs[0].tables[0]).toBeGreaterThanOrEqual(12);
}, 600_000);

for (const [args, message] of [
  [["--client", "curl"], '--client is "curl"; it must be node or wrk.'],
  [
    ["--wasm", "a=build/glassgate.wasm,a=build/glassgate.wasm"],
    "--wasm: two builds have one name. Give each a name: a=FILE,b=FILE.",
  ],
  [["--wasm", "none.wasm"], "--wasm: there is no none.wasm."],
  [["--table-memory-kib=-1"], '--table-memory-kib is "-1"; it must be a whole number from 0 on.'],
] as const) {
  it(`${args.join(" ")} is refused in one line`, async () => {
    expect(await saidOf(distinct, args)).toEqual({ stdout: "", error: message });
  });
}
