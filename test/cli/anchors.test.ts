/** The words of the anchors: the same for the same, others for any change; the encoding is the published one. */
import { expect, it } from "vitest";
import { proquints } from "../../control/base/proquint.js";
import { newKey, publicPart } from "../../control/signer/jwk.js";
import type { Anchors } from "../../control/trust/anchors.js";
import { fingerprintOf } from "../../control/trust/fingerprint.js";

it("are proquints", () => {
  // The examples of the proposal: IPv4 addresses.
  const words = (...bytes: number[]): string => proquints(Uint8Array.from(bytes));
  expect(words(127, 0, 0, 1)).toBe("lusab babad");
  expect(words(63, 84, 220, 193)).toBe("gutih tugad");
  expect(words(255, 255, 255, 255)).toBe("zuzuz zuzuz");
});

it("change with each member, and not with the order of the roots", () => {
  const roots = Array.from({ length: 3 }, () => publicPart(newKey("Ed25519")));
  const anchors: Anchors = { audience: "production", threshold: 2, roots };
  const words = fingerprintOf(anchors);
  expect(words).toMatch(/^([a-z]{5} ){5}[a-z]{5}$/);
  expect(fingerprintOf({ ...anchors, roots: roots.toReversed() })).toBe(words);
  const others: Anchors[] = [
    { ...anchors, threshold: 1 },
    { ...anchors, audience: "staging" },
    { ...anchors, roots: roots.slice(1) },
    { ...anchors, roots: [...roots.slice(1), publicPart(newKey("Ed25519"))] },
  ];
  expect(new Set([words, ...others.map(fingerprintOf)]).size).toBe(5);
});
