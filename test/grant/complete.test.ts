/** "Complete" against the filter itself, request by request and second by second, for bundles and asks of any kind. */
import fc from "fast-check";
import { expect, it, vi } from "vitest";
import { readClaims } from "../../control/grant/ask.js";
import { judgeAhead } from "../../control/grant/judge.js";
import { FilterHost } from "../../control/host/host.js";
import { publicKeySchema } from "../../control/signer/jwk.js";
import { bundleClaimsSchema } from "../../control/trust/claims.js";
import { type Json, World } from "../kit/world.js";

// Many runs of the filter: generous, for machines that are busy or slow.
vi.setConfig({ testTimeout: 240_000 });

const NOW = 1_800_000_000;
const RUNS = Number(process.env.GLASSGATE_TEST_RUNS ?? 20);
const world = new World(NOW);
const roots = world.roots.map(({ jwk }) => publicKeySchema.parse(jwk));

const METHODS = ["GET", "POST", "CONNECT"];
const HOSTS = ["a.example", "a.example:443", "b.example:8443", "a.example."];
const PATTERNS = ["/", "/a", "/a/", "/*", "/*/", "/**", "/a/*", "/*/a", "/a/**", "/*/**", "/a/a/**", "/*/*"];
const some = (values: readonly string[]) => fc.subarray([...values], { minLength: 1, maxLength: 3 });
const scope = (methods: readonly string[], hosts: readonly string[]) =>
  fc
    .record({ actions: some(methods), locations: some(hosts), paths: some(PATTERNS) })
    .map((detail): Json => ({ type: "break_glass_http", ...detail }));
const window = fc
  .record(
    {
      nbf: fc.constantFrom(NOW - 50, NOW, NOW + 1, NOW + 200),
      exp: fc.constantFrom(NOW, NOW + 1, NOW + 100, NOW + 300, NOW + 9000),
    },
    { requiredKeys: [] },
  )
  .filter(({ nbf = 0, exp = Number.POSITIVE_INFINITY }) => nbf < exp); // Others are in no bundle.
/** Mostly without limits, so that most cases get as far as the scope. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>, usual: T) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary });

const someCase = fc.record({
  allowed: fc.array(scope([...METHODS, "*"], [...HOSTS, "*"]), { minLength: 1, maxLength: 3 }),
  asked: fc.array(scope(METHODS, HOSTS), { minLength: 1, maxLength: 2 }),
  windows: fc.array(rarely(window, {}), { minLength: 5, maxLength: 5 }),
  bundleEnd: rarely(fc.constantFrom(NOW, NOW + 1, NOW + 150), NOW + 86_400),
  iat: rarely(fc.constantFrom(NOW - 605, NOW + 4, NOW + 5, NOW + 6, NOW + 40), NOW - 30),
  ttl: rarely(fc.constantFrom(30, 31, 900, 901), 600),
  approvedAt: fc.array(rarely(fc.constantFrom(NOW - 60, NOW - 35, NOW - 36, NOW + 5, NOW + 6, NOW + 700), NOW - 10), {
    minLength: 2,
    maxLength: 2,
  }),
  approvers: rarely(fc.constantFrom("one", "self", "none"), "two"),
});
type Case = typeof someCase extends fc.Arbitrary<infer T> ? T : never;

/** Every path of up to three segments, one of them a name that no pattern has. */
const paths = (() => {
  const all = ["/"];
  for (let level = [""], depth = 1; depth <= 3; depth++) {
    level = level.flatMap((before) => [`${before}/a`, `${before}/nowhere`]);
    all.push(...level.flatMap((path) => [path, `${path}/`]));
  }
  return all;
})();

function make({ allowed, asked, windows, bundleEnd, iat, ttl, approvedAt, approvers }: Case) {
  const [ritaKey, adamKey, annaRole, adamRole, ritaRole] = windows;
  const { rita, adam, anna, ritaAdmin } = world;
  const bundle = world.bundleClaims({
    exp: bundleEnd,
    principals: [
      { id: "rita", roles: [{ role: "oncall", ...ritaRole }], keys: [{ ...rita.jwk, ...ritaKey }] },
      { id: "rita-admin", person: "rita", roles: ["security"], keys: [ritaAdmin.jwk] },
      { id: "adam", roles: [{ role: "lead", ...adamRole }], keys: [{ ...adam.jwk, ...adamKey }] },
      { id: "anna", roles: [{ role: "security", ...annaRole }], keys: [anna.jwk] },
    ],
    entitlements: [world.entitlement("repair", { authorization_details: allowed })],
  });
  const by = { two: [adam, anna], one: [anna], self: [adam, ritaAdmin], none: [] }[approvers] ?? [];
  const grant = world.grant({
    claims: { iat, exp: iat + ttl, authorization_details: asked },
    approvals: by.map((signer, i) => ({ by: signer, iat: approvedAt[i] ?? NOW })),
  });
  return { bundle, grant };
}

/** The filter's own verdicts on all requests inside the grant's scope, at that second. */
async function gateway(pinned: string, grant: string) {
  const clock = { seconds: NOW };
  const host = await FilterHost.load({ clock: () => clock.seconds * 1000 });
  const configuration = { generation: 1, audience: "test", roots, threshold: 2, bundle: pinned };
  expect(host.configure(JSON.stringify(configuration))).toMatchObject({ accepted: true });
  const verdict = (method: string, authority: string, path: string, upgrade: boolean): string =>
    host
      .request({
        headers: [
          [":method", method],
          [":path", path],
          [":authority", authority],
          ...(upgrade ? [["upgrade", "websocket"] as const] : []),
          ["x-break-glass", grant],
        ],
      })
      .filterState.get("wasm.glassgate.verdict") ?? "none";
  return (seconds: number): Set<string> => {
    clock.seconds = seconds;
    const verdicts = new Set<string>();
    for (const method of METHODS)
      for (const authority of HOSTS)
        for (const path of paths)
          for (const upgrade of method === "CONNECT" ? [false] : [false, true]) {
            const one = verdict(method, authority, path, upgrade);
            if (!/^scope_/.test(one)) verdicts.add(one);
            // Anything but the scope is judged before the request is looked at: the same for all.
            if (one !== "allow" && !/scope/.test(one)) return verdicts;
          }
    return verdicts;
  };
}

it("is said exactly where every request of the scope is allowed, and for as long", async () => {
  await fc.assert(
    fc.asyncProperty(someCase, async (spec) => {
      const { bundle, grant } = make(spec);
      const [ask = "", ...approvals] = grant.split("~");
      const claims = await readClaims(grant, "The grant");
      const pinned = world.bundle(bundle);
      const anchors = { audience: "test", threshold: 2, roots };
      const people = { ask, requesterKid: world.rita.kid, approvals, ownKids: [], otherKids: [] };
      const { denial, ends } = await judgeAhead(
        { anchors, pinned, bundle: bundleClaimsSchema.parse(bundle), now: NOW, ...people },
        claims,
      );
      const at = await gateway(pinned, grant);
      if (denial !== undefined) {
        expect([...at(NOW)]).toContain(denial.verdict);
        return;
      }
      expect([...at(NOW)]).toEqual(["allow"]);
      const last = ends?.at ?? claims.exp;
      expect([...at(last - 1)]).toEqual(["allow"]);
      expect([...at(last)]).toEqual([ends?.verdict ?? "expired"]);
    }),
    { numRuns: RUNS },
  );
});
