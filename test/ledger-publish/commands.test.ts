/** `glassgate ledger publish|next|shards`, as a person runs them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { glassgate, main } from "../cli/run.js";
import { readAll } from "./kit.js";
import { BUCKET_OF_TESTS, KEYS, StoreServer } from "./store-server.js";

const root = mkdtempSync(join(tmpdir(), "cli-publish-"));
const SECRETS = [KEYS.secretAccessKey, "correct horse battery staple", "a-session-token"];
let server: StoreServer;
let env: Record<string, string>;
beforeAll(async () => {
  server = await StoreServer.start(BUCKET_OF_TESTS);
  env = {
    GLASSGATE_PASSPHRASE: "correct horse battery staple",
    GLASSGATE_KEYS: join(root, "keys"),
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    AWS_SESSION_TOKEN: "a-session-token",
    AWS_ENDPOINT_URL_S3: server.endpoint,
    GLASSGATE_DEBUG: "1",
  };
});
afterAll(() => server.stop());

async function ledger(args: readonly string[], more: { input?: string; env?: Record<string, string> } = {}) {
  const { input } = more;
  const ran = await glassgate(["ledger", ...args], {
    cwd: root,
    env: { ...env, ...more.env },
    ...(input === undefined ? {} : { input }),
  });
  for (const secret of SECRETS) expect(ran.stdout + ran.stderr).not.toContain(secret);
  return ran;
}

describe("glassgate ledger", () => {
  let october = "";
  beforeAll(async () => {
    const made = await ledger(["init", "eu-10", "--origin", "ledger.example.com/eu/2026-10"]);
    expect(made.stderr).toMatch(/^ {2}glassgate ledger serve eu-10$/m);
    october = made.stdout.trim();
    writeFileSync(join(root, "eu-10.vkey"), `${october}\n`);
    const lines = [...Array(300).keys()].map((i) => `line ${i}\n`).join("");
    expect(await ledger(["append", "eu-10"], { input: lines })).toMatchObject({ code: 0 });
  });

  it("publish sends it and says what was sent; verify reads it from there", async () => {
    const to = `s3://${BUCKET_OF_TESTS}/eu-10`;
    const first = await ledger(["publish", "eu-10", "--to", to, "--json"]);
    expect(first).toMatchObject({ code: 0 });
    const { size } = JSON.parse(first.stdout);
    expect(size).toBeGreaterThanOrEqual(300);
    expect(first.stderr).toMatch(new RegExp(`holds ${size} entries \\(nothing was there\\): \\d+ files sent`));
    expect([...server.objects.keys()].some((key) => key.includes("probe"))).toBe(false);
    const there = { read: async (path: string) => server.objects.get(`eu-10/${path}`) };
    expect(await readAll(there, parseVkey(october))).toBe(size);
    const verified = await ledger(["verify", to, "--key", "eu-10.vkey"]);
    expect(verified).toMatchObject({ code: 0 });
    expect(verified.stdout).toContain(`signed exactly these ${size} entries`);
  });

  it("publish goes on until it is stopped, over a store that is away, with keys from a program", async () => {
    const keys = { Version: 1, AccessKeyId: KEYS.accessKeyId, SecretAccessKey: KEYS.secretAccessKey };
    writeFileSync(join(root, "keys.json"), JSON.stringify(keys));
    const to = ["--to", `s3://${BUCKET_OF_TESTS}/watched`, "--watch", "--every", "1s"];
    const child = spawn(
      process.execPath,
      [main, "ledger", "publish", "eu-10", ...to, "--credential-process", "cat keys.json"],
      { cwd: root, env: { ...process.env, ...env, AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" } },
    );
    let said = "";
    child.stderr.on("data", (bytes: Buffer) => {
      said += bytes.toString();
    });
    const ended = once(child, "exit");
    // Its second round: nothing is new, and the checkpoint is looked at again.
    const rounds = (): number =>
      server.seen.filter(({ method, key }) => method === "GET" && key === "watched/checkpoint").length;
    while (rounds() < 2 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    expect(said).toMatch(/files sent[\s\S]*Stopped\. What the store holds is complete\./);
    expect(server.objects.has("watched/checkpoint")).toBe(true);
  });

  it("publish refuses a store without conditions, and wrong keys, in one sentence", async () => {
    server.keeps = { ifNoneMatch: false, ifMatch: false };
    const before = new Map(server.objects);
    const refused = await ledger(["publish", "eu-10", "--to", `s3://${BUCKET_OF_TESTS}/unfit`]);
    server.keeps = { ifNoneMatch: true, ifMatch: true };
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain("The store does not keep conditions");
    const wrong = { AWS_SECRET_ACCESS_KEY: "another-secret-key" };
    const ran = await ledger(["publish", "eu-10", "--to", `s3://${BUCKET_OF_TESTS}/x`], { env: wrong });
    expect(ran).toMatchObject({ code: 2 });
    expect(ran.stderr).toContain("403 SignatureDoesNotMatch");
    expect(ran.stderr).not.toMatch(/another-secret|secret words/);
    expect(new Map(server.objects)).toEqual(before);
  });

  it("next seals it and makes its successor, once; shards checks all three; nothing is taken in behind the seal", async () => {
    const config = readFileSync(join(root, "eu-10/ledger.yaml"), "utf8");
    writeFileSync(
      join(root, "eu-10/ledger.yaml"),
      config.replace("gateways: []", "gateways:\n  - { id: gateway-1, audit: ../audit.log } # ours"),
    );
    cpSync(join(root, "eu-10"), join(root, "before"), { recursive: true });
    const args = ["next", "eu-10", "eu-11", "--origin", "ledger.example.com/eu/2026-11"];
    const made = await ledger(args);
    expect(made).toMatchObject({ code: 0 });
    expect(made.stderr).toMatch(/Sealed ledger\.example\.com\/eu\/2026-10 at \d+ entries/);
    const yaml = readFileSync(join(root, "eu-11/ledger.yaml"), "utf8");
    expect(yaml).toContain('origin: "ledger.example.com/eu/2026-11"');
    expect(yaml).toContain(`audit: ${join(root, "audit.log")}`);
    expect(yaml).toContain("# ours");
    const again = await ledger(args);
    expect(again).toMatchObject({ code: 0, stdout: made.stdout });
    expect(again.stderr).toContain("It was done already");
    const late = await ledger(["append", "eu-10"], { input: "late\n" });
    expect(late).toMatchObject({ code: 1 });
    expect(late.stderr).toContain("is sealed: records go into its successor ledger.example.com/eu/2026-11");
    const second = await ledger(["next", "eu-11", "eu-12", "--origin", "ledger.example.com/eu/2026-12", "--new-key"]);
    expect(second).toMatchObject({ code: 0 });
    expect(second.stderr).toContain("It has a key of its own");
    const key = second.stdout.trim();
    expect(parseVkey(key).publicKey.equals(parseVkey(october).publicKey)).toBe(false);
    const checked = await ledger(["shards", "eu-12", "eu-11", "eu-10", "--key", key, "--json"]);
    expect(checked).toMatchObject({ code: 0 });
    expect(JSON.parse(checked.stdout)).toMatchObject([
      { origin: "ledger.example.com/eu/2026-12", predecessor: "ledger.example.com/eu/2026-11" },
      { origin: "ledger.example.com/eu/2026-11", predecessor: "ledger.example.com/eu/2026-10" },
      { origin: "ledger.example.com/eu/2026-10", vkey: october, predecessor: null },
    ]);
    cpSync(join(root, "eu-10"), join(root, "october"), { recursive: true });
    const shown = await ledger(["shards", "eu-12", "eu-11", "october", "--key", key]);
    expect(shown.stdout).toMatch(/^eu-12 {5}ledger\.\S+: .*\neu-11 {5}ledger\.\S+: .*\noctober {3}ledger\.\S+: /);
    const cut = await ledger(["shards", "eu-11", "before", "--key", made.stdout.trim()]);
    expect(cut).toMatchObject({ code: 1 });
    expect(cut.stderr).toContain("before is not what ledger.example.com/eu/2026-11 goes on from");
  });

  it("next says that the old one's place in the store is not the new one's", async () => {
    await ledger(["init", "na-10", "--origin", "ledger.example.com/na/2026-10"]);
    const file = join(root, "na-10/ledger.yaml");
    writeFileSync(file, `${readFileSync(file, "utf8")}publish: { to: s3://ledgers/na-10, region: ca-central-1 }\n`);
    const next = ["next", "na-10", "na-11", "--origin", "ledger.example.com/na/2026-11"];
    const warning = /warning: na-11\/ledger\.yaml publishes to s3:\/\/ledgers\/na-10, as the old one does/;
    expect((await ledger(next)).stderr).toMatch(warning);
    const made = join(root, "na-11/ledger.yaml");
    writeFileSync(made, readFileSync(made, "utf8").replace("ledgers/na-10", "ledgers/na-11"));
    const again = await ledger(next);
    expect(again).toMatchObject({ code: 0 });
    expect(again.stderr).not.toMatch(/publishes to/);
  });

  it("next makes one successor of a name: a second would sign another history under the same key", async () => {
    const origin = "ledger.example.com/asia/2026-11";
    await ledger(["init", "asia-10", "--origin", "ledger.example.com/asia/2026-10"]);
    expect(await ledger(["next", "asia-10", "asia-11", "--origin", origin])).toMatchObject({ code: 0 });
    // As somebody does who lost the folder.
    const again = ["next", "asia-10", "other-11", "--origin", origin, "--key", "keys/other.key.json"];
    const refused = await ledger(again);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain(`${origin} was made before: its key is`);
    expect(existsSync(join(root, "other-11"))).toBe(false);
    expect(existsSync(join(root, "keys/other.key.json"))).toBe(false);
    // Also where it was only made, and the other one is there already.
    await ledger(["init", "asia-b", "--origin", "ledger.example.com/asia-b/2026-10"]);
    await ledger(["next", "asia-b", "asia-b-11", "--origin", "ledger.example.com/asia-b/2026-11"]);
    cpSync(join(root, "asia-b-11"), join(root, "asia-b-copy"), { recursive: true });
    const yaml = readFileSync(join(root, "asia-b-11/ledger.yaml"), "utf8");
    const keyFile = /key: "?([^"\n]+\.key\.json)/.exec(yaml)?.[1] ?? "";
    for (const end of ["", ".signed"]) cpSync(keyFile + end, join(root, `keys/copy.key.json${end}`));
    writeFileSync(join(root, "asia-b-copy/ledger.yaml"), yaml.replace(keyFile, join(root, "keys/copy.key.json")));
    const copied = await ledger(["next", "asia-b", "asia-b-copy", "--origin", "ledger.example.com/asia-b/2026-11"]);
    expect(copied).toMatchObject({ code: 1 });
    expect(copied.stderr).toContain("was made before");
  });

  it.each([[[]], [["--new-key"]]])(
    "next that is killed between any two of its files goes on when it is run again (%j)",
    async (more) => {
      const name = `killed${more.length}`;
      await ledger(["init", `${name}-10`, "--origin", `ledger.example.com/${name}/10`]);
      const preload = join(root, "kill.mjs");
      // Before the second file that it puts in its place: each run gets one file farther.
      writeFileSync(
        preload,
        `import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
const { linkSync } = fs;
let placed = 0;
fs.linkSync = (from, to) => {
  placed += 1;
  if (placed === 2) process.kill(process.pid, "SIGKILL");
  return linkSync(from, to);
};
syncBuiltinESMExports();
`,
      );
      const args = ["next", `${name}-10`, `${name}-11`, "--origin", `ledger.example.com/${name}/11`, ...more];
      const killed: (number | null)[] = [];
      do killed.push((await ledger(args, { env: { NODE_OPTIONS: `--import ${preload}` } })).code);
      while (killed.at(-1) === null && killed.length < 9);
      // The note, the configuration, the record, the key; the checkpoint is the last.
      expect(killed).toEqual([null, null, null, null, 0]);
      const again = await ledger(args);
      expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining("It was done already") });
      writeFileSync(join(root, `${name}.vkey`), again.stdout);
      const checked = await ledger(["shards", `${name}-11`, `${name}-10`, "--key", `${name}.vkey`]);
      expect(checked).toMatchObject({ code: 0 });
      // What is left of a lost folder is no such run: its key has signed.
      const yaml = readFileSync(join(root, `${name}-11/ledger.yaml`));
      rmSync(join(root, `${name}-11`), { recursive: true });
      mkdirSync(join(root, `${name}-11`));
      writeFileSync(join(root, `${name}-11/ledger.yaml`), yaml);
      const lost = await ledger(args);
      expect(lost).toMatchObject({ code: 1, stderr: expect.stringContaining("That key was used already") });
      expect(readdirSync(join(root, `${name}-11`))).toEqual(["ledger.yaml"]);
    },
  );

  it("next makes nothing at all where its key's file is taken", async () => {
    const args = ["next", "before", "us-11", "--origin", "ledger.example.com/us/2026-11", "--key", "eu-10.vkey"];
    expect(await ledger(args)).toMatchObject({ code: 2 });
    expect(existsSync(join(root, "us-11"))).toBe(false);
    // A shard goes as a whole one day.
    const within = await ledger(["next", "eu-10", "eu-10/us-11", "--origin", "ledger.example.com/us/2026-11"]);
    expect(within).toMatchObject({ code: 2, stderr: expect.stringContaining("in the folder of the old ledger") });
    expect(existsSync(join(root, "eu-10/us-11"))).toBe(false);
  });
});
