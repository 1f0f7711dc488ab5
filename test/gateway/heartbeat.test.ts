/** Heartbeats: what each VM publishes of its chain of records, on a real Envoy and on the Node host. */
import { createHash } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { readAuditLines } from "../../control/base/audit.js";
import { send } from "../../control/gateway/client.js";
import { FilterHost } from "../../control/host/host.js";
import { startTestEnvoy } from "../kit/envoy.js";
import { headersOf } from "../kit/headers.js";
import { World } from "../kit/world.js";

const PATIENCE = { timeout: 60_000 };
const start = Math.floor(Date.now() / 1000);
const chained = z.looseObject({ vm: z.string(), seq: z.number() });

interface Beat {
  readonly seq: number;
  readonly head: number;
  readonly at: number;
}

/** By the VM's own part of its name: `<start>/<number>`. */
function beatsIn(stats: ReadonlyMap<string, number>): Map<string, Partial<Beat>> {
  const beats = new Map<string, Partial<Beat>>();
  for (const [name, value] of stats) {
    const [, what = "", vm = ""] = /glassgate\.heartbeat_(seq|head|at)\.vm=([0-9]+\/[0-9]+)$/.exec(name) ?? [];
    if (vm !== "") beats.set(vm, { ...beats.get(vm), [what]: value });
  }
  return beats;
}

/** What docs/audit-record.md says that the gauges are, computed from the lines. */
function chainOf(lines: readonly string[]): Map<string, { readonly seq: number; readonly head: number }> {
  const last = new Map<string, { readonly seq: number; readonly head: number }>();
  for (const line of lines) {
    const { vm, seq } = chained.parse(JSON.parse(line));
    const own = vm.split("/").slice(-2).join("/");
    if ((last.get(own)?.seq ?? 0) > seq) continue;
    const head = createHash("sha256").update(line).digest().readUIntBE(0, 6) * 32 + (seq % 32);
    last.set(own, { seq, head });
  }
  return last;
}

const withRecords = (beats: ReadonlyMap<string, Partial<Beat>>) =>
  new Map([...beats].filter(([, { seq }]) => seq !== 0).map(([vm, { seq, head }]) => [vm, { seq, head }]));

describe("on Envoy", () => {
  const world = new World(start);
  const gateway = startTestEnvoy(world, { concurrency: 2 });
  afterAll(async () => (await gateway).stop());
  const beats = async () => beatsIn(await (await gateway).envoy.admin.stats("glassgate\\.heartbeat"));

  it("each VM that serves has its gauges before the first record, and its time goes on", async () => {
    const { configure } = await gateway;
    await configure(world.configuration());
    // Two workers' and the main thread's.
    await expect.poll(async () => (await beats()).size, PATIENCE).toBeGreaterThanOrEqual(3);
    const first = await beats();
    for (const { seq, head, at = 0 } of first.values()) {
      expect([seq, head]).toEqual([0, 0]);
      expect(Math.abs(at - start)).toBeLessThan(600);
    }
    const vms = [...first.keys()];
    await expect
      .poll(async () => {
        const now = await beats();
        return vms.every((vm) => (now.get(vm)?.at ?? 0) > (first.get(vm)?.at ?? 0));
      }, PATIENCE)
      .toBe(true);
  });

  it("seq and head are those of the last record, in text and as Prometheus reads them", async () => {
    const { port, logLines, audits, envoy } = await gateway;
    const grant = world.grant();
    for (let i = 0; i < 50; i++) {
      const asked = i % 3 === 0 ? "garbage" : grant;
      await send({ port, path: "/orders/7", headers: { "x-break-glass": asked, connection: "close" } });
    }
    await logLines(50);
    const chain = chainOf([...audits().values()].map(({ record }) => record));
    await expect.poll(async () => withRecords(await beats()), PATIENCE).toEqual(chain);
    const prometheus = await (await fetch(`http://${envoy.admin.address}/stats/prometheus?filter=glassgate`)).text();
    for (const [vm, { seq, head }] of chain) {
      expect(prometheus).toMatch(new RegExp(`^glassgate_heartbeat_seq\\{(?:.*,)?vm="${vm}"\\} ${seq}$`, "m"));
      expect(prometheus).toMatch(new RegExp(`^glassgate_heartbeat_head\\{(?:.*,)?vm="${vm}"\\} ${head}$`, "m"));
    }
  });

  it("a rotation goes on with the chain, and the gauges of VMs that are given up go with them", async () => {
    const { port, configure, logLines, audits } = await gateway;
    const ask = async () => {
      const headers = { "x-break-glass": world.alone(), connection: "close" };
      expect((await send({ port, path: "/orders/7", headers })).status).toBe(200);
    };
    await configure(world.configuration());
    const before = await beats();
    for (let i = 0; i < 10; i++) await ask();
    await logLines(60);
    const chain = () => chainOf([...audits().values()].map(({ record }) => record));
    await expect.poll(async () => withRecords(await beats()), PATIENCE).toEqual(chain());
    await configure(world.configuration(), "another");
    await ask();
    await logLines(61);
    await expect.poll(async () => [...(await beats()).keys()].filter((vm) => before.has(vm)), PATIENCE).toEqual([]);
    const alive = new Map([...chain()].filter(([vm]) => !before.has(vm)));
    expect(alive.size).toBe(1);
    await expect.poll(async () => withRecords(await beats()), PATIENCE).toEqual(alive);
  });
});

describe("on the Node host", () => {
  it("what a tick publishes is the last record's, whichever it is, and always below 2^53", async () => {
    const world = new World(start);
    const host = await FilterHost.load({ clock: () => start * 1000, workers: 1 });
    host.configure(world.configuration());
    const lines: string[] = [];
    expect(beatsIn(host.metrics()).size).toBe(0);
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i <= round % 3; i++) {
        const { filterState } = host.request({ headers: headersOf([round % 2 === 0 ? "garbage" : world.alone()]) });
        lines.push(readAuditLines(filterState.get("wasm.glassgate.audit") ?? "").record);
      }
      host.tick();
      expect(withRecords(beatsIn(host.metrics()))).toEqual(chainOf(lines));
      for (const { head = Number.NaN } of beatsIn(host.metrics()).values())
        expect(Number.isSafeInteger(head)).toBe(true);
    }
    // The main thread's VM serves nobody.
    expect(beatsIn(host.metrics()).size).toBe(2);
  });

  it("costs nothing while nothing is recorded but one gauge every two seconds", async () => {
    const world = new World(start);
    let recorded = 0;
    const clock = { seconds: start };
    const host = await FilterHost.load({
      clock: () => clock.seconds * 1000,
      intercept: ({ name, thread }) => {
        if (name === "proxy_record_metric" && thread === "worker 0") recorded += 1;
        return undefined;
      },
    });
    host.configure(world.configuration());
    for (let i = 0; i < 8; i++) host.tick();
    const idle = (): number => {
      recorded = 0;
      for (let i = 0; i < 4; i++) host.tick();
      return recorded;
    };
    const quiet = idle();
    host.request({ headers: headersOf([world.alone()]) });
    while (host.metrics().get("glassgate.tables_built") === 0) host.tick();
    for (let i = 0; i < 8; i++) host.tick();
    expect(idle()).toBe(quiet);
  });
});
