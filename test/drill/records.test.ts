/** Which record is a call's: by its request's id, else by its grant, in the order of the calls. */
import { expect, it } from "vitest";
import type { Call } from "../../control/drill/model.js";
import { Records } from "../../control/drill/records.js";

const GRANT = "A".repeat(22);

function entered(records: Records, seq: number, verdict: string): void {
  const about = { v: 1, vm: "gateway-1/1767225000123456789/3", seq, prev: "0".repeat(64) };
  const ts = "2026-11-27T00:00:00.000Z";
  records.add({ ...about, ts, mode: "enforce", verdict, request_id: `request-${seq}`, jti: GRANT });
}

const call = (requestId: string, status: number, code?: string): Call => ({
  ...{
    gateway: "gateway-1",
    method: "GET",
    host: "api.example.com",
    path: "/",
    isPresented: true,
    jti: GRANT,
    at: 0,
  },
  seen: {
    status,
    code,
    requestId,
    reached: true,
    upstream: undefined,
    endedAfterMs: undefined,
    error: undefined,
    ms: 0,
  },
});

it("a call that was denied waits for its own record, and takes none of a call that was let in", () => {
  const records = new Records();
  entered(records, 1, "allow");
  entered(records, 2, "allow");
  const denied = call("request-3", 401, "expired");
  expect(records.find(denied)).toBeUndefined();
  entered(records, 3, "expired");
  expect(records.find(denied)?.record.seq).toBe(3);
});

it("calls whose ids nobody learns take the records of their grant, one after the other", () => {
  const records = new Records();
  entered(records, 1, "allow");
  entered(records, 2, "expired");
  const [first, second] = [call("unknown", 200), call("unknown", 401, "expired")];
  expect([first, second, first].map((one) => records.find(one)?.record.seq)).toEqual([1, 2, 1]);
});
