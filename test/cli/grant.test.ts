/** `glassgate grant`: complete means that the filter says allow; nothing that opens is printed otherwise. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { detail, nowSeconds, Party } from "../kit/party.js";
import { inside } from "./inside.js";
import type { Ran } from "./run.js";

// Many runs of the command or the filter: generous, for machines that are busy or slow.
vi.setConfig({ testTimeout: 240_000 });

let party: Party;
beforeAll(async () => {
  party = await Party.make();
});
afterAll(() => party.end());

const words = (ask: string, approvals: readonly string[], more: readonly string[] = []): string[] => [
  "grant",
  party.write("ask.txt", ask),
  ...approvals.map((text, i) => party.write(`approval-${i}.txt`, text)),
  "--key",
  "rita",
  ...more,
];
/** Within this process: there are dozens of them. */
const grant = (...about: Parameters<typeof words>): Promise<Ran> =>
  inside(words(...about), { cwd: party.folder, env: party.env });

async function refused(ran: Promise<Ran>, what: RegExp, code = 1): Promise<string> {
  const { stdout, stderr, ...rest } = await ran;
  expect({ ...rest, stdout, stderr }).toMatchObject({ code, stdout: "" });
  expect(stderr).toMatch(what);
  expect(stderr).not.toContain("Complete:");
  expect(stderr).toMatch(/^next: /m);
  return stderr;
}

describe("a complete grant", () => {
  it("is printed bare, or written for curl where only its owner reads", async () => {
    const ask = await party.ask();
    const approvals = [await party.approve(ask, "adam"), await party.approve(ask, "anna")];
    const bare = await party.run(words(ask, approvals));
    expect(bare).toMatchObject({ code: 0 });
    expect(bare.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]{86}(~[\w-]+\.\.[\w-]{86}){2}\n$/);
    expect(bare.stderr).toMatch(/Complete: the filter allows all of it/);
    const path = join(party.folder, "grant.txt");
    writeFileSync(path, "old", { mode: 0o644 });
    const { code, stdout, stderr } = await grant(ask, approvals, ["--output", "grant.txt"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toContain("-H @grant.txt");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const text = readFileSync(path, "utf8");
    expect(text).toMatch(/^x-break-glass: [\w.~-]+\n$/);
    // The same signature over the same bytes, and `explain` reads that form as well, quoted even.
    expect(text).toBe(`x-break-glass: ${bare.stdout}`);
    writeFileSync(path, `> ${text.replace("~", "~\n> ")}`);
    const explained = await party.run(["explain", "grant.txt", "GET", "https://api.example.com/orders/42"]);
    expect(explained.stdout).toMatch(/^allow: Allowed/);
  });

  it("takes several approvals from one chat, each once, and a quoted copy of the ask", async () => {
    const ask = await party.ask();
    const [adam, anna] = [await party.approve(ask, "adam"), await party.approve(ask, "anna")];
    const chat = `> ${ask}\nAdam: "${adam}"\nAnna: \u201c${anna}\u201d\n> ${adam}\n`;
    expect(await grant(ask, [chat])).toMatchObject({ code: 0 });
    expect(await grant(`${ask}\n${adam}\n${anna}`, [])).toMatchObject({ code: 0 });
  });
});

describe("what is not complete", () => {
  it("says which role is missing, and who can give it now", async () => {
    const ask = await party.ask();
    await refused(grant(ask, []), /Still missing:\n {2}1 of lead: adam, alex\n {2}1 of security: anna\n/);
    const anna = await party.approve(ask, "anna");
    await refused(grant(ask, [anna]), /Still missing:\n {2}1 of lead: adam, alex\n/);
  });

  it("is told with the filter's verdict, and nothing is printed", async () => {
    const wide = { ...detail, actions: ["GET", "DELETE"] };
    const ask = await party.ask({ details: [wide] });
    const both = async (text: string): Promise<string[]> => [
      await party.approve(text, "adam"),
      await party.approve(text, "anna"),
    ];
    await refused(grant(ask, await both(ask)), /would deny this: entitlement_scope: .*DELETE api\.example\.com/);
    const good = await party.ask();
    await refused(
      grant(good, [await party.approve(good, "ritaAdmin"), await party.approve(good, "anna")]),
      /self_approval: .*the approval by rita-admin \(rita\)/,
    );
    await party.pin({ revoked: { sub: ["adam"] } });
    await refused(grant(good, await both(good)), /revoked: .*adam is revoked/);
    await party.pin({ exp: nowSeconds() - 5 });
    await refused(grant(good, await both(good)), /bundle_expired/);
    await party.pin();
  });

  it("names the approver whose approval belongs to something else", async () => {
    const [ask, other] = [await party.ask(), await party.ask()];
    await refused(grant(ask, [await party.approve(other, "adam")]), /approval by adam belongs to another ask/, 2);
  });

  it("lists what it will not choose among", async () => {
    const [ask, other] = [await party.ask(), await party.ask()];
    const adam = await party.approve(ask, "adam");
    await refused(
      grant(`${ask} ${other}`, [adam]),
      /holds 2 messages, and one is wanted:(\n {2}an ask by rita, made 2.*){2}/,
      2,
    );
    await refused(grant(ask, [other]), /Approval 1 is not an approval: it is an ask by rita/, 2);
    await refused(grant(adam, [ask]), /The ask is not an ask: it is an approval by adam/, 2);
    await refused(grant("-", []), /it is empty|nothing like a message/, 2);
    await refused(party.run(["grant", "-", "-", "--key", "rita"]), /standard input was read already/, 2);
  });
});

describe("approvals by a clock that is wrong", () => {
  it("are refused with the approver's name and both times", async () => {
    const ask = await party.ask();
    const anna = await party.approve(ask, "anna");
    const past = await refused(
      grant(ask, [await party.approve(ask, "adam", 3000), anna]),
      /approval by adam was made .* before the ask/,
    );
    expect(past).toMatch(/No gateway will ever take it: the clock of adam is behind/);
    const future = await refused(
      grant(ask, [await party.approve(ask, "adam", -300), anna]),
      /approval by adam was made in the future\. It says 2.*; your clock says 2/,
    );
    expect(future).toMatch(/A gateway takes it \d minutes.* from now/);
    const never = await refused(grant(ask, [await party.approve(ask, "adam", -3000), anna]), /approval by adam/);
    expect(never).toMatch(/The ask ends before a gateway would take it/);
  });

  it("are waited for where little is wrong", async () => {
    const ask = await party.ask();
    const approvals = [await party.approve(ask, "adam", -8), await party.approve(ask, "anna")];
    const { code, stdout, stderr } = await grant(ask, approvals);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toMatch(/^eyJ/);
    expect(stderr).toContain("Complete: the filter allows all of it");
  });
});

it("hostile names and words reach the screen escaped", async () => {
  const header = { alg: "Ed25519", typ: "bg-ask+jwt", kid: "\u001b[2J\u202eadam\nApproved as adam." };
  const [, payload = "", signature = ""] = (await party.ask()).split(".");
  const ask = [Buffer.from(JSON.stringify(header)).toString("base64url"), payload, signature].join(".");
  const { code, stderr } = await grant(ask, []);
  expect(code).toBe(2);
  expect(stderr).toContain("\\u{1b}[2J\\u{202e}adam\\u{a}Approved as adam.");
  expect(stderr).not.toMatch(/^Approved/m);
});
