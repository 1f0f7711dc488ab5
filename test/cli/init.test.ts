/** `glassgate init` makes all or nothing, and the next try works. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { readAnchors } from "../../control/trust/anchors.js";
import { atTerminal, glassgate, type Ran, shell } from "./run.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-init-"));
const WORDS = "seven words and no more than that";
const env = { GLASSGATE_KEYS: "keys", GLASSGATE_PASSPHRASE: WORDS };
const init = (...args: string[]): Promise<Ran> => glassgate(["init", "project", ...args], { cwd: base, env });
const all = (): string[] => readdirSync(base, { recursive: true, encoding: "utf8" }).sort();

beforeEach(() => {
  for (const entry of readdirSync(base)) rmSync(join(base, entry), { recursive: true });
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe("init", () => {
  it("after a typo at root-2 leaves nothing, and the next try works", async () => {
    const line = "unset GLASSGATE_PASSPHRASE; npx glassgate init project; echo code $?";
    const typo = await atTerminal(line, [WORDS, WORDS, WORDS, "something else"], { cwd: base, env });
    expect(typo.stdout).toContain("error: The two passphrases differ. No key was written.");
    expect(typo.stdout).toContain("code 2");
    expect(all()).toEqual([]);
    const again = await atTerminal(line, [WORDS, WORDS, WORDS, WORDS, WORDS, WORDS], { cwd: base, env });
    expect(again.stdout).toContain("code 0");
    expect(all()).toContain("keys/root-3.key.json");
    expect(readAnchors(join(base, "project/anchors.json")).roots).toHaveLength(3);
  });

  const put = (path: string, write: (path: string) => void = (file) => writeFileSync(file, "")): void => {
    mkdirSync(dirname(join(base, path)), { recursive: true });
    write(join(base, path));
  };
  it.each([
    ["a key that exists", () => put("keys/root-2.key.json")],
    ["a link to nowhere", () => put("keys/root-3.key.json", (path) => symlinkSync("x", path))],
    ["a file for a folder of keys", () => put("keys")],
    ["a file for a project", () => put("project")],
    ["a roster's schema", () => put("project/roster.schema.json")],
  ])("beside %s changes nothing", async (_, prepare) => {
    prepare();
    const before = all();
    const ran = await init();
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toMatch(/^error: [^\n]+ Nothing was (?:changed|written)\.\nnext: {2}\S/m);
    expect(all()).toEqual(before);
  });

  it("that cannot have this threshold asks for no passphrase", async () => {
    for (const threshold of ["0", "4", "999999999"]) {
      const ran = await shell(`unset GLASSGATE_PASSPHRASE; npx glassgate init project --threshold ${threshold}`, {
        cwd: base,
        env,
      });
      expect(ran).toMatchObject({ code: 2 });
      expect(ran.stderr).toMatch(/threshold/);
    }
    expect(all()).toEqual([]);
  });

  it.runIf(process.platform === "linux" && process.getuid?.() === 0)("on a full disk leaves nothing", async () => {
    // In a name space of its own: the small disk is gone with it. Where that is not allowed the line says so.
    const line = `unshare -m bash -c 'mkdir disk && mount -t tmpfs -o size=16k tmpfs disk || { echo not allowed; exit 9; }
      cd disk; "${process.execPath}" "$0" init project; code=$?; find . -mindepth 1; exit $code' "$GLASSGATE_MAIN"`;
    const ran = await shell(line, {
      cwd: base,
      env: { ...env, GLASSGATE_MAIN: join(import.meta.dirname, "../../dist/cli/main.js") },
    });
    if (ran.code === 9) return;
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toMatch(/the disk is full\. Nothing was written\.\nnext: {2}Make room/);
  });

  it("takes roots made elsewhere: the line of `key new`, or JSON", async () => {
    for (const [name, flag] of [
      ["a", ""],
      ["b", " --json"],
      ["c", " --algorithm ES256"],
    ])
      expect(await shell(`npx glassgate key new ${name}${flag} > ${name}.txt`, { cwd: base, env })).toMatchObject({
        code: 0,
      });
    const ran = await init("--root", "a.txt", "--root", "b.txt", "--root", "c.txt");
    expect(ran).toMatchObject({ code: 0 });
    expect(readAnchors(join(base, "project/anchors.json")).roots.map(({ kty }) => kty)).toEqual(["OKP", "OKP", "EC"]);
    expect(existsSync(join(base, "keys/root-1.key.json"))).toBe(false);
  });
});
