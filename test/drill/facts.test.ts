/** What is looked at without a request: what the drill's entitlement opens beyond what the file expects, and the routes that run. */
import { describe, expect, it } from "vitest";
import { bundleEndWords, judgeMeant, lookAtAll } from "../../control/drill/facts.js";
import { findingOf } from "../../control/drill/findings.js";
import { everyDays } from "../../control/drill/init-text.js";
import { runningRoutes } from "../../control/drill/routes.js";
import { type Changes, prepared } from "./prepared.js";

const detail = (actions: string[], paths: string[], location = "api.example.com") => ({
  ...{ type: "break_glass_http" as const, locations: [location], actions, paths },
});
const expecting = (paths: string, actions = "[GET]", ttl = "300"): string =>
  `expects: { max_ttl: ${ttl}, opens: [{ locations: [api.example.com], actions: ${actions}, paths: ${paths} }] }\n`;
/** What it finds, and undefined where all is as it should be. */
function found(changes: Changes): string | undefined {
  const [assertion, ...more] = judgeMeant(prepared(changes));
  expect(more).toEqual([]);
  expect(assertion).toMatchObject({ case: "gateway-state", gateway: "the trust bundle", calls: [] });
  expect(assertion?.ok).toBe(assertion?.finding === undefined);
  return assertion?.finding;
}

describe("an entitlement that opens", () => {
  it("what nobody has written down is judged by nobody", () => {
    expect(judgeMeant(prepared())).toEqual([]);
  });

  it.each<[opens: string, as: readonly ReturnType<typeof detail>[], expects: string]>([
    ["the very same", [detail(["GET"], ["/drill/orders"])], expecting("[/drill/orders]")],
    ["a path under the meant pattern", [detail(["GET"], ["/drill/orders"])], expecting('["/drill/*"]')],
    ["a narrower pattern", [detail(["GET"], ["/drill/*/items"])], expecting('["/drill/**"]')],
    ["a pattern as wide", [detail(["GET"], ["/drill/**"])], expecting('["/drill/**"]')],
    ["one action of any", [detail(["GET"], ["/drill/orders"])], expecting("[/drill/orders]", '["*"]')],
  ])("%s is as expected", (_, authorization_details, more) => {
    expect(found({ entitlement: { authorization_details: [...authorization_details] }, more })).toBeUndefined();
  });

  it.each<[opens: string, as: readonly ReturnType<typeof detail>[], expects: string, says: string]>([
    ["another path", [detail(["GET"], ["/drill/orders", "/orders"])], "[/drill/orders]", "GET api.example.com/orders"],
    [
      "another action",
      [detail(["GET", "POST"], ["/drill/orders"])],
      "[/drill/orders]",
      "POST api.example.com/drill/orders",
    ],
    ["any action", [detail(["*"], ["/drill/orders"])], "[/drill/orders]", "* api.example.com/drill/orders"],
    [
      "another host",
      [detail(["GET"], ["/drill/orders"], "eu.example.com")],
      "[/drill/orders]",
      "GET eu.example.com/drill/orders",
    ],
    ["a segment in place of a name", [detail(["GET"], ["/drill/*"])], "[/drill/orders]", "GET api.example.com/drill/*"],
    ["any depth in place of one", [detail(["GET"], ["/drill/**"])], '["/drill/*"]', "GET api.example.com/drill/**"],
    [
      "a second part",
      [detail(["GET"], ["/drill/orders"]), detail(["DELETE"], ["/orders/*"])],
      "[/drill/orders]",
      "DELETE api.example.com/orders/*",
    ],
  ])("%s is found, and named alone", (_, authorization_details, paths, says) => {
    expect(found({ entitlement: { authorization_details: [...authorization_details] }, more: expecting(paths) })).toBe(
      `The entitlement orders-drill of the trust bundle opens more than the drill file expects: ${says}. Narrow it in the roster, or run \`glassgate drill init\` again where it is meant.`,
    );
  });

  it("for longer, or after a longer wait, is found", () => {
    const more = expecting("[/drill/orders]");
    expect(found({ entitlement: { max_ttl: 600 }, more })).toContain("expects: 10 minutes in place of 5 minutes. ");
    expect(found({ entitlement: { max_ttl: 200 }, more })).toBeUndefined();
  });
});

describe("a trust bundle that ends", () => {
  const day = 86_400;
  const { bundle, source, ...rest } = prepared();
  /** A plan by a bundle that holds for so long. */
  const holding = (days: number, every: number): ReturnType<typeof prepared> => {
    const drill = { ...source.drill, every: every * day };
    return { ...rest, bundle: { ...bundle, iat: bundle.exp - days * day }, source: { ...source, drill } };
  };
  const plan = holding(100, 90);
  const left = (seconds: number) => bundleEndWords(plan, plan.bundle.exp - seconds);
  it("soon, or before the next drill, is told with the next step", () => {
    expect(left(13 * day)).toMatch(/version 7\) ends in 13 days, on .*: from then on no grant opens.*bundle build/);
    expect(left(80 * day)).toMatch(/, before the next drill is due: /);
    expect(left(89.9 * day)).toContain("ends in 89 days, on ");
    expect(left(91 * day)).toBeUndefined();
    expect(left(-1)).toContain("has ended: ");
    const often = { ...plan, source: { ...plan.source, drill: { ...plan.source.drill, every: day } } };
    expect(bundleEndWords(often, plan.bundle.exp - 15 * day)).toBeUndefined();
    expect(bundleEndWords(often, plan.bundle.exp - 13 * day)).toMatch(/ends in 13 days, on [^,]*: /);
  });

  it("is no warning that a new bundle would not end: never on the first drill of what `drill init` writes", () => {
    expect(everyDays({ iat: 0, exp: 90 * day })).toBe(80);
    for (let days = 1; days <= 400; days++) {
      const made = holding(days, everyDays({ iat: 0, exp: days * day }));
      expect(bundleEndWords(made, made.bundle.iat + 7200), `${days}d`).toBeUndefined();
      const longer = holding(days, 400);
      expect(bundleEndWords(longer, longer.bundle.iat + 7200), `${days}d`).toBeUndefined();
    }
    const short = holding(6, 90);
    expect(bundleEndWords(short, short.bundle.exp - day)).toContain("ends in 1 day, on ");
  });
});

it("an answer to HEAD that is nobody's on record is not called unjudged: nothing in it could say whose it is", () => {
  const seen = { status: 401, code: undefined, requestId: "r", reached: false, upstream: undefined };
  const call = {
    ...{ gateway: "gateway-1", method: "HEAD", host: "api.example.com", path: "/a", isPresented: true, jti: undefined },
    ...{ at: 0, seen: { ...seen, endedAfterMs: undefined, error: undefined, ms: 0 } },
  };
  const outcome = {
    what: "a forged grant",
    expected: { kind: "verdict" as const, verdict: "signature" as const },
    call,
  };
  const [gateway] = prepared().gateways;
  if (gateway === undefined) throw new Error("there is a gateway");
  expect(findingOf("unjudged", outcome, gateway, undefined)).toMatch(
    /cannot be known: an answer to HEAD has no body.*`method: GET`/,
  );
  const get = { ...outcome, call: { ...call, method: "GET" } };
  expect(findingOf("unjudged", get, gateway, undefined)).toContain("did not judge");
});

describe("gateways whose admin interfaces are away", () => {
  it("are named at once, before anything is sent", async () => {
    await expect(lookAtAll(prepared({ gateways: 2 }))).rejects.toMatchObject({
      ...{ exitCode: 2, message: expect.stringMatching(/^gateway-1: .*\ngateway-2: /) },
      hint: expect.stringContaining("take that gateway out of the drill file"),
    });
  });
});

describe("the routes that run", () => {
  const virtual = (...paths: string[]) => ({
    virtual_hosts: [{ domains: ["*"], routes: paths.map((prefix) => ({ match: { prefix } })) }],
  });
  const listener = (...paths: string[]) => ({ listener: { filter_chains: [{ route_config: virtual(...paths) }] } });

  it("are those of all listeners, and those that are served apart", () => {
    const dump = {
      configs: [
        { static_listeners: [listener("/", "/open")], dynamic_listeners: [{ active_state: listener("/later") }] },
        { static_route_configs: [{ route_config: virtual("/") }] },
        { dynamic_route_configs: [{ route_config: virtual("/served") }] },
      ],
    };
    const { fixed, served } = runningRoutes(dump, "api.example.com", ["/open"]);
    expect(fixed.routes.map(({ path }) => path)).toEqual(["/", "/"]);
    expect(served.routes.map(({ host, path }) => host + path)).toEqual([
      "api.example.com/later",
      "api.example.com/served",
    ]);
  });

  it("of what is no dump are none", () => {
    for (const dump of [undefined, null, [], "x", { configs: {} }])
      expect(runningRoutes(dump, "api.example.com", [])).toEqual({
        fixed: { routes: [], notProbed: [] },
        served: { routes: [], notProbed: [] },
      });
  });
});
