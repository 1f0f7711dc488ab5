/** What a drill sends to every gateway many times, also as a normal caller: it writes nothing where nobody said that it may. */
import { describe, expect, it } from "vitest";
import { cases } from "../../control/drill/cases/index.js";
import type { CallSpec } from "../../control/drill/model.js";
import { makeStage } from "../../control/drill/stage.js";
import { type Changes, players, prepared } from "./prepared.js";

const detail = (actions: string[], paths = ["/drill/orders"]) => [
  { type: "break_glass_http" as const, locations: ["api.example.com"], actions, paths },
];
const opening = (actions: string[], more = "", paths?: string[]): Changes => ({
  entitlement: { authorization_details: detail(actions, paths) },
  more,
});
const target = (method: string, path = "/drill/orders", host = "api.example.com"): string =>
  `target: { method: ${method}, host: ${host}, path: "${path}" }\n`;

describe("a drill's target", () => {
  it.each<[what: string, changes: Changes, method: string]>([
    ["GET of any", opening(["*"]), "GET"],
    ["GET before others", opening(["POST", "HEAD", "GET"]), "GET"],
    ["HEAD where there is no GET", opening(["POST", "HEAD"]), "HEAD"],
    ["as the file has it, with its query", opening(["GET"], target("GET", "/drill/orders?all=1")), "GET"],
    ["as the file has it, under a pattern", opening(["*"], target("HEAD", "/drill/7/items"), ["/drill/**"]), "HEAD"],
    ["one that writes where all are harmless", { ...opening(["POST"]), isHarmless: true }, "POST"],
  ])("is %s", (_, changes, method) => {
    expect(prepared(changes).target.method).toBe(method);
  });

  it.each<[what: string, changes: Changes, says: RegExp]>([
    [
      "that writes, and nobody said that it may",
      { ...opening(["*"], target("DELETE")), gateways: 2 },
      /^drill\.yaml:8:9: target: DELETE api\.example\.com\/drill\/orders would be sent to each upstream, and that of gateway-1 is not said to be `harmless`/,
    ],
    [
      "that is the entitlement's, and writes",
      opening(["POST"]),
      /entitlement: POST api\.example\.com\/drill\/orders would be sent/,
    ],
    [
      "of another path",
      opening(["*"], target("GET", "/orders/42")),
      /target: GET api\.example\.com\/orders\/42 is nothing that orders-drill opens/,
    ],
    [
      "of another host",
      opening(["*"], target("GET", "/drill/orders", "eu.example.com")),
      /target: GET eu\.example\.com\/drill/,
    ],
    [
      "of another method",
      { ...opening(["GET"], target("POST")), isHarmless: true },
      /target: POST .* is nothing that orders-drill opens/,
    ],
  ])("%s is refused before anything is sent", (_, changes, says) => {
    expect(() => prepared(changes)).toThrow(says);
  });
});

/** What each case would send to a gateway, as it is said. */
async function sentTo(changes: Changes): Promise<readonly CallSpec[]> {
  const setting = { prepared: prepared(changes), players: players(), isDry: true, onCall: () => {} };
  const [gateway] = setting.prepared.gateways;
  if (gateway === undefined) throw new Error("there is a gateway");
  const { stage } = makeStage(gateway, setting);
  const sent: CallSpec[] = [];
  const send: typeof stage.send = (spec) => {
    sent.push(spec);
    return stage.send(spec);
  };
  for (const one of cases.filter(({ where }) => where === "fleet")) await one.play({ ...stage, send });
  return sent;
}
/** Also where a header asks for another one, and an upstream follows it. */
const methodsOf = (sent: readonly CallSpec[]): ReadonlySet<string> =>
  new Set(
    sent.flatMap(({ method = "GET", headers = {} }) => [
      method,
      ...Object.entries(headers).flatMap(([name, value]) => (/^x-.*method/.test(name) ? String(value) : [])),
    ]),
  );

describe("a method that writes", () => {
  it("is sent in no way to an upstream that is not said to be harmless", async () => {
    expect([...methodsOf(await sentTo({}))].sort()).toEqual(["GET", "HEAD", "OPTIONS"]);
  });

  it("is sent to one that is", async () => {
    expect([...methodsOf(await sentTo({ isHarmless: true }))].sort()).toEqual(["DELETE", "GET", "HEAD", "POST"]);
  });
});
