/** A dry run lists what would be sent. It signs nothing for that: hundreds of grants would be made for the list alone. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { beforeEach, expect, it, vi } from "vitest";
import { play } from "../../control/drill/play.js";
import { planScratch } from "../../control/drill/scratch-play.js";
import { players, prepared } from "./prepared.js";

let signed = 0;
vi.mock("@noble/curves/ed25519.js", async (original) => {
  const real = await original<typeof import("@noble/curves/ed25519.js")>();
  const sign: typeof ed25519.sign = (...args) => {
    signed += 1;
    return real.ed25519.sign(...args);
  };
  return { ...real, ed25519: { ...real.ed25519, sign } };
});
const byWebCrypto = vi.spyOn(globalThis.crypto.subtle, "sign");
const choice = { skip: [], only: undefined };
beforeEach(() => {
  signed = 0;
  byWebCrypto.mockClear();
});

it("the count is of signatures", () => {
  ed25519.sign(new Uint8Array(1), ed25519.utils.randomSecretKey());
  expect(signed).toBe(1);
});

it("on the fleet a proof for each gateway is made, as it is sent twice, and nothing else is signed", async () => {
  const gateways = 3;
  const { outcomes } = await play(
    { prepared: prepared({ gateways }), players: players(), isDry: true, onCall: () => {} },
    choice,
  );
  expect(outcomes.length).toBeGreaterThan(50 * gateways);
  expect([signed, byWebCrypto.mock.calls.length]).toEqual([gateways, 0]);
});

it("on the scratch gateway nothing is signed", async () => {
  const { outcomes } = await planScratch(prepared(), choice);
  expect(outcomes.length).toBeGreaterThan(10);
  expect([signed, byWebCrypto.mock.calls.length]).toEqual([0, 0]);
});
