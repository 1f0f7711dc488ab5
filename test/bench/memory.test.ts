/** The measuring of memory in small: that it runs, and that the tables are those which were allowed. No size is judged. */
import { expect, it } from "vitest";
import { z } from "zod";
import * as memory from "../../bench/memory.js";
import { programWithJson, saidOf } from "./program.js";

const found = z.object({
  found: z.array(
    z.looseObject({
      workers: z.number(),
      state: z.string(),
      tableKib: z.number().optional(),
      resident: z.number().positive(),
      vms: z.number(),
      tables: z.number(),
    }),
  ),
});

it("two workers, three keys: no table where none is allowed, one of each key in each worker where they fit", async () => {
  const ran = await programWithJson("memory.ts", ["--workers", "2", "--tables", "0,default", "--keys", "3"]);
  expect(ran.stderr).toBe("");
  expect(ran.code).toBe(0);
  const cases = found
    .parse(ran.json)
    .found.map(({ state, tableKib, vms, tables }) => ({ state, tableKib, vms, tables }));
  expect(cases).toEqual([
    { state: "none", tableKib: undefined, vms: 0, tables: 0 },
    // A worker's each, the main thread's, and the one that they were made from.
    { state: "empty", tableKib: undefined, vms: 4, tables: 0 },
    { state: "full", tableKib: 0, vms: 4, tables: 0 },
    { state: "full", tableKib: undefined, vms: 4, tables: 6 },
  ]);
  expect(ran.stdout).toContain("Only a part: bench/RESULTS.md stays as it is.");
}, 600_000);

for (const [args, message] of [
  [["--workers", "1,0"], '--workers is "0"; it must be a whole number from 1 on.'],
  [["--tables", "some"], '--tables is "some"; it must be a whole number from 0 on.'],
  [["--tables", "0,0"], "--tables has one value twice."],
] as const) {
  it(`${args.join(" ")} is refused in one line`, async () => {
    expect(await saidOf(memory, args)).toEqual({ stdout: "", error: message });
  });
}
