/** Anchors as a few words: two people who read the same words hold the same anchors. */
import { createHash } from "node:crypto";
import { proquints } from "../base/proquint.js";
import type { Anchors } from "./anchors.js";

/** 96 bits: no one finds other anchors with the same words. */
const BYTES = 12;

/** Over audience, threshold and the roots' thumbprints in order: how the file is laid out does not matter. */
export function fingerprintOf({ audience, threshold, roots }: Anchors): string {
  const canonical = ["glassgate anchors", audience, String(threshold), ...roots.map(({ kid }) => kid).sort()].join(
    "\n",
  );
  return proquints(createHash("sha256").update(canonical).digest().subarray(0, BYTES));
}
