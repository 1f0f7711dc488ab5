/** `generation_vms`, by which a push knows that every thread serves its configuration. */
import { expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { domainOf } from "../../control/trust/anchors.js";
import { anchorsOf } from "../kit/envoy.js";
import { World } from "../kit/world.js";

const KEY = "glassgate.generations";

it("counts every VM, also one that registers while another tells its number", async () => {
  const world = new World(Math.floor(Date.now() / 1000));
  const gauge = `glassgate.generation_vms.domain=${domainOf(anchorsOf(world)).slice(0, 16)}`;
  // What another thread does between a VM's registration and its last word: it registers, and tells the higher number first.
  let others = 0;
  const host = await FilterHost.load({
    intercept: ({ name, thread }) => {
      if (thread !== "worker 0" || name !== "proxy_record_metric") return undefined;
      const before = host.process.shared.get("glassgate", KEY)?.value ?? Buffer.alloc(0);
      const isRegistered = before.length >= 2 * 24; // After the main thread, which came first.
      if (isRegistered && others < 2) {
        others += 1;
        const entry = Buffer.from(before.subarray(-24));
        entry.writeBigUInt64LE(1000n + BigInt(others));
        host.process.shared.set("glassgate", KEY, Buffer.concat([before, entry]), 0);
        host.process.metrics.define(1, gauge).value = BigInt(before.length / 24 + 1);
      }
      return undefined;
    },
  });
  expect(host.configure(world.configuration()).accepted).toBe(true);
  expect(others).toBe(2);
  expect(host.metrics().get(gauge)).toBe(4);
});
