/** `push` and `rotate` on real gateways: which ones they reached, what serves there, and nothing half-done. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { newKey, publicPart } from "../../control/signer/jwk.js";
import { writeKeyFile } from "../../control/signer/keyfile.js";
import { buildClaims, signFirst, signFurther } from "../../control/trust/bundle.js";
import { parseRoster } from "../../control/trust/roster.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { World } from "../kit/world.js";
import { atTerminal, freePort, glassgate, type Ran } from "./run.js";

const world = new World(Math.floor(Date.now() / 1000));
const roots = [newKey("Ed25519"), newKey("ES256")];
const rita = newKey("Ed25519");
const anchors = { audience: "test", threshold: 2, roots: roots.map(publicPart) };
const folder = mkdtempSync(join(tmpdir(), "glassgate-push-"));
const keys = join(folder, "keys");
const env = { GLASSGATE_KEYS: keys, GLASSGATE_PASSPHRASE: "correct horse battery staple" };
const ROSTER = `lifetime: 1d
principals:
  - id: rita # on call
    roles: [ oncall ]
    keys:
      - ${JSON.stringify(publicPart(rita))}
entitlements: []
`;
let east: TestEnvoy;
let west: TestEnvoy;

const bundles = new Map<number, string>();
async function bundleOf(version: number): Promise<string> {
  const known = bundles.get(version);
  if (known !== undefined) return known;
  const [first, second] = roots;
  if (first === undefined || second === undefined) throw new Error("two roots");
  const claims = buildClaims(parseRoster(ROSTER, "roster"), ["test"], version, Math.floor(Date.now() / 1000));
  const text = await signFurther(await signFirst(claims, first), second);
  bundles.set(version, text);
  return text;
}
async function writeBundle(version: number): Promise<void> {
  writeFileSync(join(folder, "bundle.jws"), `${await bundleOf(version)}\n`);
}
/** A gateway of these anchors, and its own file as an operator has it: with the port that Envoy was given. */
async function gateway(name: string): Promise<TestEnvoy> {
  let rendered = "";
  const test = await startTestEnvoy(world, {
    concurrency: 1,
    render: { anchors, nodeId: name },
    edit: (config) => {
      rendered = config;
      return config;
    },
  });
  const port = test.envoy.admin.address.split(":")[1] ?? "";
  writeFileSync(join(folder, `${name}.yaml`), rendered.replace(/(admin:[\s\S]*?port_value: )0/, `$1${port}`));
  return test;
}
const run = (...args: string[]): Promise<Ran> => glassgate(args, { cwd: folder, env });
const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1) ?? "";

beforeAll(async () => {
  east = await gateway("east");
  west = await gateway("west");
  writeFileSync(join(folder, "anchors.json"), JSON.stringify(anchors));
  writeFileSync(join(folder, "roster.yaml"), ROSTER);
  for (const [i, root] of roots.entries())
    await writeKeyFile(join(keys, `root-${i + 1}.key.json`), `root-${i + 1}`, root, env.GLASSGATE_PASSPHRASE, 1000);
  await writeBundle(1);
});
afterAll(async () => {
  await east.stop();
  await west.stop();
  rmSync(folder, { recursive: true, force: true });
});

it("--gateway again and again means all of them, each with its own address; one that is away fails the command", async () => {
  const all = await run("push", "--gateway", "east.yaml", "--gateway", "west.yaml");
  expect(all).toMatchObject({ code: 0 });
  expect(all.stdout.split("\n")).toEqual([
    expect.stringMatching(
      /^east\.yaml: applied: version 1 on all 2 VMs .*Version 1 serves now; a restart would serve version 1\.$/,
    ),
    expect.stringMatching(/^west\.yaml: applied: version 1 on all 2 VMs/),
    "",
  ]);
  const { stdout: shown } = await atTerminal("npx glassgate push --gateway east.yaml", [], {
    cwd: folder,
    env,
    columns: 40,
  });
  const rows = shown.trimEnd().split(/\r?\n/);
  expect(rows.join(" ")).toMatch(/applied: version 1 serves already on all 2 VMs\. .*would serve version 1\.$/);
  expect(Math.max(...rows.map((row) => row.length)), shown).toBeLessThanOrEqual(40);

  const anew = await run("push", "--anew", "--gateway", "east.yaml");
  expect(anew.stdout).toMatch(
    /^applied: version 1 on all 2 VMs after \d+ ms \(generation \d+\)\. Version 1 serves now/,
  );

  await writeBundle(2);
  const dead = readFileSync(join(folder, "west.yaml"), "utf8").replace(
    /(admin:[\s\S]*?port_value: )\d+/,
    `$1${await freePort()}`,
  );
  writeFileSync(join(folder, "away.yaml"), dead);
  const some = await run("push", "--gateway", "away.yaml", "--gateway", "east.yaml", "--json");
  expect(some.code).toBe(1);
  expect(JSON.parse(some.stdout)).toMatchObject([
    { gateway: "away.yaml", outcome: "unreached", serving: "unknown", restart: 1 },
    { gateway: "east.yaml", outcome: "applied", version: 2, serving: 2, restart: 2 },
  ]);
  expect(some.stderr).toContain("away.yaml: Envoy's admin interface");
}, 60_000);

it("an older one is overtaken, with exit code 1, and the last line says what holds", async () => {
  await writeBundle(1);
  const { code, stdout, stderr } = await run("push", "--gateway", "east.yaml");
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain("Version 1 was overtaken by version 2.");
  expect(lastLine(stderr)).toMatch(
    /Nothing was changed at the gateway\. Version 2 serves now; a restart would serve version 2\.$/,
  );
});

it("an address for several gateways, or two addresses, are refused", async () => {
  const several = await run("push", "--gateway", "east.yaml", "--gateway", "west.yaml", "--admin", "127.0.0.1:1");
  expect(several).toMatchObject({ code: 2, stderr: expect.stringContaining("--admin names one gateway") });
  const twice = await run("push", "--gateway", "east.yaml", "--admin", "127.0.0.1:1", "--admin", "127.0.0.1:2");
  expect(twice).toMatchObject({ code: 2, stderr: expect.stringContaining("--admin is given twice") });
  for (const bad of ["http://127.0.0.1:1", "127.0.0.1", "127.0.0.1:99999", "a b:1", ""]) {
    const { code, stderr } = await run("push", "--gateway", "east.yaml", "--admin", bad);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("is not an admin address") });
  }
}, 60_000);

it("another gateway's file, or another's address, is noticed before anything is written", async () => {
  const before = readFileSync(west.filter.ecdsPath, "utf8");
  const { code, stderr } = await run("push", "--gateway", "west.yaml", "--admin", east.envoy.admin.address);
  expect(code).not.toBe(0);
  expect(stderr).toContain("is not this gateway: its node is east, the file's west");
  expect(readFileSync(west.filter.ecdsPath, "utf8")).toBe(before);
});

it("YAML aliases in the gateway's file are followed", async () => {
  const text = readFileSync(join(folder, "east.yaml"), "utf8");
  const port = east.envoy.admin.address.split(":")[1];
  const shared = text.replace(
    /address: \{ socket_address: \{ address: 127\.0\.0\.1, port_value: \d+ \} \}/,
    "address: *admin",
  );
  expect(shared).not.toBe(text);
  const anchor = `x-admin: &admin { socket_address: { address: 0.0.0.0, port_value: ${port} } }\n`;
  writeFileSync(join(folder, "aliased.yaml"), `${anchor}${shared}`);
  await writeBundle(2);
  expect(await run("push", "--gateway", "aliased.yaml")).toMatchObject({ code: 0 });
});

it("other anchors are shown, and pinned only by a person's yes", async () => {
  const [first] = roots;
  if (first === undefined) throw new Error("a root");
  const claims = buildClaims(parseRoster(ROSTER, "roster"), ["test"], 3, Math.floor(Date.now() / 1000));
  writeFileSync(join(folder, "one.jws"), await signFirst(claims, first));
  writeFileSync(join(folder, "one.json"), JSON.stringify({ ...anchors, threshold: 1 }));
  const before = readFileSync(west.filter.ecdsPath, "utf8");
  const line = "push --gateway west.yaml --anchors one.json --bundle one.jws";
  const silent = await run(...line.split(" "));
  expect(silent.code).not.toBe(0);
  expect(silent.stderr).toContain("threshold: 2 becomes 1");
  expect(readFileSync(west.filter.ecdsPath, "utf8")).toBe(before);
  const asked = await atTerminal(`npx glassgate ${line}`, ["no"], { cwd: folder, env });
  expect(asked.code).not.toBe(0);
  expect(readFileSync(west.filter.ecdsPath, "utf8")).toBe(before);
  const agreed = await atTerminal(`npx glassgate ${line}`, ["yes"], { cwd: folder, env });
  expect(agreed.stdout).toMatch(/applied: version 3 on all 2 VMs/);
}, 60_000);

it("rotate takes a public key only, and leaves nothing when it fails", async () => {
  const key = newKey("ES256");
  const files = ["roster.yaml", "bundle.jws", "bundle.next"];
  const texts = (): string[] =>
    files.map((file) => (existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8") : "none"));
  await writeBundle(2);
  const before = texts();
  cpSync(join(keys, "root-1.key.json"), join(folder, "a.key.json"));
  const { kid: _, ...nameless } = publicPart(key);
  for (const [value, message] of [
    [JSON.stringify(key), "is a private key"],
    ["a.key.json", "is a private key"],
    [JSON.stringify(nameless), "is no public key"],
    [JSON.stringify({ ...publicPart(key), kid: rita.kid }), "is not the key's thumbprint"],
    [JSON.stringify(publicPart(rita)), "it belongs to rita"],
    ["missing.pub", "There is no file missing.pub"],
    ["[1, 2", "no public key"],
  ] as const) {
    const ran = await run(
      "rotate",
      "rita",
      "--new-key",
      value,
      "--root",
      "root-1",
      "--root",
      "root-2",
      "--gateway",
      "east.yaml",
    );
    expect({ value, ...ran }).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  }
  // The second root cannot sign: it signed already.
  const twice = await run(
    ...["rotate", "rita", "--new-key", JSON.stringify(publicPart(key)), "--root", "root-1", "--root", "root-1"],
    ...["--gateway", "east.yaml"],
  );
  expect(twice.code).not.toBe(0);
  expect(texts()).toEqual(before);
}, 60_000);

const ROTATE = "npx glassgate rotate rita --new-key rita.pub --root root-1 --root root-2";

it("rotate shows what it signs, what else the roster changed too, and asks; without a yes nothing is changed", async () => {
  writeFileSync(join(folder, "rita.pub"), JSON.stringify(publicPart(newKey("ES256"))));
  await writeBundle(2);
  const line = `${ROTATE} --gateway east.yaml`;
  const before = readFileSync(join(folder, "roster.yaml"), "utf8");
  writeFileSync(join(folder, "roster.yaml"), before.replace("oncall", "oncall, lead"));
  const [roster, bundle, deployed] = [join(folder, "roster.yaml"), join(folder, "bundle.jws"), east.filter.ecdsPath];
  const texts = (): string[] => [roster, bundle, deployed].map((file) => readFileSync(file, "utf8"));
  const was = texts();
  const refused = await atTerminal(line, ["no"], { cwd: folder, env });
  expect(refused).toMatchObject({ code: 1, stdout: expect.stringMatching(/Not signed\. Nothing was changed\.\s*$/) });
  expect(refused.stdout).toContain("lead");
  expect(refused.stdout).toContain("Against version 2 in bundle.jws");
  expect(refused.stdout).not.toContain("passphrase");
  const alone = await run(...line.split(" ").slice(2));
  expect(alone).toMatchObject({ code: 2, stderr: expect.stringContaining("needs a person at a terminal") });
  expect(texts()).toEqual(was);
  expect(existsSync(join(folder, "bundle.next"))).toBe(false);

  // What comes into the roster while the person reads is not signed unseen, nor lost.
  const swapped = await atTerminal(line, [[/to stop: $/, "yes", 'echo "# later" >> roster.yaml']], {
    cwd: folder,
    env,
  });
  expect(swapped.stdout).toContain("roster.yaml was changed while you read");
  expect(readFileSync(roster, "utf8")).toBe(`${was[0]}# later\n`);
  expect(texts().slice(1)).toEqual(was.slice(1));
  writeFileSync(roster, before);
}, 60_000);

it("rotate says on which gateways the old keys end, and claims nothing of others", async () => {
  writeFileSync(join(folder, "rita.pub"), `${JSON.stringify(publicPart(newKey("ES256")), null, 2)}\n`);
  writeFileSync(join(folder, "bundle.next"), "of somebody else");
  const line = `${ROTATE} --gateway away.yaml --gateway east.yaml`;
  const ran = await atTerminal(line, ["yes"], { cwd: folder, env, columns: 500 });
  expect(ran).toMatchObject({ code: 1 });
  expect(ran.stdout).toContain("bundle.next is there already, and this takes its place");
  expect(ran.stdout).toMatch(
    /the old keys end at .* on east\.yaml\. Any other gateway keeps them until it is pushed\./,
  );
  expect(ran.stdout).toMatch(/away\.yaml: NOT REACHED: version 3\. .*\r?\neast\.yaml: applied: version 3 on all 2 VMs/);
  const roster = readFileSync(join(folder, "roster.yaml"), "utf8");
  expect(roster).toContain("  - id: rita # on call\n    roles: [ oncall ]\n");
  expect(existsSync(join(keys, "rita.key.json"))).toBe(false);
}, 60_000);

it("rotate that no gateway was seen to take says so, and what a restart would serve", async () => {
  writeFileSync(join(folder, "rita.pub"), JSON.stringify(publicPart(newKey("ES256"))));
  const ran = await atTerminal(`${ROTATE} --gateway away.yaml`, ["yes"], { cwd: folder, env, columns: 500 });
  expect(ran.code).not.toBe(0);
  expect(ran.stdout).toContain("hold the new key; that a gateway does was not seen.");
  expect(ran.stdout).toMatch(/What serves now cannot be seen; a restart would serve version 3\.\s*$/);
}, 60_000);
