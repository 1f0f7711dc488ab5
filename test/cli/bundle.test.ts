/** `glassgate bundle`: what is shown is all of it, and what was shown is what is signed. */
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { writeText } from "../../control/base/files.js";
import { draftOf, refusalOfDraft, standingOf } from "../../control/cli/bundle-draft.js";
import { newKey, publicPart, thumbprint } from "../../control/signer/jwk.js";
import { readKeyFile, writeKeyFile } from "../../control/signer/keyfile.js";
import { readAnchors } from "../../control/trust/anchors.js";
import { readClaims } from "../../control/trust/bundle.js";
import { ed25519, line, rosterText } from "../trust/rosters.js";
import { inside } from "./inside.js";
import { glassgate, quickMain, type Ran } from "./run.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-bundle-"));
const env = { GLASSGATE_KEYS: join(base, "keys"), GLASSGATE_PASSPHRASE: "correct horse" };
const start = join(base, "start");
let cwd = "";
let count = 0;

const file = (name: string): string => join(cwd, name);
const read = (name: string): string => readFileSync(file(name), "utf8");
const write = (name: string, text: string): void => writeFileSync(file(name), text);
/** Within this process; what asks at a terminal, and what leads up to it once, are processes as a person starts them. */
const run = (...args: string[]): Promise<Ran> => inside(args, { cwd, env });

/** At a terminal: waits for the question, does `atQuestion`, then types. Both streams come as stdout. */
function sign(key: string, typed: string, atQuestion: () => void = () => undefined, more: string[] = []): Promise<Ran> {
  const script = "import pty,sys,os; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
  const child = spawn("python3", ["-c", script, process.execPath, quickMain, "bundle", "sign", "--key", key, ...more], {
    cwd,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  return new Promise((resolve, reject) => {
    let stdout = "";
    let isAsked = false;
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      if (isAsked || !stdout.includes('Type "yes"')) return;
      isAsked = true;
      atQuestion();
      child.stdin.write(`${typed}\n`);
    });
    child.on("error", reject);
    child.on("exit", () => child.stdin.end());
    child.on("close", (code) => resolve({ code, stdout: stdout.replaceAll("\r\n", "\n"), stderr: "" }));
  });
}

/** In a session of its own: no terminal anywhere, not even the one that the tests run at. */
function withoutTerminal(...args: string[]): Promise<Ran> {
  const child = spawn(process.execPath, [quickMain, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  return new Promise((resolve, reject) => {
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** Without the terminal's line breaks. */
const flat = (text: string): string => text.replace(/\s+/g, " ");

async function complete(): Promise<void> {
  expect(await glassgate(["bundle", "build"], { cwd, env })).toMatchObject({ code: 0 });
  expect(await sign("root-1", "yes")).toMatchObject({ code: 0 });
  expect(await sign("root-2", "yes")).toMatchObject({ code: 0 });
}

const lead = { ...publicPart(newKey("ES256")), nbf: 1_700_000_000 };
const roster = (parts = {}): string =>
  rosterText({
    keys: `[${line(ed25519)}]`,
    more: `  - { id: adam, person: adam-lee, roles: [{ role: lead, exp: 2099-01-01 }], keys: [${line(lead)}] }\n`,
    ...parts,
  });

beforeAll(async () => {
  // As `glassgate init` leaves it, but with keys that open at once: none of this is about passphrases.
  const roots = [];
  for (const name of ["root-1", "root-2", "root-3"]) {
    const key = newKey("Ed25519");
    await writeKeyFile(join(env.GLASSGATE_KEYS, `${name}.key.json`), name, key, env.GLASSGATE_PASSPHRASE, 1000);
    roots.push(publicPart(key));
  }
  writeText(join(start, "anchors.json"), JSON.stringify({ audience: "production", threshold: 2, roots }));
});
beforeEach(() => {
  cwd = join(base, String(count++));
  cpSync(start, cwd, { recursive: true });
  write("roster.yaml", roster());
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe("bundle sign", () => {
  it("shows the whole first version, asks, and signs only after yes", async () => {
    await run("bundle", "build");
    const draft = read("bundle.next");
    const { code, stdout } = await sign("root-1", "no");
    const said = flat(stdout);
    expect(code).toBe(1);
    for (const words of [
      "Version 1, UNSIGNED",
      "this is all of it",
      "lifetime 90 days 1 minute",
      "principal adam person adam-lee roles lead until 2099-01-01 00:00:00 UTC",
      `keys ${lead.kid} P-256 from 2023-11-14 22:13:20 UTC`,
      "asked for by oncall",
      "opens methods GET opens hosts api.example.com opens paths /a/*",
      "Not signed. Nothing was changed.",
    ])
      expect(said).toContain(words);
    expect(read("bundle.next")).toBe(draft);
  }, 60_000);

  it("signs the bytes that were shown, whatever is swapped in at the question", async () => {
    await run("bundle", "build");
    const shown = read("bundle.next");
    write("roster.yaml", roster({ path: "/**" }));
    await run("bundle", "build");
    const evil = read("bundle.next");
    write("bundle.next", shown);
    const first = await sign("root-1", "yes", () => write("bundle.next", evil));
    expect(first).toMatchObject({ code: 0 });
    expect(flat(first.stdout)).toContain("warning: bundle.next was changed while you read.");
    expect(readClaims(read("bundle.next").trim(), "bundle.next")).toEqual(JSON.parse(shown));

    const half = read("bundle.next");
    const second = await sign("root-2", "yes", () => write("bundle.next", evil));
    expect(second).toMatchObject({ code: 0 });
    expect(read("bundle.jws")).toContain(half.trim());
    expect(readClaims(read("bundle.jws").trim(), "bundle.jws")).toEqual(JSON.parse(shown));
    expect(existsSync(file("bundle.next"))).toBe(false);
  }, 60_000);

  it("is refused where nobody can answer, and for who may not or need not sign", async () => {
    await run("bundle", "build");
    const draft = read("bundle.next");
    const ran = await withoutTerminal("bundle", "sign", "--key", "root-1");
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toMatch(/a terminal/);
    expect(read("bundle.next")).toBe(draft);
    const { roots, ...rest } = readAnchors(file("anchors.json"));
    write("other.json", JSON.stringify({ ...rest, roots: roots.slice(1) }));
    expect((await run("bundle", "sign", "--key", "root-1", "--anchors", "other.json")).stderr).toMatch(
      /root-1 is not one of the roots in other\.json/,
    );
    await sign("root-1", "yes");
    expect((await run("bundle", "sign", "--key", "root-1")).stderr).toMatch(/root-1 has signed this bundle already/);
  }, 60_000);

  it("shows what changes, whether what it is compared with verifies, and whether the roster says more", async () => {
    await complete();
    write("roster.yaml", roster({ lifetime: "25s", roles: "[oncall, lead]" }));
    const built = await run("bundle", "build");
    expect(built.stderr).toMatch(/Against version 1 in bundle\.jws \(signed by 2 of 2 roots, verified\):/);
    expect(built.stderr).toMatch(
      /version 2, was 1\n.*issued .*\n.*holds until .*\n +lifetime 1 minute 25 seconds, WAS 90 days 1 minute/,
    );
    expect(built.stderr).toContain("principal rita: gains role lead");

    write("roster.yaml", roster({ lifetime: "25s", roles: "[oncall, lead]", path: "/b" }));
    const bundle = read("bundle.jws");
    const [header, payload = "", signature] = bundle.split(".");
    const other = Buffer.from(payload, "base64url").toString().replace("/a/*", "/b/*");
    write(
      "bundle.jws",
      bundle.replace(
        `${header}.${payload}.${signature}`,
        `${header}.${Buffer.from(other).toString("base64url")}.${signature}`,
      ),
    );
    const said = flat((await sign("root-1", "no")).stdout);
    expect(said).toMatch(
      /warning: the bundle that this is compared with is UNVERIFIED: bundle\.jws: the signature of root/,
    );
    expect(said).toMatch(
      /this draft is NOT what roster\.yaml says now.*gains scope path \/b.*loses scope path \/a\/\*/,
    );
  }, 60_000);

  it("does not sign a version that is in force already, nor a draft whose signature does not hold", async () => {
    await run("bundle", "build");
    const draft = read("bundle.next");
    await sign("root-1", "yes");
    const half = read("bundle.next");
    await sign("root-2", "yes");
    write("bundle.next", draft);
    expect((await run("bundle", "sign", "--key", "root-1")).stderr).toMatch(/bundle\.jws is version 1 already/);
    rmSync(file("bundle.jws"));
    const payload = half.split(".")[1] ?? "";
    const other = Buffer.from(payload, "base64url").toString().replace("/a/*", "/b/*");
    write("bundle.next", half.replace(payload, Buffer.from(other).toString("base64url")));
    const ran = await run("bundle", "sign", "--key", "root-2");
    expect(ran).toMatchObject({ code: 2 });
    expect(ran.stderr).toMatch(/bundle\.next is UNVERIFIED: .*the signature of root \S+ does not hold/);
  }, 60_000);
});

describe("bundle show", () => {
  it("reads drafts, and says how far each is signed", async () => {
    await run("bundle", "build");
    const unsigned = await run("bundle", "show", "bundle.next");
    expect(unsigned).toMatchObject({ code: 0 });
    expect(unsigned.stdout).toMatch(/^bundle\.next: UNSIGNED\n/);
    expect(unsigned.stdout).toContain(" until 2099-01-01 00:00:00 UTC");
    expect(JSON.parse((await run("bundle", "show", "--bundle", "bundle.next", "--json")).stdout)).toEqual(
      JSON.parse(read("bundle.next")),
    );
    await sign("root-1", "yes");
    expect((await run("bundle", "show", "bundle.next")).stdout).toMatch(
      /^bundle\.next: signed by 1 of 2 roots so far, verified\n/,
    );
    expect(await run("bundle", "show", "bundle.next", "--anchors", "none.json")).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^bundle\.next: UNVERIFIED: Cannot read the anchors none\.json/),
    });
    await sign("root-2", "yes");
    expect((await run("bundle", "show")).stdout).toMatch(/^bundle\.jws: signed by 2 of 2 roots, verified\n/);
    expect(await run("bundle", "verify")).toMatchObject({ code: 0 });
  }, 60_000);

  it("says what no filter would take", async () => {
    await run("bundle", "build");
    write("bundle.next", read("bundle.next").replace(/"kid": "[^"]+"/, `"kid": "${"A".repeat(43)}"`));
    expect((await run("bundle", "show", "bundle.next")).stderr).toMatch(/the filter would refuse it: .*thumbprint/);
  }, 60_000);
});

describe("bundle build", () => {
  const offCurve = {
    kty: "OKP" as const,
    crv: "Ed25519" as const,
    x: Buffer.alloc(32, 0).fill(1, 0, 1).toString("base64url"),
  };
  const small = { ...offCurve, kid: thumbprint(offCurve) };

  it("names what the filter would refuse, at its line, and writes nothing", async () => {
    const root = readKeyFile(join(env.GLASSGATE_KEYS, "root-1.key.json")).public;
    const many = Array.from(
      { length: 4000 },
      (_, i) =>
        `  - { id: principal-with-a-long-name-${i}-${"x".repeat(30)}, person: somebody-${i}-${"y".repeat(30)}, roles: [lead, oncall], keys: [] }\n`,
    );
    for (const [text, words] of [
      [
        roster({ keys: `[${line(small)}]` }),
        /roster\.yaml:6:\d+: the filter would refuse the bundle: a key is not a point of its curve, or of small order: /,
      ],
      [
        roster({ keys: `[${line(root)}]` }),
        /roster\.yaml:6:\d+: the filter would refuse the bundle: a principal's key is also a root key/,
      ],
      [
        roster({ more: many.join("") }),
        /roster\.yaml:1:1: the filter would refuse the bundle: it is of \d+ KiB and a gateway takes 512/,
      ],
    ] as const) {
      write("roster.yaml", text);
      const ran = await run("bundle", "build");
      expect(ran).toMatchObject({ code: 2, stdout: "" });
      expect(ran.stderr).toMatch(words);
      expect(existsSync(file("bundle.next"))).toBe(false);
    }
  }, 60_000);

  it("prints JSON with the changes and what is weak", async () => {
    write("roster.yaml", roster({ revoked: "revoked: { sub: [ritta] }" }));
    const { stdout } = await run("bundle", "build", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      against: null,
      changes: [],
      weak: expect.arrayContaining([
        "revoked sub ritta is no principal of this bundle and takes nothing back; did you mean rita?",
      ]),
    });
  }, 60_000);
});

it("damaged drafts, bundles and rosters are one sentence, never a stack", async () => {
  await complete();
  const bundle = read("bundle.jws");
  await run("bundle", "build");
  const draft = read("bundle.next");
  const [first = ""] = bundle.split("~");
  const header = (value: unknown): string =>
    `${Buffer.from(JSON.stringify(value)).toString("base64url")}${first.slice(first.indexOf("."))}`;
  const drafts = [
    "",
    "{",
    "{}",
    "[]",
    "null",
    "\0",
    draft.slice(0, 100),
    draft.replace('"schema": 1', '"schema": 2'),
    first.slice(0, -9),
    `${first}~`,
    `${first}~a..b`,
    header({}),
    header(7),
    header({ alg: "none", kid: "x", typ: "bg-bundle+jwt" }),
    `${first}~${first}`,
    draft.replace(/"version": \d+/, '"version": 1e999'),
  ];
  const anchors = readAnchors(file("anchors.json"));
  for (const text of drafts) {
    const judge = async (): Promise<string> => {
      const read = draftOf(text, "bundle.next");
      const { words, isVerified } = await standingOf(read, anchors);
      return isVerified ? words : `${words} ${await refusalOfDraft(read, anchors)}`;
    };
    const outcome = await judge().catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error;
      return error.message;
    });
    expect(outcome, text).toMatch(/UNVERIFIED|damaged|is not a (?:signed )?trust bundle|UNSIGNED \S/);
  }
  for (const text of ["{}", header({}), `${first}~${first}`]) {
    write("bundle.next", text);
    for (const words of [
      ["sign", "--key", "root-3"],
      ["show", "bundle.next"],
    ]) {
      const { code, stderr, stdout } = await run("bundle", ...words);
      expect([1, 2], text + stderr).toContain(code);
      expect(stderr + stdout).not.toMatch(/went wrong that should not|^\s+at .*\.js/m);
    }
  }
  for (const text of ["a: &a [*a]", "[".repeat(100_000), "\0\u0001", `# d: ${"A".repeat(43)}`]) {
    write("bad.yaml", text);
    const { code, stderr } = await run("bundle", "build", "--roster", "bad.yaml");
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(/^error: bad\.yaml:\d+:\d+: .+\nnext: {2}Mend the roster/);
  }
}, 120_000);
