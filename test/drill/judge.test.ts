/** What is made of an answer that is nobody's whom the drill asked: of a limit, of a page of maintenance, of what does not speak as it should. */
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { findingOf } from "../../control/drill/findings.js";
import { judge } from "../../control/drill/judge.js";
import type { Expectation, Outcome, Seen } from "../../control/drill/model.js";
import { sendCall } from "../../control/drill/wire.js";
import { prepared } from "./prepared.js";

const [gateway] = prepared().gateways;
const expectations: readonly Expectation[] = [
  { kind: "verdict", verdict: "expired" },
  ...(["allow", "shut", "closed", "one_reading", "unauthenticated", "normal"] as const).map((kind) => ({ kind })),
  { kind: "cut", withinMs: 1000 },
];

function answered(expected: Expectation, seen: Partial<Seen>): Outcome {
  const nothing = { code: undefined, reached: false, upstream: undefined, endedAfterMs: undefined, error: undefined };
  const call = { gateway: "gateway-1", method: "GET", host: "api.example.com", path: "/drill/orders", at: 0 };
  return {
    ...{ what: "a request", expected },
    call: { ...call, isPresented: true, jti: "j", seen: { status: 200, requestId: "r", ms: 1, ...nothing, ...seen } },
  };
}

function said(expected: Expectation, seen: Partial<Seen>): string | undefined {
  const outcome = answered(expected, seen);
  const { fault } = judge(outcome, undefined, "/drill/orders");
  return fault && gateway && findingOf(fault, outcome, gateway, undefined);
}

describe("an answer that is not the filter's", () => {
  it.each(expectations.map((one) => [one.kind, one] as const))("429 is no answer to %s", (_, expected) => {
    expect(said(expected, { status: 429 })).toContain("was not asked: a request on GET api.example.com/drill/orders");
  });

  it("429 is the filter's where it says `busy`", () => {
    expect(said({ kind: "shut" }, { status: 429, code: "busy" })).toBeUndefined();
  });

  it.each<Expectation>([{ kind: "verdict", verdict: "expired" }, { kind: "shut" }, { kind: "unauthenticated" }])(
    "503 from nobody that is known is a finding that says so, of $kind",
    (expected) => {
      expect(said(expected, { status: 503 })).toMatch(
        /^gateway-1 answers a request on .* with 503, which is no refusal: .*maintenance/,
      );
      expect(said(expected, { status: 503, reached: true })).toMatch(/\(503\)/);
    },
  );
});

it.each([
  ["https", "HTTP/1.1 200 OK\r\n\r\n", "what listens there does not speak TLS: is it http://"],
  ["http", "SSH-2.0-OpenSSH\r\n", "what listens there does not speak HTTP"],
])("what does not speak %s is told in our words", async (scheme, bytes, words) => {
  const server = createServer((socket) => socket.on("error", () => {}).once("data", () => socket.end(bytes)));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const bound = server.address();
  const port = typeof bound === "object" ? bound?.port : undefined;
  const target = { method: "GET", host: "api.example.com", path: "/drill/orders" };
  if (gateway === undefined) throw new Error("there is one");
  const { seen } = await sendCall({ ...gateway, url: `${scheme}://127.0.0.1:${port}` }, target, {});
  server.close();
  expect(seen).toMatchObject({ status: 0, error: words });
});
