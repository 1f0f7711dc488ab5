/**
 * Whatever a client sends, the build for Kong on the Node host as Kong neither traps nor hangs, and the key of the upstream goes along
 * only where the reference allows, with nothing beside it that the upstream would take for the gateway's word.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Header } from "../../control/host/host.js";
import { linesOf } from "../kit/headers.js";
import { World } from "../kit/world.js";
import { referenceDecision } from "../reference/decide.js";
import { STRIPPED } from "./checks.js";
import { asKong, kongGateway, UPSTREAM_HEADER } from "./kong-gateway.js";

const world = new World(Math.floor(Date.now() / 1000));
const MAX_HEADERS = 96;
const GRANT = "x-break-glass";
const GUARDED = [GRANT, "x-break-glass-grant", UPSTREAM_HEADER.name, ...STRIPPED];

/** In some case. */
const spelt = (names: readonly string[]): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom(...names), fc.nat(2)).map(([name, way]) => {
    if (way === 0) return name;
    return way === 1 ? name.toUpperCase() : name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
  });
const value = fc.oneof(
  fc.constantFrom("", "a", "Bearer a", UPSTREAM_HEADER.value, 'sub="admin"', "x".repeat(300)),
  fc.string({ maxLength: 20 }).map((text) => text.replaceAll(/[^ -~]/g, "")),
);
const guarded: fc.Arbitrary<Header> = fc.tuple(spelt(GUARDED.filter((name) => name !== GRANT)), value);
const plain: fc.Arbitrary<Header> = fc.tuple(
  spelt(["accept", "x-a", "cookie", "connection", "te", "x-forwarded-for", "upgrade", "x_under"]),
  value,
);
const path = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("/orders/7", "/orders/8?x=%zz", "/orders/7?next=/../") },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.constantFrom("/", "orders", "7", "..", ".", "%2f", "%2e", "%41", "%c3%a9", "?", "#", ";", "%", "\\"), {
        maxLength: 7,
      })
      .map((pieces) => `/orders/${pieces.join("")}`),
  },
);

it("any request", async () => {
  const { host } = await kongGateway();
  const configuration = asKong(world.configuration());
  expect(host.configure(configuration).accepted).toBe(true);
  const grants = [world.grant(), world.alone(), world.alone({ by: world.stranger }), "garbage", ""];
  let allowed = 0;
  const request = fc.record({
    grants: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...grants).map((grant) => [grant]) },
      { weight: 1, arbitrary: fc.array(fc.constantFrom(...grants), { maxLength: 3 }) },
    ),
    method: fc.constantFrom("GET", "GET", "POST", "DELETE", "CONNECT"),
    authority: fc.constantFrom("api.example.com", "api.example.com", "API.example.com:443", "kong:8000", "other"),
    path,
    guarded: fc.array(guarded, { maxLength: 3 }),
    plain: fc.array(plain, { maxLength: 3 }),
    more: fc.constantFrom(0, 0, 0, 80, 92, 95, 110),
    isGrantLast: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(request, async (given) => {
      const grantLines = given.grants.map((grant): Header => ["X-Break-Glass", grant]);
      const others: Header[] = [
        ...given.guarded,
        ...given.plain,
        ...Array.from({ length: given.more }, (_, i): Header => [`h-${i}`, "v"]),
      ];
      const lines = given.isGrantLast ? [...others, ...grantLines] : [...grantLines, ...others];
      const outcome = host.request({
        headers: [[":method", given.method], [":path", given.path], ["Host", given.authority], ...lines],
        sourceAddress: "127.0.0.1:50000",
      });
      expect(["reply", "continue"]).toContain(outcome.kind);
      expect(outcome.reply?.status).not.toBe(500);
      const sent = (name: string): string[] => linesOf(outcome.headers, name);
      if (outcome.kind === "reply") return;
      allowed += 1;
      expect(outcome.said.get("verdict")).toBe("allow");
      expect(sent(UPSTREAM_HEADER.name)).toEqual([UPSTREAM_HEADER.value]);
      for (const name of [GRANT, ...STRIPPED]) expect(sent(name).join(""), name).toBe("");
      expect(sent("x-break-glass-grant")).toEqual([expect.stringMatching(/^jti="/)]);
      expect(lines.length + 1).toBeLessThanOrEqual(MAX_HEADERS);
      const { method, authority, path: target } = given;
      const isUpgrade = lines.some(([name]) => name.toLowerCase() === "upgrade");
      const reference = await referenceDecision({
        configuration,
        grants: given.grants,
        request: { method, host: authority, path: target, isUpgrade },
        now: Math.floor(Date.now() / 1000),
      });
      expect(reference).toBe("allow");
    }),
    { numRuns: 1_500 },
  );
  expect(allowed).toBeGreaterThan(50);
});
