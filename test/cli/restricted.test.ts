/** Grants that restrict themselves, and entitlements that demand it or give time: from the ask to the grant, by the command. */
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type AskInput, makeAsk } from "../../control/grant/make.js";
import { detail, entitlement, nowSeconds, Party } from "../kit/party.js";
import { inside } from "./inside.js";
import type { Ran } from "./run.js";

// Many runs of the command or the filter: generous, for machines that are busy or slow.
vi.setConfig({ testTimeout: 240_000 });

const THUMBPRINT = "z8ELsQ6ETOkgYXrbQZaIkw4CP1uxZWmdXqQJ16ULJ-s";

let party: Party;
beforeAll(async () => {
  party = await Party.make();
});
afterAll(() => party.end());

const URL_OF = "https://api.example.com/orders/42";
const WORDS = ["--ent", "orders-repair", "--reason", "outage", "--text", "refund loop", "--key", "rita"];
/** Within this process: there are dozens of them. */
const here = (...args: readonly string[]): Promise<Ran> => inside(args, { cwd: party.folder, env: party.env });
const ask = (...more: readonly string[]): Promise<Ran> => here("ask", "POST", URL_OF, ...WORDS, ...more);
const flat = (text: string): string => text.replace(/\s+/g, " ");
const claimsOf = (text: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(text.split(".")[1] ?? "", "base64url").toString("utf8"));

/** An ask by rita, made some seconds ago. */
const asked = (seconds: number, ttl: number, more: Partial<AskInput> = {}): Promise<string> => {
  const rest = { aud: "production", ent: "orders-repair", reason: "outage", authorization_details: [detail] };
  return makeAsk({ ...rest, ttl, iat: nowSeconds() - seconds, sub: "rita", text: "x", ...more }, party.keys.rita);
};
const grant = (text: string, approvals: readonly string[], ...more: readonly string[]): Promise<Ran> =>
  here(
    "grant",
    party.write("ask.txt", text),
    party.write("approvals.txt", approvals.join("\n")),
    "--key",
    "rita",
    ...more,
  );

it("an ask names its networks, and shows them", async () => {
  const { code, stdout, stderr } = await ask("--net", "192.0.2.0/24", "--net", "2001:db8::/32");
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(claimsOf(stdout)).toMatchObject({ net: ["192.0.2.0/24", "2001:db8::/32"] });
  expect(flat(stderr)).toContain("only from 192.0.2.0/24, 2001:db8::/32");
  expect(stderr).not.toContain("warning");
});

it("approvers see which key a grant is bound to", async () => {
  for (const [cnf, words] of [
    [{ "x5t#S256": THUMBPRINT }, "the client certificate with the SHA-256"],
    [{ jkt: THUMBPRINT }, "the key that makes DPoP proofs, with the thumbprint"],
  ] as const) {
    const { stderr } = await party.run([
      "approve",
      party.write("ask.txt", await asked(0, 600, { cnf })),
      "--key",
      "adam",
    ]);
    expect(flat(stderr)).toContain(`bound to ${words} ${THUMBPRINT}`);
    expect(stderr).toContain("Did you speak");
  }
});

it("what is no network is refused, with what was meant, and nothing is signed", async () => {
  const refusals: [string[], RegExp][] = [
    [["--net", "10.0.0.1/8"], /--net: .*host bits zero; did you mean 10\.0\.0\.0\/8\? next:/],
    [["--net", "10.1.2.3"], /did you mean 10\.1\.2\.3\/32\?/],
    [["--net", "2001:DB8:0::/32"], /did you mean 2001:db8::\/32\?/],
    [["--net", "::ffff:10.0.0.0/104"], /IPv4 address inside IPv6; write 10\.0\.0\.0\/8/],
    [["--net", "office"], /must be a network such as .*this is "office"/],
    [["--net", "10.0.0.0/33"], /must be a network such as/],
  ];
  for (const [options, words] of refusals) {
    const { code, stdout, stderr } = await ask(...options);
    expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: "" });
    expect(flat(stderr)).toMatch(words);
    expect(stderr).toMatch(/^next: /m);
  }
});

it("what an entitlement demands is missed before the passphrase, by the option that gives it", async () => {
  await party.pin({ entitlements: [entitlement({ require: ["incident", "net"] })] });
  const missing = async (...more: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await party.run(["ask", "POST", URL_OF, ...WORDS, ...more], {
      env: { GLASSGATE_PASSPHRASE: "wrong" },
    });
    expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: "" });
    return flat(stderr);
  };
  expect(await missing()).toMatch(/claim_required: .*no incident: ask with --incident; .*no network: ask with --net/);
  expect(await missing("--incident", "INC-1", "--net", "0.0.0.0/0")).toMatch(
    /the network 0\.0\.0\.0\/0 is no restriction/,
  );
  expect((await ask("--incident", "INC-1", "--net", "10.0.0.0/8")).code).toBe(0);
  await party.pin({ entitlements: [entitlement({ require: ["cnf"] })] });
  const approved = await party.run(["approve", party.write("ask.txt", await asked(0, 600)), "--key", "adam"]);
  expect(approved).toMatchObject({ code: 1, stdout: "" });
  expect(flat(approved.stderr)).toMatch(
    /must not be approved: claim_required: .*it is bound to no key: ask with --bind/,
  );
  await party.pin();
});

it("a network that keeps nobody out is warned of where none is demanded", async () => {
  const { code, stderr } = await ask("--net", "::/0");
  expect(code).toBe(0);
  expect(flat(stderr)).toContain("warning: ::/0 is every address of its kind: no restriction");
});

it("approvers see the latest end first, and the life that begins when the approvals are there", async () => {
  await party.pin({ entitlements: [entitlement({ max_wait: 600 })] });
  const { code, stdout, stderr } = await ask();
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const { iat, exp } = claimsOf(stdout);
  expect(Number(exp) - Number(iat)).toBe(1500);
  const { stderr: seen } = await party.run(["approve", party.write("ask.txt", stdout), "--key", "adam"]);
  for (const text of [flat(stderr), flat(seen)])
    expect(text).toMatch(
      /ends 2\S+ \S+ UTC(?: \([^)]*\))? at the latest \(25 minutes, 2\d minutes[^)]*left\) 15 minutes after its approvals are there, where that is sooner/,
    );
  // Asked for a time of one's own: that is all of it, and waiting cannot make it less than that.
  const short = await ask("--ttl", "5m");
  expect(flat(short.stderr)).toMatch(/ends 2\S+ \S+ UTC(?: \([^)]*\))? \(5 minutes, /);
  expect(short.stderr).not.toContain("sooner");
  const own = claimsOf(short.stdout);
  expect(Number(own.exp) - Number(own.iat)).toBe(300);
  const { stderr: long } = await ask("--ttl", "26m");
  expect(flat(long)).toMatch(
    /ttl: .*it lives 26 minutes; at most 15 minutes, and 10 minutes more for gathering approvals/,
  );
  await party.pin();
});

it("an ask may be as old as its entitlement gives for gathering approvals", async () => {
  await party.pin({ entitlements: [entitlement({ max_wait: 3000 })] });
  const old = await party.run(["approve", party.write("ask.txt", await asked(2000, 3600)), "--key", "adam"]);
  expect(old.stderr).toContain("Did you speak");
  const older = await party.run(["approve", party.write("ask.txt", await asked(3200, 3600)), "--key", "adam"]);
  expect(older.stderr).not.toContain("Did you speak");
  expect(flat(older.stderr)).toMatch(/At most 50 minutes may pass/);
  await party.pin();
});

it("a grant that took long to approve is complete, and says until when it opens", async () => {
  await party.pin({ entitlements: [entitlement({ max_wait: 3000 })] });
  const text = await asked(2000, 3600);
  const approvals = [await party.approve(text, "adam", 1500), await party.approve(text, "anna", 100)];
  const { code, stderr } = await grant(text, approvals);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const opens = /It opens until (\S+ \S+) UTC/.exec(flat(stderr))?.[1] ?? "";
  const left = Date.parse(`${opens.replace(" ", "T")}Z`) / 1000 - nowSeconds();
  // 900 seconds from the second approval.
  expect(left).toBeGreaterThan(700);
  expect(left).toBeLessThanOrEqual(800);
  expect(stderr).not.toContain("warning");
  // What is held is told as long as it opens anything.
  await grant(text, approvals, "--output", "held.txt");
  const [held] = JSON.parse((await party.run(["status", "--json"])).stdout);
  expect(held.seconds_left).toBeGreaterThan(600);
  expect(held.seconds_left).toBeLessThanOrEqual(800);
  // Its quorum was there long ago.
  const late = await grant(text, [await party.approve(text, "adam", 1500), await party.approve(text, "anna", 1000)]);
  expect(late).toMatchObject({ code: 1, stdout: "" });
  expect(flat(late.stderr)).toMatch(/expired: .*its approvals were there at 2.*, and it lives 15 minutes from then/);
  await party.pin();
});

it("explain judges from a network of the grant's, or from the address that is named", async () => {
  const text = await asked(0, 600, { net: ["10.1.0.0/16"] });
  const bound = await asked(0, 600, { cnf: { jkt: THUMBPRINT } });
  const complete = async (one: string): Promise<string> =>
    (await grant(one, [await party.approve(one, "adam"), await party.approve(one, "anna")])).stdout.trim();
  const explain = async (one: string, ...more: readonly string[]): Promise<string> =>
    flat((await party.run(["explain", party.write("grant.txt", one), "GET", URL_OF, ...more])).stdout);
  const whole = await complete(text);
  expect(await explain(whole)).toMatch(/^allow: /);
  expect(await explain(whole, "--from", "10.1.255.255")).toMatch(/^allow: /);
  expect(await explain(whole, "--from", "10.2.0.0:4711")).toMatch(/^network: /);
  expect(await explain(await complete(bound))).toMatch(/^binding_missing: .*all else is allowed/);
});
