/** A short soak, and that it would see a leak. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseSmaps } from "../../bench/base/process-memory.js";
import { POSSIBLE_VERDICTS } from "../../bench/soak/kinds.js";
import { leaksBetween, type Sample } from "../../bench/soak/memory.js";
import { programWithJson } from "./program.js";

const found = z.looseObject({
  gateway: z.looseObject({
    requests: z.number(),
    rotations: z.number(),
    wrong: z.number(),
    answers: z.record(z.string(), z.record(z.string(), z.number())),
    verdicts: z.record(z.string(), z.number()),
  }),
  host: z.looseObject({ requests: z.number(), wrong: z.number() }),
  faults: z.array(z.string()),
});

it("3,000 requests, 5 rotations: no wrong answer, every kind of request and verdict", async () => {
  const ran = await programWithJson("soak.ts", ["--requests", "3000", "--rotations", "5"]);
  expect(ran.stdout).toMatch(/wrong answers +0\n/);
  expect(ran.stdout).toContain("soak: passed");
  expect(ran.code).toBe(0);
  const { gateway, host, faults } = found.parse(ran.json);
  expect(faults).toEqual([]);
  expect(gateway).toMatchObject({ rotations: 5, wrong: 0 });
  expect(gateway.requests).toBeGreaterThanOrEqual(3000);
  expect(host).toMatchObject({ requests: 2000, wrong: 0 });
  for (const [kind, answers] of Object.entries(gateway.answers)) expect(Object.keys(answers), kind).not.toEqual([]);
  // A network is only told to wait where 33 forged grants come from it within ten seconds; and an unknown key may count as a bad signature.
  for (const verdict of POSSIBLE_VERDICTS)
    if (verdict !== "busy" && verdict !== "key_unknown") expect(gateway.verdicts[verdict], verdict).toBeGreaterThan(0);
});

it("200 signature checks, the same verdict as OpenSSL's, and it says how far it is", async () => {
  const ran = await programWithJson("differential.ts", ["--cases", "200"]);
  expect(ran.stderr).toBe("");
  expect(ran.code).toBe(0);
  expect(ran.json).toMatchObject({ cases: 200, faults: [] });
  expect(ran.stdout).toMatch(/^50 %, 100 cases, \d+ s left\n100 %, 200 cases, 0 s left\ndifferential: passed/);
});

describe("memory", () => {
  const MIB = 1024 ** 2;
  const warm: Sample = {
    requests: 500_000,
    rotations: 100,
    allocated: 12 * MIB,
    heap: 23 * MIB,
    resident: 105 * MIB,
    proportional: 104 * MIB,
    linear: [{ size: 12 * MIB, resident: 5 * MIB }],
    code: MIB,
    tables: 16,
  };
  const grown = (requests: number, rotations: number, changes: Partial<Sample>): string[] =>
    leaksBetween(warm, { ...warm, requests: 500_000 + requests, rotations: 100 + rotations, ...changes });

  it("is flat when it grows by what Envoy keeps of each rotation", () => {
    const kept = 900 * 2400;
    const changes = { allocated: warm.allocated + kept, resident: warm.resident + kept + 3 * MIB };
    expect(grown(4_500_000, 900, changes)).toEqual([]);
  });

  it("is not when each request leaks three bytes, or each rotation a configuration", () => {
    expect(grown(4_500_000, 900, { resident: warm.resident + 3 * 4_500_000 })).toEqual([
      "resident memory grew by 12.9 MiB over 4500000 requests and 900 rotations; 11.5 MiB would be right",
    ]);
    expect(grown(4_500_000, 900, { allocated: warm.allocated + 3 * 4_500_000 })).toEqual([
      "allocated memory grew by 12.9 MiB over 4500000 requests and 900 rotations; 4.5 MiB would be right",
    ]);
    expect(grown(180_000, 45, { resident: warm.resident + 64 * 180_000 })).toHaveLength(1);
    expect(grown(4_500_000, 900, { allocated: warm.allocated + 900 * 20_000 })).toHaveLength(1);
  });

  it("is not when a VM's linear memory grows by a granule each rotation", () => {
    const linearOf = (bytes: number) => [{ size: 12 * MIB + bytes, resident: 5 * MIB }];
    expect(grown(4_500_000, 900, { linear: linearOf((900 / 64) * 16_384) })).toEqual([]);
    expect(grown(4_500_000, 900, { linear: linearOf(900 * 16_384) })).toEqual([
      "on Envoy linear memory was 12582912 bytes and is 27328512",
    ]);
    expect(grown(100_000, 20, { linear: linearOf(MIB + 65_536) })).toHaveLength(1);
  });

  it("is read from the kernel's list of mappings", () => {
    const smaps = `
47bd2109000-47bd21a9000 rwxp 00000000 00:00 0
Rss:                 548 kB
Pss:                 548 kB
5630a7fa2000-5630ac108000 r-xp 02080000 fe:00 1234                       /usr/bin/envoy
Rss:               45788 kB
Pss:               22894 kB
7f91e2470000-7f91e2ab0000 rw-p 00000000 00:00 0
Rss:                 176 kB
7f91e2ab0000-7f93e2470000 ---p 00000000 00:00 0
Rss:                   0 kB
7f93e2480000-7f93e2500000 rw-p 00000000 00:00 0
Rss:                  28 kB
7f93e2500000-7f93e2501000 ---p 00000000 00:00 0
Rss:                   0 kB
`;
    expect(parseSmaps(smaps)).toEqual({
      resident: (548 + 45_788 + 176 + 28) * 1024,
      proportional: (548 + 22_894) * 1024,
      linear: [{ size: 6400 * 1024, resident: 176 * 1024 }],
      code: 548 * 1024,
    });
  });
});
