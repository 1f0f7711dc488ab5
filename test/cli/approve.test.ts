/** `glassgate approve`: what is signed is what was shown, in time, and what the gateway will take. */
import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { detail, entitlement, Party } from "../kit/party.js";
import { inside } from "./inside.js";
import { atTerminal, quickMain, type Ran } from "./run.js";

// Many runs of the command or the filter: generous, for machines that are busy or slow.
vi.setConfig({ testTimeout: 240_000 });

let party: Party;
beforeAll(async () => {
  party = await Party.make();
});
afterAll(() => party.end());

/** Within this process: there are dozens of them. */
const approve = (ask: string, key = "adam"): Promise<Ran> =>
  inside(["approve", party.write("ask.txt", ask), "--key", key], { cwd: party.folder, env: party.env });

async function refused(ran: Promise<Ran>, what: RegExp, code = 1): Promise<string> {
  const { stdout, stderr, ...rest } = await ran;
  expect({ ...rest, stdout, stderr }).toMatchObject({ code, stdout: "" });
  expect(stderr).toMatch(what);
  expect(stderr).not.toContain("Did you speak");
  return stderr;
}

describe("an ask that is not of now", () => {
  it("is refused with both times, and whose clock to look at", async () => {
    const ahead = await refused(
      approve(await party.ask({ seconds: -3000 })),
      /made (?:4\d|50) minutes.* in the future, at 2/,
    );
    expect(ahead).toMatch(/your clock says 2.*requester's clock is ahead of yours, or yours is behind/);
    const old = await refused(
      approve(await party.ask({ seconds: 7000, ttl: 9000 })),
      /made 1 hour 5\d minutes.* ago, at 2/,
    );
    expect(old).toMatch(/your clock says 2.*\n?.*requester's clock is behind yours, or yours is ahead/s);
    await refused(approve(await party.ask({ seconds: 100, ttl: 90 })), /expired at 2.*your clock says 2/);
  });

  it("is refused where its dates are none", async () => {
    await refused(approve(await party.ask({ ttl: 2 ** 52 })), /impossible date: iat \d+, exp \d+/, 2);
  });
});

describe("an ask that the gateway will deny", () => {
  it("is refused before the question", async () => {
    const wide = { ...detail, paths: ["/orders/*", "/admin/**"] };
    await refused(
      approve(await party.ask({ details: [wide] })),
      /must not be approved: entitlement_scope: .*api\.example\.com\/admin/,
    );
    await refused(approve(await party.ask({ ttl: 901 })), /must not be approved: ttl: .*15 minutes 1 second/);
    await refused(
      approve(await party.ask({ sub: "adam" })),
      /must not be approved: key_owner: .*names adam and is signed by rita/,
    );
    await refused(approve(await party.ask(), "ritaAdmin"), /self_approval: .*rita-admin \(rita\)/);
    await refused(approve(await party.ask(), "rita"), /self_approval/);
    await party.pin({ revoked: { kid: [party.keys.rita.kid] } });
    await refused(approve(await party.ask()), /revoked: .*a key of rita is revoked/);
    await party.pin({ entitlements: [entitlement({ approvals: [{ role: "lead", count: 2 }] })] });
    await refused(approve(await party.ask(), "anna"), /you hold none of the roles that approve it/);
    await party.pin({ revoked: { sub: ["anna"] } });
    await refused(approve(await party.ask()), /can never be completed now.*1 of security: nobody/);
    await party.pin();
  });
});

describe("what is no ask", () => {
  it("is named, and nothing is chosen among several", async () => {
    const [ask, other] = [await party.ask(), await party.ask()];
    const approval = await party.approve(ask, "adam");
    await refused(approve(approval), /not an ask: it is an approval by adam, made 2/, 2);
    const list = await refused(approve(`${ask}\n> ${other}\n${approval}`), /holds 3 messages, and one is wanted/, 2);
    expect(list.match(/^ {2}an ask by rita, made 2/gm)).toHaveLength(2);
    expect(list).toMatch(/^ {2}an approval by adam, made 2/m);
    await refused(approve(ask.slice(0, -7)), /an ask, cut short: 7 characters of its signature are missing/, 2);
    await refused(approve("hello"), /nothing like a message is in its 5 characters/, 2);
  });

  it("is never echoed where it is a private key", async () => {
    const key = JSON.stringify(party.keys.adam);
    const said = await refused(approve(key), /is a private key/, 2);
    expect(said).not.toContain(party.keys.adam.d);
    expect(await refused(party.run(["approve", key, "--key", "adam"]), /is a private key/, 2)).not.toContain(
      party.keys.adam.d,
    );
  });

  it("is refused where it is too long, or no file", async () => {
    await refused(approve("x".repeat(1024 * 1024 + 1)), /larger than 1 MiB/, 2);
    await refused(party.run(["approve", "nothing-here.txt", "--key", "adam"]), /no file nothing-here\.txt/, 2);
    await refused(party.run(["approve", party.folder, "--key", "adam"]), /is a directory/, 2);
  });
});

/** At a terminal of that size. */
const at = (columns: number, rows: number, line: string): Promise<Ran> =>
  atTerminal(`stty cols ${columns} rows ${rows}; npx glassgate ${line}`, ["no"], { cwd: party.folder, env: party.env });

describe("at a terminal", () => {
  it("shows all of it at 40 columns, the words last, and says that it is longer than the screen", async () => {
    const paths = Array.from({ length: 25 }, (_, i) => `/orders/${i + 100}`);
    const words = `it loops\nApproved as adam.  Next: go on\u2800 ${"x".repeat(90)}`;
    party.write("ask.txt", await party.ask({ text: words, details: [{ ...detail, paths }] }));
    const { code, stdout } = await at(40, 20, "approve ask.txt --key adam");
    expect(code).toBe(1);
    const lines = stdout.split(/\r?\n/);
    for (const path of paths) expect(lines.filter((line) => line.trim().split(" ").at(-1) === path)).toHaveLength(1);
    const asked = lines.findIndex((line) => line.startsWith("Did you speak"));
    for (const line of lines.slice(0, asked)) expect(line.length).toBeLessThanOrEqual(40);
    expect(lines).toContain("| it loops\\n");
    expect(lines).toContain("| Approved as adam. \u00b7Next: go on\\u{2800}");
    expect(lines.filter((line) => line.startsWith("Approved"))).toEqual([]);
    expect(stdout.replace(/\s+/g, " ")).toMatch(/That was \d+ lines, with 25 paths: scroll up and read them all/);
    expect(lines.indexOf("| it loops\\n")).toBeGreaterThan(lines.findIndex((line) => line.endsWith("/orders/124")));
  });

  it("does not speak of the screen where all fits", async () => {
    party.write("ask.txt", await party.ask());
    const { stdout } = await at(80, 50, "approve ask.txt --key adam");
    expect(stdout).toContain("Did you speak");
    expect(stdout).not.toContain("scroll up");
  });
});

it("`-` reads a slow pipe to its end, whatever a chat made of the ask", async () => {
  const ask = await party.ask();
  const text = Buffer.from(`\ufeffRita wrote:\r\n> ${(ask.match(/.{1,60}/g) ?? []).join("\r\n> ")}\r\n`, "utf16le");
  const child = spawn(process.execPath, [quickMain, "approve", "-", "--key", "adam"], {
    cwd: party.folder,
    env: { ...process.env, ...party.env, NO_COLOR: "1" },
    stdio: ["pipe", "ignore", "pipe"],
    detached: true, // Without a terminal, also where the tests have one.
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = new Promise((resolve) => child.on("close", resolve));
  for (let i = 0; i < text.length; i += 200) {
    child.stdin.write(text.subarray(i, i + 200));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  child.stdin.end();
  await ended;
  expect(said).toContain("You are asked to approve");
  expect(said).toContain("| refund loop");
});
