/** `generation_vms`, by which a push knows that every thread serves its configuration: every live VM is counted, and no other. */
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { Status } from "../../control/host/abi.js";
import { FilterHost, type HostOptions } from "../../control/host/host.js";
import { domainOf } from "../../control/trust/anchors.js";
import { anchorsOf } from "../kit/envoy.js";
import { headersOf } from "../kit/headers.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
const gaugeOf = (label: string, audience = "test"): string =>
  `glassgate.${label}.domain=${domainOf({ ...anchorsOf(world), audience }).slice(0, 16)}`;
const VMS = gaugeOf("generation_vms");

/** A registry's value in shared data (assembly/filter/registry.ts). */
const HEAD_BYTES = 8;
const LINE_BYTES = 40;
const MAX_VMS = 1024;
const KEY = `glassgate.generations.${domainOf(anchorsOf(world))}`;

async function setUp(options: HostOptions = {}) {
  const host = await FilterHost.load({ workers: 2, ...options });
  /** Every VM speaks at least once: each fourth tick. Two seconds pass. */
  const speak = (seconds = 2): void => {
    host.advance(seconds * 1000);
    for (let i = 0; i < 4; i++) host.tick();
  };
  const serving = (): number | undefined => host.metrics().get(VMS);
  return { host, speak, serving };
}

it("counts every VM, also one that registers while another tells its number", async () => {
  // What another thread does between a VM's registration and its last word: it registers, and tells the higher number first.
  let others = 0;
  const { host, serving } = await setUp({
    workers: 1,
    intercept: ({ name, thread }) => {
      if (thread !== "worker 0" || name !== "proxy_record_metric") return undefined;
      const before = host.process.shared.get("glassgate", KEY)?.value ?? Buffer.alloc(0);
      const isRegistered = before.length >= HEAD_BYTES + 2 * LINE_BYTES; // After the main thread, which came first.
      if (isRegistered && others < 2) {
        others += 1;
        const line = Buffer.from(before.subarray(-LINE_BYTES));
        line.writeBigUInt64LE(1000n + BigInt(others));
        host.process.shared.set("glassgate", KEY, Buffer.concat([before, line]), 0);
        host.process.metrics.define(1, VMS).value = BigInt((before.length - HEAD_BYTES) / LINE_BYTES + 1);
      }
      return undefined;
    },
  });
  expect(host.configure(world.configuration()).accepted).toBe(true);
  expect(others).toBe(2);
  expect(serving()).toBe(4);
});

it("counts all VMs of a large gateway with many domains", async () => {
  const { host } = await setUp({ workers: 40 });
  const audiences = Array.from({ length: 17 }, (_, i) => `team-${i}`);
  for (const audience of audiences) {
    const text = world.configuration({ bundle: null, configuration: { audience } });
    expect(host.configure(text, audience).accepted).toBe(true);
  }
  const counts = audiences.map((audience) => host.metrics().get(gaugeOf("generation_vms", audience)));
  expect(counts).toEqual(audiences.map(() => 41));
});

it("counts a VM that trapped until its silence shows it, and the one in its place from the start", async () => {
  const { host, speak, serving } = await setUp({ failurePolicy: "reload" });
  expect(host.configure(world.configuration()).accepted).toBe(true);
  expect(serving()).toBe(3);
  const [vm] = host.process.workers[0]?.allVms ?? [];
  vm?.guest.invoke("tool_verify", 0, -64, -64, -64, 64);
  expect(vm?.failure).toBe("trap");
  // Nobody asks the worker for anything, so it stays without a VM.
  for (let i = 0; i < 7; i++) speak();
  expect(serving()).toBe(2);
  host.request({ headers: headersOf([]) });
  expect(serving()).toBe(3);
  for (let i = 0; i < 7; i++) speak();
  expect(serving()).toBe(3);
});

it("never undercounts when the clock is set or the machine has slept", async () => {
  const seen: (number | undefined)[] = [];
  const { host, speak, serving } = await setUp({
    intercept: ({ name }) => {
      if (name === "proxy_record_metric") seen.push(host.metrics().get(VMS));
      return undefined;
    },
  });
  expect(host.configure(world.configuration()).accepted).toBe(true);
  seen.length = 0;
  for (const seconds of [3600, 2, 2, -7200, 2, 2, 86_400 * 365, 2]) speak(seconds);
  expect(seen.length).toBeGreaterThan(0);
  expect(new Set(seen)).toEqual(new Set([3]));
  expect(serving()).toBe(3);
});

it("does not undercount either when the threads notice the clock one after the other", async () => {
  const { host, serving } = await setUp();
  expect(host.configure(world.configuration()).accepted).toBe(true);
  host.advance(3_600_000);
  const threads = [...host.process.workers, host.process.main];
  for (const thread of threads) {
    // Each speaks twice before the next one speaks at all.
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 4; i++) thread.tick();
      host.advance(2000);
      expect(serving()).toBe(3);
    }
  }
});

it("counts VMs that had to try often for a number of their own", async () => {
  const tries = new Map<string, number>();
  const { host, speak, serving } = await setUp({
    intercept: ({ name, thread }) => {
      if (name !== "proxy_set_shared_data" || !thread.startsWith("worker")) return undefined;
      const before = tries.get(thread) ?? 0;
      tries.set(thread, before + 1);
      // As if forty other threads came first.
      return before < 40 ? Status.CasMismatch : undefined;
    },
  });
  expect(host.configure(world.configuration()).accepted).toBe(true);
  speak();
  expect(serving()).toBe(3);
});

it("an old VM that lives on for an open stream tells nothing over the heads of the new ones", async () => {
  const told: unknown[] = [];
  const { host, speak, serving } = await setUp({
    // At every word, as the last of a round is always a new VM's.
    intercept: ({ name }) => {
      const metrics = host.metrics();
      const loads = [gaugeOf("generation"), "glassgate.streams"].map((gauge) => metrics.get(gauge));
      if (name === "proxy_record_metric") told.push([serving(), ...loads]);
      return undefined;
    },
  });
  expect(host.configure(world.configuration()).accepted).toBe(true);
  const stream = host.open({ headers: headersOf([world.alone()]) });
  const next = world.configuration();
  expect(host.configure(next, "api", { vmId: "healed" }).accepted).toBe(true);
  const generation = Number(/"generation":(\d+)/.exec(next)?.[1]);
  told.length = 0;
  for (let i = 0; i < 8; i++) speak();
  expect(new Set(told.map(String))).toEqual(new Set([`3,${generation},0`]));
  stream.close();
  // And back again: the VMs that come now have the last word.
  expect(host.configure(world.configuration(), "api", { vmId: "glassgate" }).accepted).toBe(true);
  for (let i = 0; i < 8; i++) speak();
  expect(serving()).toBe(3);
});

it("a table that is full takes no VM more: whatever finds no line in it serves all the same", async () => {
  const { host, speak } = await setUp();
  expect(host.configure(world.configuration()).accepted).toBe(true);
  const full = Buffer.alloc(HEAD_BYTES + MAX_VMS * LINE_BYTES);
  for (let i = 0; i < MAX_VMS; i++) {
    full.writeBigUInt64LE(1_000_000n + BigInt(i), HEAD_BYTES + i * LINE_BYTES);
    full.writeBigUInt64LE(BigInt(Date.now() + 2000) * 1_000_000n, HEAD_BYTES + i * LINE_BYTES + 8);
  }
  host.process.shared.set("glassgate", KEY, full, 0);
  const vms = [host.process.main, ...host.process.workers].flatMap(({ allVms }) => allVms);
  const written = (): number =>
    vms.reduce((sum, { guest }) => sum + (guest.calls.get("proxy_set_shared_data") ?? 0), 0);
  const before = written();
  speak();
  // Each has said how full it is, and has not tried to write a line behind the table.
  expect(written() - before).toBe(vms.length);
  expect(vms).toHaveLength(3);
  expect(host.process.shared.get("glassgate", KEY)?.value.equals(full)).toBe(true);
  const { filterState } = host.request({ headers: headersOf([world.alone()]) });
  expect(filterState.get("wasm.glassgate.verdict")).toBe("allow");
});

it("shows the newest version that any VM has taken, also when a thread behind has the last word", async () => {
  const claims = world.bundleClaims();
  const ahead = Number(claims.version) + 5;
  const key = `glassgate.domain.${domainOf(anchorsOf(world))}`;
  let isAhead = false;
  const { host } = await setUp({
    intercept: ({ name, thread }) => {
      if (isAhead || thread !== "worker 0" || name !== "proxy_record_metric") return undefined;
      isAhead = true;
      const value = Buffer.alloc(40);
      value.writeBigInt64LE(BigInt(ahead));
      createHash("sha256").update("a newer bundle").digest().copy(value, 8);
      host.process.shared.set("glassgate", key, value, 0);
      host.process.metrics.define(1, gaugeOf("bundle_version")).value = BigInt(ahead);
      return undefined;
    },
  });
  expect(host.configure(world.configuration({ bundle: claims })).accepted).toBe(true);
  expect(isAhead).toBe(true);
  expect(host.metrics().get(gaugeOf("bundle_version"))).toBe(ahead);
});
