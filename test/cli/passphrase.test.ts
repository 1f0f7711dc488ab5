/** Where passphrases come from: a descriptor's lines for several keys, the environment, and nobody else's. */
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { openKey } from "../../control/cli/context.js";
import { readKeyFile, unlockKey } from "../../control/signer/keyfile.js";
import { passphraseFor, takePassphrase } from "../../control/signer/passphrase.js";
import { makeProject } from "./project.js";
import { atTerminal, glassgate, main, shell } from "./run.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-passphrases-"));
const keys = join(base, "keys");
const env = { GLASSGATE_KEYS: keys };
const options = { cwd: base, env };
afterEach(() => {
  for (const name of ["keys", "project"]) rmSync(join(base, name), { recursive: true, force: true });
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const opens = async (name: string, passphrase: string): Promise<boolean> =>
  unlockKey(readKeyFile(join(keys, `${name}.key.json`)), passphrase).then(
    () => true,
    () => false,
  );

describe("--passphrase-fd", () => {
  it("gives each key its line", async () => {
    const ran = await shell(
      "npx glassgate init project --passphrase-fd 3 3< <(printf 'first of three\\r\\nsecond of three\\nthird of three')",
      options,
    );
    expect(ran).toMatchObject({ code: 0 });
    const opened = await Promise.all([
      opens("root-1", "first of three"),
      opens("root-2", "second of three"),
      opens("root-3", "third of three"),
    ]);
    expect(opened).toEqual([true, true, true]);
  });

  it("of one line is for all keys", async () => {
    const ran = await glassgate(["init", "project", "--passphrase-fd", "0"], {
      ...options,
      input: "one for all of them\n",
    });
    expect(ran).toMatchObject({ code: 0 });
    expect(await opens("root-3", "one for all of them")).toBe(true);
  });

  for (const [name, input, sentence] of [
    ["runs out", "first of three\nsecond of three\n", /no line with the passphrase of root-3/],
    ["is empty", "", /no line with the passphrase of root-1/],
    ["begins with an empty line", "\nsecond\nthird\n", /The passphrase is empty/],
    ["has an empty line", "first of three\n\nthird\n", /The passphrase is empty/],
    ["is binary", Buffer.from([0xff, 0xfe, 0x00, 0x0a]), /control character, or bytes that are not UTF-8/],
    ["never ends", Buffer.alloc(1_000_000, "x"), /more than 64 KiB are no passphrase/],
  ] as const) {
    it(`that ${name} is one sentence, and nothing is written`, async () => {
      const ran = await glassgate(["init", "project", "--passphrase-fd", "0"], { ...options, input });
      expect(ran).toMatchObject({ code: 2, stdout: "" });
      expect(ran.stderr).toMatch(sentence);
      expect(ran.stderr).toMatch(/^next: /m);
      expect([existsSync(keys), existsSync(join(base, "project"))]).toEqual([false, false]);
    });
  }

  it("serves a command that opens several keys", async () => {
    const project = await makeProject("right for every key");
    writeFileSync(join(base, "lines"), "right for every key\nwrong\nright for every key\n");
    const descriptor = openSync(join(base, "lines"), "r");
    try {
      expect((await openKey(project.keys, "root-1", descriptor)).kid).toBe(project.key("root-1").kid);
      await expect(openKey(project.keys, "root-2", descriptor)).rejects.toThrow(/does not open the key root-2/);
      expect((await openKey(project.keys, "root-3", descriptor)).kid).toBe(project.key("root-3").kid);
      await expect(openKey(project.keys, "rita", descriptor)).rejects.toThrow(/no line with the passphrase of rita/);
    } finally {
      closeSync(descriptor);
      project.remove();
    }
  });

  it("that is not open, or would show what is typed, is one sentence", async () => {
    const closed = await glassgate(["key", "new", "rita", "--passphrase-fd", "77"], options);
    expect(closed).toMatchObject({ code: 2 });
    expect(closed.stderr).toMatch(/Cannot read the passphrase from file descriptor 77: it is not open\./);
    const shown = await atTerminal("npx glassgate key new rita --passphrase-fd 0; echo code $?", [], options);
    expect(shown.stdout).toMatch(/is a terminal, which would show the passphrase[\s\S]*code 2/);
    expect(existsSync(keys)).toBe(false);
  });
});

describe("GLASSGATE_PASSPHRASE", () => {
  it("is known to the command and to none of its children", async () => {
    const script = join(base, "child.mjs");
    writeFileSync(
      script,
      `process.argv.splice(1, 1);
       const { main } = await import(${JSON.stringify(new URL("run.js", `file://${main}`).href)});
       await main(["key", "new", "rita", "--json"]);
       const { spawnSync } = await import("node:child_process");
       console.log(spawnSync("env", { encoding: "utf8" }).stdout);`,
    );
    const ran = await shell(`"${process.execPath}" child.mjs x`, {
      cwd: base,
      env: { ...env, GLASSGATE_PASSPHRASE: "known to one alone" },
    });
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stdout).toMatch(/^PATH=/m);
    expect(ran.stdout).not.toContain("known to one alone");
    expect(readFileSync(join(keys, "rita.key.json"), "utf8")).toContain('"encrypted"');
  });

  it("is taken out of the environment when it is read", async () => {
    process.env.GLASSGATE_PASSPHRASE = "in this process";
    expect(takePassphrase()).toBe("in this process");
    expect(process.env.GLASSGATE_PASSPHRASE).toBeUndefined();
    expect(await passphraseFor("rita", {})).toBe("in this process");
  });

  it("that is short gets a gentle word, and is never printed", async () => {
    const ran = await glassgate(["key", "new", "rita"], {
      cwd: base,
      env: { ...env, GLASSGATE_PASSPHRASE: "Tr0ub4dor" },
    });
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stderr).toMatch(/warning: the passphrase of rita is short/);
    expect(ran.stdout + ran.stderr).not.toContain("Tr0ub4dor");
  });
});

it.runIf(process.platform === "linux")(
  "a descriptor that was not handed over is refused, and never waited for",
  async () => {
    for (const descriptor of ["4", "5", "6", "7", "8", "11", "12", "13", "16", "17"]) {
      const ran = await glassgate(["key", "new", "zoe", "--passphrase-fd", descriptor], options);
      expect({ descriptor, ...ran }).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/not handed to|not open|no line/),
      });
      expect(existsSync(join(keys, "zoe.key.json"))).toBe(false);
    }
  },
);
