/** A drill's scope and another's: what is said to overlap has a request that both open, and what is said not to has none. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Detail, isPattern } from "../../control/trust/names.js";
import { commonPath, overlapOf } from "../../control/trust/overlap.js";
import { parseRoster } from "../../control/trust/roster.js";
import { judgeScope } from "../reference/scope.js";

const HOSTS = ["a.example", "b.example", "a.example:443", "a.example:8443"];
const METHODS = ["GET", "POST", "CONNECT"];
const SEGMENTS = ["a", "b", "any", "drill"];

/** Each path of up to five segments, with and without a slash at its end. */
const paths: readonly string[] = (() => {
  const all: string[] = ["/"];
  let level = [""];
  for (let depth = 0; depth < 5; depth++) {
    level = level.flatMap((path) => SEGMENTS.slice(0, depth < 3 ? 4 : 2).map((one) => `${path}/${one}`));
    all.push(...level, ...level.map((path) => `${path}/`));
  }
  return all;
})();

const pattern = fc
  .tuple(
    fc.array(fc.constantFrom("*", ...SEGMENTS.slice(0, 3)), { maxLength: 4 }),
    fc.constantFrom([], [""], ["**"], ["**"]),
  )
  .map(([middle, end]) => `/${[...middle, ...end].join("/")}`)
  .filter(isPattern);

const detail: fc.Arbitrary<Detail> = fc.record({
  type: fc.constant("break_glass_http" as const),
  locations: fc.uniqueArray(fc.constantFrom("*", ...HOSTS), { minLength: 1, maxLength: 2 }),
  actions: fc.uniqueArray(fc.constantFrom("*", ...METHODS), { minLength: 1, maxLength: 2 }),
  paths: fc.uniqueArray(pattern, { minLength: 1, maxLength: 2 }),
});

const opens = (one: Detail, method: string, host: string, path: string): boolean =>
  judgeScope([one], { method, host, path, isUpgrade: false }) === "allow";

describe("what two scopes open together", () => {
  it("patterns overlap exactly where a path fits both", () => {
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        const scope = (one: string): Detail => ({
          type: "break_glass_http",
          locations: ["*"],
          actions: ["*"],
          paths: [one],
        });
        const fits = (path: string): boolean => [a, b].every((one) => opens(scope(one), "GET", "h", path));
        const said = commonPath(a, b);
        if (said === undefined) expect(paths.filter(fits)).toEqual([]);
        else expect(fits(said), `${a} and ${b} at ${said}`).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("scopes overlap exactly where a request fits both, whichever comes first", () => {
    fc.assert(
      fc.property(detail, detail, (a, b) => {
        const said = overlapOf(a, b);
        expect(overlapOf(b, a) === undefined).toBe(said === undefined);
        if (said !== undefined) {
          const [, method = "", host = "", path = ""] = /^(\S+) ([^/]+)(\/.*)$/.exec(said) ?? [];
          expect([a, b].map((one) => opens(one, method, host, path))).toEqual([true, true]);
          return;
        }
        for (const method of [...METHODS, "PUT"])
          for (const host of [...HOSTS, "c.example"])
            for (const path of paths)
              if (opens(a, method, host, path) && opens(b, method, host, path))
                expect.unreachable(`${JSON.stringify([a, b])} both open ${method} ${host}${path}`);
      }),
      { numRuns: 60 },
    );
  });
});

const roster = (drill: string, real: string, isDrill = true): string => `lifetime: 90d
principals: []
entitlements:
  - id: orders-drill
    drill: ${isDrill}
    requesters: [oncall]
    reasons: [drill]
    approvals: []
    max_ttl: 15m
    authorization_details:
      - { type: break_glass_http, locations: [other.example.com], actions: [DELETE], paths: [/x] }
      - ${drill}
  - id: orders
    requesters: [oncall]
    reasons: [outage]
    approvals: []
    max_ttl: 15m
    authorization_details:
      - ${real}
`;
const scope = (locations: string, actions: string, path: string): string =>
  `{ type: break_glass_http, locations: [${locations}], actions: [${actions}], paths: [${path}] }`;

describe("a roster whose drill overlaps another entitlement", () => {
  it.each([
    ["api.example.com", "GET", "/orders/drill", "api.example.com", "GET, POST", "/orders/*"],
    ["api.example.com", "GET", "/drill/orders", '"*"', "GET", "/**"],
    ["api.example.com:443", '"*"', "/drill/**", "api.example.com", "POST", "/*/orders/7"],
    ['"*"', "GET", "/drill/*", "api.example.com", '"*"', "/drill/orders"],
    ["api.example.com", "HEAD", "/drill", "api.example.com", "HEAD", "/drill/**"],
  ])("%s %s %s and %s %s %s is refused with both and the request", (...all) => {
    const [host, method, path, otherHost, otherMethod, otherPath] = all;
    const text = roster(scope(host, method, path), scope(otherHost, otherMethod, otherPath));
    expect(() => parseRoster(text, "roster.yaml")).toThrow(
      /^roster\.yaml:12:9: entitlements\[0\]\.authorization_details\[1\]: of the drill orders-drill overlaps orders: both open [A-Z]+ \S+\/\S+\. Give drills a place/,
    );
    expect(() =>
      parseRoster(roster(scope(host, method, path), scope(otherHost, otherMethod, otherPath), false), "r"),
    ).not.toThrow();
  });

  it.each([
    ["api.example.com", "GET", "/drill/orders", "api.example.com", "GET, POST", "/orders/*"],
    ["api.example.com", "GET", "/orders/7", "api.example.com:8443", "GET", "/orders/*"],
    ["api.example.com", "HEAD", "/orders/7", "api.example.com", "GET", "/orders/*"],
    ["api.example.com", "GET", "/orders/", "api.example.com", "GET", "/orders/*"],
    ["api.example.com", "GET", "/orders/7/x", "api.example.com", "GET", "/orders/*"],
    ["api.example.com", "GET", "/orders", "api.example.com", "GET", "/orders/*/**"],
  ])("%s %s %s beside %s %s %s is read", (...all) => {
    const [host, method, path, otherHost, otherMethod, otherPath] = all;
    expect(() =>
      parseRoster(roster(scope(host, method, path), scope(otherHost, otherMethod, otherPath)), "r"),
    ).not.toThrow();
  });
});
