/** Which record is a call's: one that another call's answer named is not, whatever an answer says. */
import { describe, expect, it } from "vitest";
import type { Call } from "../../control/drill/model.js";
import { Records } from "../../control/drill/records.js";

const VM = "gateway-1/1767225000123456789/3";
function add(records: Records, seq: number, id: string, jti: string | undefined, verdict = "allow"): void {
  records.add({
    ...{ v: 1, vm: VM, seq, prev: "0".repeat(64), ts: "2026-11-27T00:00:00.000Z" },
    ...{ mode: "enforce", verdict, request_id: id, ...(jti === undefined ? {} : { jti }) },
  });
}
function recordsOf(...lines: readonly (readonly [id: string, jti: string | undefined])[]): Records {
  const records = new Records();
  for (const [i, [id, jti]] of lines.entries()) add(records, i + 1, id, jti);
  return records;
}
const call = (requestId: string, jti: string | undefined): Call => ({
  ...{ gateway: "gateway-1", method: "GET", host: "api.example.com", path: "/", isPresented: true, jti, at: 0 },
  seen: {
    ...{ status: 200, code: undefined, requestId, reached: true, upstream: undefined },
    ...{ endedAfterMs: undefined, error: undefined, ms: 0 },
  },
});
/** By their numbers, in the order in which they were sent; twice, as they are waited for and judged. */
function found(records: Records, calls: readonly Call[]): (number | undefined)[] {
  for (const one of calls) records.find(one);
  return calls.map((one) => records.find(one)?.record.seq);
}

describe("the record of a call", () => {
  it("is the one that its answer names, else one of its grant", () => {
    const records = recordsOf(["a", "one"], ["b", "two"], ["c", undefined]);
    expect(found(records, [call("a", "one"), call("own", "two"), call("c", "three")])).toEqual([1, 2, 3]);
  });

  it("is none where a cache answered for it with the answer to another grant, or to the same one", () => {
    expect(found(recordsOf(["a", "one"]), [call("a", "one"), call("a", "two")])).toEqual([1, undefined]);
    expect(found(recordsOf(["a", "one"]), [call("a", "one"), call("a", "one")])).toEqual([1, undefined]);
    expect(found(recordsOf(["a", undefined]), [call("a", undefined), call("a", undefined)])).toEqual([1, undefined]);
  });

  it("is its own grant's where two answers name each other's", () => {
    expect(found(recordsOf(["a", "one"], ["b", "two"]), [call("b", "one"), call("a", "two")])).toEqual([1, 2]);
  });

  it("is waited for where the filter itself named it, whatever others of its grant are there", () => {
    const records = recordsOf(["a", "one"], ["b", "one"]);
    const { seen, ...rest } = call("c", "one");
    const denied = { ...rest, seen: { ...seen, status: 401, code: "expired", isNamed: true as const } };
    expect(found(records, [call("a", "one"), denied])).toEqual([1, undefined]);
    add(records, 3, "c", "one");
    expect(found(records, [denied])).toEqual([3]);
  });

  it("is none of one that was let in, where it was denied and nobody learns whose is whose", () => {
    const records = recordsOf(["a", "one"], ["b", "one"]);
    const { seen, ...rest } = call("unknown", "one");
    const denied = { ...rest, seen: { ...seen, status: 401, code: "expired" } };
    expect(found(records, [denied])).toEqual([undefined]);
    add(records, 3, "c", "one", "expired");
    expect(found(records, [call("unknown", "one"), denied])).toEqual([1, 3]);
  });

  it("is another's where only the grant spoke for it and that one's answer names it", () => {
    const records = recordsOf(["b", "one"], ["a", "one"]);
    expect(found(records, [call("unknown", "one"), call("b", "one")])).toEqual([2, 1]);
  });
});
