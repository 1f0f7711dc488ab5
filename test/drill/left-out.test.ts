/** What a drill file leaves out, opens or accepts stands in the report: a green one says of what it is not. */
import { describe, expect, it } from "vitest";
import { judgeFindings } from "../../control/drill/configuration.js";
import { judgeMeant } from "../../control/drill/facts.js";
import { parseDrill } from "../../control/drill/file.js";
import { placesIn } from "../../control/drill/kong.js";
import { leftOut, unlimited } from "../../control/drill/left-out.js";
import { measuresOf } from "../../control/drill/measures.js";
import { play } from "../../control/drill/play.js";
import { routesOf, runningRoutes } from "../../control/drill/routes.js";
import { Entities } from "../../control/gateway/kong/entities.js";
import { Findings } from "../../control/gateway/verify/findings.js";
import { load } from "../../control/gateway/verify/load.js";
import { players, prepared } from "./prepared.js";

const file = (gateway: string, more = ""): string => `name: quarterly
every: 90d
people: { requester: rita, approvers: [adam] }
entitlement: orders-drill
gateways: [{ id: gateway-5, url: "http://127.0.0.1:1", ${gateway} }]
${more}`;
const whole = `ledger: { at: ledger/, key: ledger.vkey }
expects: { max_ttl: 300, opens: [{ locations: [api.example.com], actions: [GET], paths: [/drill/orders] }] }
`;
const told = (gateway: string, more?: string) =>
  leftOut(parseDrill(file(gateway, more), "drill.yaml")).map(({ member, what }) => `${member}: ${what}`);

describe("a drill file", () => {
  it("that leaves nothing out says nothing", () => {
    expect(told("config: gateway.yaml", whole)).toEqual([]);
  });

  it.each<[leaves: string, gateway: string, more: string, says: readonly string[]]>([
    [
      "accepts findings",
      'config: gateway.yaml, accept: ["jwt-open:/orders@api", other]',
      whole,
      ["accept: gateway-5: the finding jwt-open:/orders@api", "accept: gateway-5: the finding other"],
    ],
    [
      "names no file of a gateway",
      'admin: "127.0.0.1:1"',
      whole,
      ["config: gateway-5: whether it runs what its file says"],
    ],
    ["names no ledger", "config: gateway.yaml", whole.replace(/^ledger.*\n/, ""), ["ledger: that the records stay"]],
    [
      "expects nothing",
      "config: gateway.yaml",
      whole.replace(/^expects.*$/m, ""),
      [
        "expects: whether the entitlement opens more than it is meant to",
        "expects: whether the entitlement's grants live longer than they are meant to",
      ],
    ],
    [
      "expects half of it",
      "config: gateway.yaml",
      whole.replace(/, opens.*\]/, ""),
      ["expects: whether the entitlement opens more than it is meant to"],
    ],
  ])("that %s says so", (_, gateway, more, says) => {
    expect(told(gateway, more)).toEqual(says);
  });

  it("that skips a case says so, and all of it is in what is played", async () => {
    const setting = { prepared: prepared(), players: players(), isDry: true, onCall: () => {} };
    const { notProbed } = await play(setting, { skip: ["no-credential"], only: undefined });
    expect(notProbed.filter(({ member }) => member !== undefined).map(({ member, what }) => [member, what])).toEqual([
      ["cases.skip", "the case no-credential"],
      ["config", "gateway-1: whether it runs what its file says"],
      ["expects", "whether the entitlement opens more than it is meant to"],
      ["expects", "whether the entitlement's grants live longer than they are meant to"],
      ["ledger", "that the records stay"],
    ]);
  });

  it("that expects anything says what", () => {
    const more = 'expects: { max_ttl: 1h, opens: [{ locations: ["*"], actions: ["*"], paths: ["/**"] }] }\n';
    const [assertion] = judgeMeant(prepared({ more }));
    expect(assertion).toMatchObject({ ok: true, expected: "what the drill file expects: * * /**, for 1 hour" });
  });

  it("without a limit says what may take as long as it likes", () => {
    const samples = [
      { name: "grant" as const, ms: 80 },
      { name: "quorum" as const, ms: 60 },
    ];
    expect(unlimited(measuresOf(samples, { grant: 10 }))).toEqual([
      {
        what: "how long it may take from the ask to the quorum",
        why: "the drill file has no `limits` of it",
        member: "limits",
      },
    ]);
    expect(unlimited(measuresOf(samples, { grant: 10, quorum: 10 }))).toEqual([]);
  });
});

describe("a route that the drill file leaves open is told, and not looked at", () => {
  const open = (name: string) => ({
    what: `the route ${name}`,
    why: "the drill file says that anybody may reach it (`open`)",
    member: "open",
  });
  const virtual = {
    virtual_hosts: [{ domains: ["*"], routes: [{ match: { prefix: "/" } }, { match: { path: "/orders" } }] }],
  };
  const usual = "api.example.com";

  it("of a gateway's file, and of what it runs", () => {
    const expected = {
      routes: [expect.objectContaining({ path: "/" })],
      notProbed: [open("api.example.com/orders")],
    };
    expect(routesOf(JSON.stringify({ static_resources: virtual }), usual, ["/orders"])).toEqual(expected);
    const dump = { configs: [{ static: virtual, dynamic_route_configs: [virtual] }] };
    expect(runningRoutes(dump, usual, ["/orders"])).toEqual({ fixed: expected, served: expected });
  });
});

it("a route of a Kong that the drill file leaves open is told as well", () => {
  const text = `_format_version: "3.0"
services:
  - name: api
    url: http://127.0.0.1:1
    routes: [{ name: open, paths: [/orders] }, { name: other, paths: [/] }]
`;
  const entities = new Entities(load(text, "kong.yaml").root, new Findings());
  expect(placesIn(entities, "api.example.com", ["/orders"])).toEqual({
    routes: [expect.objectContaining({ path: "/" })],
    notProbed: [expect.objectContaining({ what: "the route api.example.com/orders", member: "open" })],
  });
});

describe("a finding of the configuration that the drill file accepts", () => {
  const finding = {
    level: "danger",
    name: "jwt-open:/orders@api",
    message: "nobody is asked",
    mend: "ask",
    line: 1,
  } as const;
  const [gateway] = prepared().gateways;
  if (gateway === undefined) throw new Error("there is a gateway");

  it("is named where all else is well", () => {
    const [accepted] = judgeFindings({ ...gateway, accept: [finding.name] }, [finding], ["its certificate"]);
    expect(accepted).toMatchObject({
      ok: true,
      seen: "so it is, but for what the drill file accepts: jwt-open:/orders@api (danger: nobody is asked); not checked: its certificate",
    });
    expect(judgeFindings(gateway, [finding], [])).toMatchObject([{ ok: false }]);
    expect(judgeFindings(gateway, [], [])).toMatchObject([{ ok: true, seen: "so it is" }]);
  });
});
