/** A ledger that goes away in the middle of a drill costs no report: it says what is not proved. */
import { expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { evidenceOf, isUnproved } from "../../control/drill/evidence.js";
import { awaitFaultRecords } from "../../control/drill/faults/judge.js";
import type { RecordSource, Sealed } from "../../control/drill/record-source.js";
import { type FoundRecord, Records } from "../../control/drill/records.js";

const away = () => Promise.reject(new UserError("The ledger does not answer."));
const broken = () => Promise.reject(new TypeError("a fault of ours"));
const sourceOf = (poll: () => Promise<void>): RecordSource => ({
  ...{ records: new Records(), poll, seal: async () => undefined, close: async () => {} },
});
const seen = { status: 401, code: "signature", requestId: "r", reached: false, upstream: undefined };
const call = {
  ...{
    gateway: "gateway-1",
    method: "GET",
    host: "api.example.com",
    path: "/",
    isPresented: true,
    jti: undefined,
    at: 0,
  },
  seen: { ...seen, endedAfterMs: undefined, error: undefined, ms: 0 },
};
const found: FoundRecord = {
  record: {
    v: 1,
    vm: "gateway-1/1/1",
    seq: 1,
    prev: "",
    ts: "2026-11-27T00:00:00.000Z",
    mode: "enforce",
    verdict: "allow",
  },
  ...{ entered: { entry: 1, bytes: Buffer.from("x"), received: 0 }, ended: undefined, by: "gateway-1" },
};
const sealedBy = (prove: Sealed["prove"]): Sealed => ({
  ...{ checkpoint: { origin: "l", size: 2, root: Buffer.alloc(32), text: "" }, before: 0, prove },
});

it("while the records of faults are read", async () => {
  await expect(awaitFaultRecords([], sourceOf(away), 0)).resolves.toBeUndefined();
  await expect(awaitFaultRecords([], sourceOf(broken), 0)).rejects.toThrow("a fault of ours");
});

it("while its proofs are fetched", async () => {
  const sealed = sealedBy(away);
  const calls = await evidenceOf(call, found, sealed);
  expect(calls).toMatchObject([{ verdict: "allow", seq: 1 }]);
  expect(isUnproved(calls, found, sealed)).toBe(true);
  await expect(evidenceOf(call, found, sealedBy(broken))).rejects.toThrow("a fault of ours");
});
