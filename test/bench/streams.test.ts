/** Streams that are ended at random moments, in small; and that their cost can be measured. No time is judged. */
import { expect, it } from "vitest";
import { z } from "zod";
import { cpuSource } from "../../bench/base/cpu.js";
import { measureCase } from "../../bench/streams/measure.js";
import { markdown } from "../../bench/streams/tell.js";
import { measureTicks } from "../../bench/streams/tick.js";
import { programWithJson } from "./program.js";

const churned = z.looseObject({
  streams: z.number(),
  ended: z.record(z.string(), z.number()),
  counted: z.number(),
  faults: z.array(z.string()),
});

it("some hundred streams on two workers, ended at random moments: Envoy lives, memory is flat", async () => {
  const ran = await programWithJson("soak-streams.ts", ["--streams", "200"]);
  expect(ran.stderr).toBe("");
  const { streams, ended, counted, faults } = churned.parse(ran.json);
  expect(faults).toEqual([]);
  expect(ran.code).toBe(0);
  expect(streams).toBeGreaterThanOrEqual(200);
  expect(counted).toBeGreaterThan(100);
  for (const [kind, count] of Object.entries(ended)) expect(count, kind).toBeGreaterThan(0);
  expect(ran.stdout).toContain("soak: passed");
}, 600_000);

it("open streams are measured, and their end", async () => {
  const one = { name: "streams under some grants", streams: 40, grants: 3 };
  const found = await measureCase(one, 1, cpuSource());
  expect(found).toMatchObject(one);
  expect(found.before.p50).toBeGreaterThan(0);
  expect(found.ending?.milliseconds).toBeGreaterThan(0);
  const ticks = await measureTicks(40, 3, 5);
  expect(ticks).toMatchObject({ streams: 40, grants: 3, round: 1 });
  expect(markdown([found], [ticks], { seconds: 1, envoy: "1.40.0" })).toContain("| 40 streams under some grants |");
}, 600_000);
