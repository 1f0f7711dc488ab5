/** `glassgate ask`: nobody is woken for what the gateway will deny, and those who can help are named. */
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { detail, entitlement, nowSeconds, Party } from "../kit/party.js";
import type { Ran } from "./run.js";

// Many runs of the command or the filter: generous, for machines that are busy or slow.
vi.setConfig({ testTimeout: 240_000 });

let party: Party;
beforeAll(async () => {
  party = await Party.make();
});
afterAll(() => party.end());

/** Opens no key: whatever else is said was said before the key was needed. */
const NO_PASSPHRASE = { env: { GLASSGATE_PASSPHRASE: "wrong" } };
const ask = (
  more: readonly string[] = [],
  url = "https://api.example.com/orders/42",
  passphrase = true,
): Promise<Ran> =>
  party.run(
    [
      "ask",
      "POST",
      url,
      "--ent",
      "orders-repair",
      "--reason",
      "outage",
      "--text",
      "refund loop",
      "--key",
      "rita",
      ...more,
    ],
    passphrase ? {} : NO_PASSPHRASE,
  );

async function refused(ran: Promise<Ran>, what: RegExp, exitCode = 1): Promise<void> {
  const { code, stdout, stderr } = await ran;
  expect({ code, stdout }).toEqual({ code: exitCode, stdout: "" });
  expect(stderr).toMatch(what);
  expect(stderr).toMatch(/^next: /m);
}

it("names the people who can approve now, role by role", async () => {
  const now = nowSeconds();
  const [rita, ritaAdmin, adam, anna, alex] = party.principals();
  if (!rita || !ritaAdmin || !adam || !anna || !alex) throw new Error("the party is complete");
  const key = alex.keys[0];
  if (key === undefined) throw new Error("alex has a key");
  await party.pin({
    principals: [
      rita,
      ritaAdmin, // the requester's own person
      adam,
      { ...anna, roles: ["security", { role: "lead", exp: now - 10 }] }, // no lead any more
      { ...alex, keys: [{ ...key, exp: now - 10 }] }, // his key has ended
      { id: "gone", roles: ["lead", "security"], keys: [] },
    ],
  });
  const { code, stdout, stderr } = await ask();
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toMatch(/^ {2}1 of lead: adam$/m);
  expect(stderr).toMatch(/^ {2}1 of security: anna$/m);
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]{86}\n$/);
  await party.pin();
});

it("refuses what the gateway will deny, before the passphrase, and prints nothing", async () => {
  await refused(
    ask(["--also-path", "/admin"], undefined, false),
    /entitlement_scope: .*\(POST api\.example\.com\/admin\)/,
  );
  await refused(
    ask(["--also-method", "DELETE"], undefined, false),
    /entitlement_scope: .*DELETE api\.example\.com\/orders\/42/,
  );
  await refused(ask([], "https://other.example/orders/42", false), /entitlement_scope/);
  await refused(ask(["--ttl", "16m"], undefined, false), /ttl: .*16 minutes; at most 15 minutes/);
  await refused(ask(["--drill", "d-1"], undefined, false), /requester: .*not for drills/);
  await party.pin({ revoked: { sub: ["rita"] } });
  await refused(ask([], undefined, false), /revoked: .*rita is revoked/);
  await party.pin({ exp: nowSeconds() - 1 });
  await refused(ask([], undefined, false), /bundle_expired: .*the bundle holds from/);
  await party.pin({ revoked: { sub: ["anna"] } });
  await refused(ask([], undefined, false), /can never be completed now.*\n.*1 of security: nobody/s);
  await party.pin();
});

it("takes no life without a unit, and says by which option what cannot be was given", async () => {
  await refused(ask(["--ttl", "10"], undefined, false), /--ttl.*Write 90s, 15m, 2h or 30d/, 2);
  await refused(ask(["--text", "x".repeat(1001)], undefined, false), /cannot be made: --text: .*\nnext: /, 2);
});

it("warns where it will not stay so", async () => {
  const end = nowSeconds() + 300;
  await party.pin({ exp: end });
  const { code, stderr } = await ask();
  expect(code).toBe(0);
  expect(stderr).toMatch(/warning: from .* on, before it ends, the gateway will say bundle_expired/);
  await party.pin();
});

it("shows every method and path, and the words last, with their white space", async () => {
  await party.pin({
    entitlements: [entitlement({ authorization_details: [{ ...detail, actions: ["*"], paths: ["/**"] }] })],
  });
  const paths = Array.from({ length: 24 }, (_, i) => `/orders/${i}/status`);
  const more = [...paths, "/admin/keys"].flatMap((path) => ["--also-path", path]);
  const methods = ["HEAD", "PUT", "DELETE"].flatMap((method) => ["--also-method", method]);
  const words = "status of  some\nrequester    adam\u3164";
  const { code, stderr } = await ask([...more, ...methods, "--text", words]);
  expect(code).toBe(0);
  const lines = stderr.split("\n");
  for (const path of [...paths, "/admin/keys"]) expect(lines.filter((line) => line.trim() === path)).toHaveLength(1);
  expect(stderr).toMatch(/methods +POST, HEAD, PUT, DELETE$/m);
  expect(stderr).not.toMatch(/\d+ more|\.\.\. and/);
  expect(stderr).toContain("| status of \u00b7some\\n\n| requester \u00b7\u00b7\u00b7adam\\u{3164}\n");
  expect(stderr.indexOf("| status")).toBeGreaterThan(stderr.indexOf("/admin/keys"));
  await party.pin();
});
