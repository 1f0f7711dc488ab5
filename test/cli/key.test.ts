/** `glassgate key new` prints what is pasted into the roster. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeProtectedHeader } from "jose";
import { afterAll, expect, it } from "vitest";
import { parse } from "yaml";
import { rosterLine } from "../../control/cli/key.js";
import { newKey, type PublicKey, publicKeySchema, publicPart, thumbprint } from "../../control/signer/jwk.js";
import { readKeyFile } from "../../control/signer/keyfile.js";
import { parseRoster } from "../../control/trust/roster.js";
import { glassgate, main, run, shell } from "./run.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-key-"));
const env = { GLASSGATE_KEYS: join(base, "keys"), GLASSGATE_PASSPHRASE: "correct horse battery staple" };
afterAll(() => rmSync(base, { recursive: true, force: true }));

const roster = (line: string): string =>
  `lifetime: 90d\nprincipals:\n  - id: rita\n    roles: []\n    keys:\n      ${line}\nentitlements: []\n`;

it("prints one line of YAML alone on stdout, and says where it goes", async () => {
  for (const algorithm of ["Ed25519", "ES256"]) {
    const ran = await glassgate(["key", "new", `rita-${algorithm}`, "--algorithm", algorithm], { env });
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stdout).toMatch(
      /^- \{ kty: (?:OKP|EC), crv: \S+, x: "[\w-]{43}", (?:y: "[\w-]{43}", )?kid: "[\w-]{43}", alg: \S+ \}\n$/,
    );
    expect(ran.stderr).toMatch(
      /paste .* under `keys:` of the person in roster\.yaml.*send this line to whoever keeps it/s,
    );
    const [read] = parseRoster(roster(ran.stdout.trim()), "roster.yaml").principals[0]?.keys ?? [];
    const shown = await glassgate(["key", "show", `rita-${algorithm}`], { env });
    // What is pasted alone, as `key new` prints it.
    expect(shown.stdout).toBe(ran.stdout);
    expect(shown.stderr).toContain(`kid ${read?.kid}`);
    const json = await glassgate(["key", "show", `rita-${algorithm}`, "--json"], { env });
    expect(JSON.parse(json.stdout)).toEqual(read);
  }
  const json = await glassgate(["key", "new", "rita-json", "--json"], { env });
  expect(publicKeySchema.parse(JSON.parse(json.stdout)).kty).toBe("OKP");
});

it("is sealed with the work that a guesser of passphrases is to have", async () => {
  const ran = await run(process.execPath, [main, "key", "new", "hard"], { env });
  expect(ran).toMatchObject({ code: 0 });
  const { encrypted } = readKeyFile(join(env.GLASSGATE_KEYS, "hard.key.json"));
  expect(decodeProtectedHeader(encrypted)).toMatchObject({ alg: "PBES2-HS512+A256KW", p2c: 600_000 });
});

it("quotes what YAML would read as another type", () => {
  // Coordinates that look like numbers, dates, null or a list's dash.
  for (const x of ["1", "-", "0x1", "1e9", "-_", "null", "2026-11-26", "0o7"].map((start) => start.padEnd(43, "0"))) {
    const parts = { kty: "OKP" as const, crv: "Ed25519" as const, x };
    const key: PublicKey = { ...parts, kid: thumbprint(parts), alg: "Ed25519" };
    expect(parse(rosterLine(key))).toEqual([key]);
    expect(parseRoster(roster(rosterLine(key)), "roster.yaml").principals[0]?.keys).toEqual([key]);
  }
  for (let i = 0; i < 50; i++) {
    const key = publicPart(newKey(i % 2 === 0 ? "Ed25519" : "ES256"));
    expect(parse(rosterLine(key))).toEqual([key]);
  }
});

it("two at once make one key", async () => {
  const ran = await shell(
    "npx glassgate key new twice > 1.txt & npx glassgate key new twice > 2.txt & wait; cat 1.txt 2.txt; npx glassgate key show twice",
    { cwd: base, env },
  );
  const [printed, kept] = ran.stdout.trim().split("\n");
  expect(ran.stdout.trim().split("\n")).toHaveLength(2);
  expect(kept).toBe(printed);
  expect(readdirSync(join(base, "keys")).filter((name) => !name.endsWith(".key.json"))).toEqual([]);
});

it("a user without a home has no keys by default, least of all in the current folder", async () => {
  const homeless = { HOME: "", GLASSGATE_KEYS: "", GLASSGATE_PASSPHRASE: "correct horse battery staple" };
  for (const args of [
    ["key", "new", "zoe"],
    ["key", "list"],
    ["key", "show", "zoe"],
    ["init", "project"],
  ])
    expect(await glassgate(args, { cwd: base, env: homeless })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("There is no home folder to have keys in."),
    });
  expect(readdirSync(base).filter((name) => name !== "keys" && !name.endsWith(".txt"))).toEqual([]);
  expect(await glassgate(["--version"], { cwd: base, env: homeless })).toMatchObject({ code: 0 });
});

it.runIf(process.getuid?.() === 0)("a user that the system does not know can run what needs no key", async () => {
  const line = `env -u HOME -u GLASSGATE_KEYS setpriv --reuid 54321 --clear-groups "${process.execPath}" "${main}"`;
  expect(await shell(`cd /; ${line} --version`)).toMatchObject({ code: 0 });
  expect(await shell(`cd /; ${line} key list`)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("no home folder"),
  });
});
