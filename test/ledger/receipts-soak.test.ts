/** A little of `npm run soak:receipts`: on a real Envoy with the real ledger, nothing is let in without its entry. */
import { expect, it } from "vitest";
import { soakReceipts } from "../../bench/evidence/receipts.js";

it("200 requests with receipts, over a ledger that is stopped, killed and restarted: each has its entry at its index", async () => {
  const found = await soakReceipts(200, 4, () => {});
  expect(found.faults).toEqual([]);
  expect(found.allowed).toBeGreaterThanOrEqual(200);
  // Denied each time, however long that took.
  expect(found.away.map(({ how }) => how)).toEqual(["SIGSTOP, and SIGCONT later", "SIGSTOP", "SIGKILL"]);
  for (const { denied } of found.away) expect(denied.count).toBeGreaterThanOrEqual(30);
}, 300_000);
