/** A grant that was accepted before is judged again in full, but for its signatures; and it belongs to one bundle. */
import { expect, it } from "vitest";
import { z } from "zod";
import { readAuditLines } from "../../control/base/audit.js";
import { FilterHost } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { World } from "../kit/world.js";

const record = z.looseObject({ verdict: z.string(), cached: z.boolean().optional(), bundle: z.number() });
const start = Math.floor(Date.now() / 1000);

async function setUp() {
  const world = new World(start);
  const clock = { seconds: start };
  const host = await FilterHost.load({ clock: () => clock.seconds * 1000 });
  const ask = (grant: string, path?: string) => {
    const outcome = host.request({ headers: headersOf([grant], path) });
    return record.parse(JSON.parse(readAuditLines(outcome.filterState.get("wasm.glassgate.audit") ?? "").record));
  };
  return { world, clock, host, ask };
}

it("expires: exactly at exp, cached or not", async () => {
  const { world, clock, host, ask } = await setUp();
  host.configure(world.configuration());
  const grant = world.grant();
  expect(ask(grant)).toMatchObject({ verdict: "allow", cached: false });
  clock.seconds = start + 599;
  expect(ask(grant)).toMatchObject({ verdict: "allow", cached: true });
  clock.seconds = start + 600;
  expect(ask(grant)).toMatchObject({ verdict: "expired", cached: true });
});

it("names its approvers on record whatever ends it, and says where one key was enough", async () => {
  const { world, clock, host, ask } = await setUp();
  host.configure(world.configuration());
  const both = [{ sub: "adam" }, { sub: "anna" }];
  const grant = world.grant({ claims: { jti: "taken-back-later-1" } });
  const alone = world.alone();
  expect(ask(grant)).toMatchObject({ verdict: "allow", approvers: both });
  expect(ask(alone)).toMatchObject({ verdict: "allow", single_key: true });
  clock.seconds = start + 600;
  expect(ask(grant)).toMatchObject({ verdict: "expired", cached: true, approvers: both });
  expect(ask(alone)).toMatchObject({ verdict: "expired", cached: true, approvers: [], single_key: true });
  // Of one that was never accepted nobody's signature is known to hold.
  expect(ask(world.grant())).toMatchObject({ verdict: "expired" });
  expect(ask(world.grant()).approvers).toBeUndefined();
  const long = world.grant({
    claims: { iat: start + 4990, exp: start + 5500 },
    approvals: [world.adam, world.anna].map((by) => ({ by, iat: start + 4995 })),
  });
  clock.seconds = start + 4998;
  expect(ask(long)).toMatchObject({ verdict: "allow", approvers: both });
  clock.seconds = start + 5000;
  expect(ask(long)).toMatchObject({ verdict: "key_not_valid", cached: true, approvers: both });
});

it("ends with its bundle, with a key's window, with a role", async () => {
  const { world, clock, host, ask } = await setUp();
  host.configure(world.configuration({ bundle: world.bundleClaims({ exp: start + 100 }) }));
  const grant = world.grant();
  const short = world.grant({ claims: { exp: start + 100 } });
  expect(ask(grant).verdict).toBe("allow");
  expect(ask(short).verdict).toBe("allow");
  clock.seconds = start + 100;
  expect(ask(grant)).toMatchObject({
    verdict: "bundle_expired",
    cached: true,
    approvers: [{ sub: "adam" }, { sub: "anna" }],
  });
  // Its own time comes first.
  expect(ask(short)).toMatchObject({ verdict: "expired", cached: true });

  clock.seconds = start;
  const claims = world.bundleClaims();
  const change = (id: string, more: Record<string, unknown>) => ({
    ...claims,
    version: Number(claims.version) + (id === "adam" ? 1 : 2),
    principals: Array.isArray(claims.principals)
      ? claims.principals.map((entry) => (Object(entry).id === id ? { ...entry, ...more } : entry))
      : [],
  });
  host.configure(world.configuration({ bundle: change("adam", { keys: [{ ...world.adam.jwk, exp: start + 50 }] }) }));
  expect(ask(grant).verdict).toBe("allow");
  clock.seconds = start + 50;
  expect(ask(grant)).toMatchObject({ verdict: "key_not_valid", cached: true });

  clock.seconds = start;
  host.configure(world.configuration({ bundle: change("anna", { roles: [{ role: "security", exp: start + 70 }] }) }));
  expect(ask(grant).verdict).toBe("allow");
  clock.seconds = start + 70;
  const approvers = [{ sub: "adam" }, { sub: "anna" }];
  expect(ask(grant)).toMatchObject({ verdict: "quorum", cached: true, approvers });
});

it("belongs to one bundle: after a rotation it is verified anew", async () => {
  const { world, host, ask } = await setUp();
  const grant = world.grant();
  for (let round = 0; round < 3; round++) {
    expect(host.configure(world.configuration()).reason).toBeUndefined();
    expect(ask(grant)).toMatchObject({ verdict: "allow", cached: false });
    expect(ask(grant)).toMatchObject({ verdict: "allow", cached: true });
  }
});

it("only accepted grants enter: denied ones neither fill nor evict", async () => {
  const { world, host, ask } = await setUp();
  host.configure(world.configuration());
  const grant = world.alone();
  expect(ask(grant)).toMatchObject({ verdict: "allow", cached: false });
  const outOfScope = world.alone();
  for (let i = 0; i < 3; i++) expect(ask(outOfScope, "/x")).toMatchObject({ verdict: "scope_path", cached: false });
  const forged = world.alone({ by: world.stranger, header: { kid: world.rita.kid } });
  for (let i = 0; i < 90; i++) ask(forged.slice(0, -8) + String(i).padStart(7, "A") + forged.slice(-1));
  expect(ask(grant)).toMatchObject({ verdict: "allow", cached: true });
});

it("stays its own requester's, whoever sends a grant in between", async () => {
  const { world, host, ask } = await setUp();
  host.configure(world.configuration());
  const grant = world.alone();
  for (let round = 0; round < 2; round++) {
    expect(ask(grant)).toMatchObject({ verdict: "allow", cached: round > 0 });
    expect(ask(world.alone({ by: world.stranger }))).toMatchObject({ verdict: "key_unknown" });
    expect(ask(grant)).toMatchObject({ verdict: "allow", cached: true });
    expect(ask(world.alone({ by: world.rita2, claims: { sub: "adam" } }))).toMatchObject({ verdict: "key_owner" });
  }
});

it("is bounded: the least recently used one makes room", async () => {
  const { world, host, ask } = await setUp();
  host.configure(world.configuration());
  const kept = world.alone();
  const others = Array.from({ length: 70 }, () => world.alone());
  ask(kept);
  for (const other of others) {
    expect(ask(other)).toMatchObject({ verdict: "allow", cached: false });
    expect(ask(kept)).toMatchObject({ verdict: "allow", cached: true });
  }
  expect(ask(others[0] ?? "")).toMatchObject({ verdict: "allow", cached: false });
  expect(ask(others.at(-1) ?? "")).toMatchObject({ verdict: "allow", cached: true });
});
