/** A gateway that hangs, or is always busy, does not hold a drill for an hour; one that is well again is waited for as before. */
import { expect, it } from "vitest";
import type { Call, CallSpec, Seen } from "../../control/drill/model.js";
import { Patience } from "../../control/drill/patience.js";

const seen: Seen = {
  ...{ status: 200, code: undefined, requestId: "", reached: false, upstream: undefined },
  ...{ endedAfterMs: undefined, error: undefined, ms: 0 },
};
const call = (part: Partial<Seen>): Call => ({
  ...{ gateway: "gateway-1", method: "GET", host: "api.example.com", path: "/", isPresented: false, jti: undefined },
  at: 0,
  seen: { ...seen, ...part },
});
const silence = call({ status: 0, error: "no answer within 30 s" });

function patient(answers: readonly Call[]) {
  const sent: CallSpec[] = [];
  const patience = new Patience(async (spec) => {
    sent.push(spec);
    return answers[sent.length - 1] ?? answers.at(-1) ?? silence;
  }, 0);
  return { sent, patience };
}

it("gives less time after three calls without an answer, and all of it after the next answer", async () => {
  const { sent, patience } = patient([silence, silence, silence, silence, call({}), call({})]);
  for (let i = 0; i < 6; i++) await patience.call({});
  expect(sent.map(({ patienceMs }) => patienceMs)).toEqual([undefined, undefined, undefined, 2000, 2000, undefined]);
});

it("leaves a time that a call has of its own", async () => {
  const { sent, patience } = patient([silence]);
  for (let i = 0; i < 5; i++) await patience.call({ patienceMs: 4000 });
  expect(sent.map(({ patienceMs }) => patienceMs)).toEqual([4000, 4000, 4000, 4000, 4000]);
});

it("sends again to a gateway that is busy, and no more where it was busy three times all the same", async () => {
  const { sent, patience } = patient([call({ status: 429, code: "busy" })]);
  for (let i = 0; i < 5; i++) expect((await patience.call({})).seen.code).toBe("busy");
  expect(sent).toHaveLength(8);
});
