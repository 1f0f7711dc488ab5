/** Whoever can sign is recorded, and yet writes no log full: his denials have an allowance, and it is nobody else's. */
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { z } from "zod";
import { readAuditLines } from "../../control/base/audit.js";
import { FilterHost } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { World } from "../kit/world.js";

/** As in assembly/filter/denials.ts: a second and VM, the first for each requester's key. */
const MAX_PROVEN = 100;
const MAX_UNPROVEN = 100;
const start = Math.floor(Date.now() / 1000);
const recordSchema = z.looseObject({ seq: z.number(), prev: z.string(), verdict: z.string() });
const sha256 = (text: string): string => createHash("sha256").update(text, "latin1").digest("hex");

async function setUp(configuration: Readonly<Record<string, unknown>> = {}) {
  const world = new World(start);
  const clock = { seconds: start };
  const host = await FilterHost.load({ clock: () => clock.seconds * 1000 });
  expect(host.configure(world.configuration({ configuration })).accepted).toBe(true);
  const lines: string[] = [];
  /** The record's verdict; undefined where there is no record. */
  const ask = (grant: string, path?: string): string | undefined => {
    const audit = host.request({ headers: headersOf([grant], path) }).filterState.get("wasm.glassgate.audit");
    if (audit === undefined) return undefined;
    const { record } = readAuditLines(audit);
    lines.push(record);
    return recordSchema.parse(JSON.parse(record)).verdict;
  };
  /** How many of so many denials are recorded. */
  const flood = (grant: string, times: number, path = "/elsewhere"): number =>
    Array.from({ length: times }, () => ask(grant, path)).filter((verdict) => verdict !== undefined).length;
  const dropped = (): number => {
    host.tick();
    return host.metrics().get("glassgate.records_dropped") ?? 0;
  };
  return { world, clock, ask, flood, dropped, lines };
}

it("records so many denials of one key in a second, counts the others, and begins anew with the next second", async () => {
  const { world, clock, flood, dropped } = await setUp();
  const grant = world.alone();
  for (let second = 1; second <= 3; second++) {
    expect(flood(grant, MAX_PROVEN + 20)).toBe(MAX_PROVEN);
    expect(dropped()).toBe(second * 20);
    clock.seconds += 1;
  }
});

it("whatever the grants and their verdicts: it is the key that has the allowance", async () => {
  const { world, flood, ask } = await setUp();
  const recorded = [
    flood(world.alone(), 60),
    flood(world.alone({ claims: { reason: "boredom" } }), 60, "/orders/7"),
    flood(world.grant({ approvals: [] }), 60, "/orders/7"),
  ];
  // The first of the third kind is recorded all the same.
  expect(recorded).toEqual([60, MAX_PROVEN - 60, 1]);
  expect(ask(world.alone({ claims: { ent: "drill" } }))).toBe("requester");
  expect(ask(world.alone({ claims: { ent: "drill" } }))).toBeUndefined();
  expect(ask(world.alone({ claims: { ent: "ticket" } }))).toBe("claim_required");
});

it("also where the grant is cached, and in shadow", async () => {
  for (const mode of ["enforce", "shadow"]) {
    const { world, ask, flood } = await setUp({ mode });
    const grant = world.alone();
    expect(ask(grant)).toBe("allow");
    expect(flood(grant, MAX_PROVEN + 20)).toBe(MAX_PROVEN);
    for (let i = 0; i < MAX_PROVEN + 20; i++) expect(ask(grant)).toBe("allow");
  }
});

it("takes nobody else's: not other keys, not those without one, not what is let in", async () => {
  const { world, ask, flood, dropped } = await setUp();
  const grant = world.alone();
  expect(flood(grant, MAX_PROVEN + 50)).toBe(MAX_PROVEN);
  expect(flood(world.alone({ by: world.rita2 }), 5)).toBe(5);
  expect(flood("garbage", 5)).toBe(5);
  for (let i = 0; i < MAX_PROVEN + 50; i++) expect(ask(grant)).toBe("allow");
  expect(ask(world.alone())).toBe("allow");
  expect(dropped()).toBe(50);
});

it("nor do those without a key use up his", async () => {
  const { world, flood, dropped } = await setUp();
  expect(flood("garbage", 2 * MAX_UNPROVEN)).toBe(MAX_UNPROVEN);
  expect(flood(world.alone(), 5)).toBe(5);
  expect(dropped()).toBe(MAX_UNPROVEN);
});

it("what is not recorded uses up no number: the chain of what is has no gap", async () => {
  const { world, clock, ask, flood, lines } = await setUp();
  const grant = world.alone();
  for (let second = 0; second < 3; second++) {
    ask(grant);
    flood(grant, MAX_PROVEN + 20);
    flood("garbage", MAX_UNPROVEN + 20);
    clock.seconds += 1;
  }
  expect(lines.length).toBe(3 * (MAX_PROVEN + MAX_UNPROVEN + 1));
  lines.forEach((line, i) => {
    const { seq, prev } = recordSchema.parse(JSON.parse(line));
    expect(seq).toBe(i + 1);
    expect(prev).toBe(i === 0 ? "0".repeat(64) : sha256(lines[i - 1] ?? ""));
  });
});
