/** Bad configurations are refused on the canary; the old one serves on. Every kind, in the Node host; Envoy's are in test/gateway. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { wasmPath } from "../../control/host/wasm.js";
import { World } from "../kit/world.js";
import { laterRefusals, refusals } from "./refusals.js";

const world = new World(Math.floor(Date.now() / 1000));
const ask = (host: FilterHost): string | undefined =>
  host
    .request({
      headers: [
        [":method", "GET"],
        [":path", "/orders/7"],
        [":authority", "api.example.com"],
        ["x-break-glass", world.alone()],
      ],
    })
    .filterState.get("wasm.glassgate.verdict");

describe("configurations that are refused", () => {
  const later = world.bundleClaims();
  for (const { name, configuration, reason } of [...refusals, ...laterRefusals(world, later)]) {
    it(`${name}: ...${reason}...`, async () => {
      const host = await FilterHost.load();
      expect(host.configure(world.configuration({ bundle: later })).reason).toBeUndefined();
      expect(ask(host)).toBe("allow");
      const answer = host.configure(configuration(world));
      expect(answer.accepted).toBe(false);
      expect(answer.reason).toContain(reason);
      expect(ask(host)).toBe("allow");
    });
  }

  /** The first bytes of the known answers (assembly/crypto/selftest.ts), as they stand in the program. */
  for (const [name, known] of [
    ["Ed25519", "6291d657deec24024827e69c3abe01a3"],
    ["ES256", "efd48b2aacb6a8fd1140dd9cd45e81d6"],
  ] as const)
    it(`any, where ${name} does not know the answer of its self-test`, async () => {
      const wasm = readFileSync(wasmPath);
      const at = wasm.indexOf(Buffer.from(known, "hex"));
      expect(at).toBeGreaterThan(0);
      wasm[at] = 0;
      const answer = (await FilterHost.load({ wasm })).configure(world.configuration({ bundle: null }));
      expect(answer).toMatchObject({ accepted: false, reason: "the self-test of its signature checks fails" });
    });

  it("the same bundle again, signed by other roots, is no other content", async () => {
    const host = await FilterHost.load();
    expect(host.configure(world.configuration({ bundle: later })).reason).toBeUndefined();
    expect(
      host.configure(world.configuration({ bundle: later, signedBy: [world.roots[2], world.roots[0]] })).reason,
    ).toBeUndefined();
  });

  it("a largest bundle is taken: 2,000 principals", async () => {
    const host = await FilterHost.load();
    const key = world.rita.jwk;
    const principals = [
      { id: "rita", roles: ["oncall"], keys: [key] },
      ...Array.from({ length: 4095 }, (_, i) => ({ id: `p${i}`, roles: ["a", "b", "c"], keys: [] })),
    ];
    expect(host.configure(world.configuration({ bundle: world.bundleClaims({ principals }) })).reason).toBeUndefined();
    expect(ask(host)).toBe("allow");
  });
});
