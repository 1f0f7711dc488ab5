/** Bad input gets one clear error and the next step, exit code 2, and leaves no file half-written. */
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inside } from "./inside.js";
import { atTerminal, glassgate, type Ran, shell } from "./run.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-errors-"));
const keys = join(base, "keys");
const env = { GLASSGATE_KEYS: keys, GLASSGATE_PASSPHRASE: "right" };
const run = (args: readonly string[], more: Record<string, string> = {}): Promise<Ran> =>
  glassgate(args, { cwd: base, env: { ...env, ...more } });
/** The same in this process, for all further cases of a kind of which one is seen as a process of its own. */
const here = (args: readonly string[], more: Record<string, string> = {}): Promise<Ran> =>
  inside(args, { cwd: base, env: { ...env, ...more } });

/** One sentence and the next step, nothing on stdout, no stack. */
function expectError({ code, stdout, stderr }: Ran, sentence: string | RegExp, next: string | RegExp): void {
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(sentence);
  expect(stderr).toMatch(/^next: /m);
  expect(stderr.slice(stderr.indexOf("next: "))).toMatch(next);
  expect(stderr).not.toMatch(/^\s+at .*\.js/m);
}

beforeAll(async () => {
  expect(await run(["init", "."])).toMatchObject({ code: 0 });
  expect(await run(["key", "new", "rita"])).toMatchObject({ code: 0 });
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe("the command line", () => {
  it("refuses unknown commands and flags with the nearest right name", async () => {
    expectError(await run(["bundel"]), /unknown command 'bundel'\n\(Did you mean bundle\?\)/, "--help");
    expectError(await here(["key", "list", "--jsn"]), /unknown option '--jsn'\n\(Did you mean --json\?\)/, "--help");
    expectError(await here(["bundle", "build", "extra"]), /too many arguments/, "--help");
  });

  it("names the flag that was misspelt, also where it is one that must be there", async () => {
    const misspelt = ["review", "list", "ledger", "--keyy", "ledger.vkey"];
    expectError(await here(misspelt), /unknown option '--keyy'\n?.*\(Did you mean --key\?\)/s, "review list --help");
    expectError(await here(["ledger", "verify", "l", "--ky=x"]), /unknown option '--ky'/, "verify --help");
  });

  it("says what a flag is that must be there, and which commands there are", async () => {
    expectError(await here(["review", "list", "ledger"]), /required option '--key <vkey>'/, "the log's verifier key");
    for (const group of [["review"], ["ledger"], []]) {
      const { code, stderr } = await here(group);
      expect(code).toBe(2);
      expect(stderr).toContain("Commands:");
      expect(stderr).not.toContain("outputHelp");
      expect(stderr).toContain(["next:  Name one of those above: glassgate", ...group, "COMMAND."].join(" "));
    }
  });

  it("has examples in the help of every command", async () => {
    const paths = [
      ["init"],
      ["key", "new"],
      ["key", "list"],
      ["key", "show"],
      ["bundle", "build"],
      ["bundle", "sign"],
      ["bundle", "show"],
      ["bundle", "verify"],
      ["ask"],
      ["approve"],
      ["grant"],
      ["explain"],
      ["push"],
      ["rotate"],
      ["gateway", "render"],
      ["gateway", "run"],
      ["gateway", "verify"],
      ["completion"],
      ...["run", "curl", "proxy", "status", "return", "revoke"].map((command) => [command]),
    ];
    for (const path of paths) {
      const { code, stdout } = await (path[0] === "init" ? run : here)([...path, "--help"]);
      expect(code, path.join(" ")).toBe(0);
      expect(stdout, path.join(" ")).toContain(`Examples:\n  $ `);
    }
  });

  it("completes commands and flags in three shells", async () => {
    expect((await run(["completion", "bash"])).stdout).toContain("complete -o filenames -F _glassgate glassgate");
    expect((await here(["completion", "zsh"])).stdout).toContain("#compdef glassgate");
    expect((await here(["completion", "fish"])).stdout).toContain("complete -c glassgate");
    expectError(await here(["completion", "tcsh"]), /no completion for tcsh/, "bash, zsh or fish");
    const script = (await here(["completion", "bash"])).stdout;
    const offered = async (...words: string[]): Promise<string[]> => {
      const line = `COMP_WORDS=(glassgate ${words.join(" ")} ""); COMP_CWORD=${words.length + 1}; _glassgate; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout } = await shell(`${script}\n${line}`, { cwd: base });
      return stdout.split("\n");
    };
    expect(await offered()).toEqual(expect.arrayContaining(["run", "curl", "proxy", "status", "return", "revoke"]));
    expect(await offered("revoke")).toEqual(expect.arrayContaining(["stop", "--person", "--take-back", "--list"]));
    expect(await offered("ask")).toEqual(expect.arrayContaining(["--also", "--again", "--net", "--bind-cert"]));
    const drill = await offered("drill");
    expect(drill).toEqual(expect.arrayContaining(["init", "run", "undo"]));
    expect(drill).not.toContain("watch"); // That is for the command itself.
    expect(await offered("completion")).toEqual(expect.arrayContaining(["bash", "zsh", "fish"]));
  });
});

it.each(["run", "curl"])("what is for another program stands behind --: %s", async (command) => {
  const words = [command, "--grant", "grant.txt", "-X", "POST", "https://api.example.com/orders/42"];
  expectError(await run(words), /unknown option '-X'/, `stands behind --: glassgate ${command} -- ARGUMENTS`);
});

describe("the roster", () => {
  const original = (): string => readFileSync(join(base, "roster.yaml"), "utf8");
  const withRoster = async (change: (text: string) => string): Promise<Ran> => {
    const before = original();
    writeFileSync(join(base, "roster.yaml"), change(before));
    try {
      return await here(["bundle", "build"]);
    } finally {
      writeFileSync(join(base, "roster.yaml"), before);
      expect(existsSync(join(base, "bundle.next"))).toBe(false);
    }
  };

  it("is refused with file, line, column and the nearest right name", async () => {
    expectError(
      await withRoster((text) => text.replace("    person: rita", "    persn: rita")),
      /roster\.yaml:13:5: principals\[1\]: unknown member "persn"; did you mean "person"\?/,
      /Nothing was written/,
    );
    expectError(
      await withRoster((text) => text.replace("max_ttl: 15m", "max_tll: 15m")),
      /roster\.yaml:\d+:5: entitlements\[0\]: unknown member "max_tll"; did you mean "max_ttl"\?/,
      /Mend the roster/,
    );
    expectError(
      await withRoster((text) => text.replace("max_ttl: 15m", "max_ttl: soon")),
      /roster\.yaml:\d+:\d+: entitlements\[0\]\.max_ttl: must be seconds or a duration/,
      /Mend/,
    );
    expectError(
      await withRoster((text) => text.replace("paths: [/orders/*, ", "paths: [/orders/../*, ")),
      /must be a path pattern/,
      /Mend/,
    );
    expectError(
      await withRoster((text) => text.replace("- id: adam", "- id: rita")),
      /the principal rita occurs twice/,
      /Mend/,
    );
  });

  it("half-written is one sentence about where", async () => {
    expectError(
      await withRoster((text) => `${text.slice(0, text.indexOf("reasons: [") + 12)}`),
      /roster\.yaml:\d+:\d+: /,
      /Mend/,
    );
  });

  it("missing says what to do", async () => {
    expectError(
      await run(["bundle", "build", "--roster", "nope.yaml"]),
      /Cannot read the roster nope\.yaml: it does not exist\./,
      /glassgate init/,
    );
  });
});

describe("keys", () => {
  it("a wrong passphrase is one sentence", async () => {
    await here(["bundle", "build"]);
    const line = "npx glassgate bundle sign --key root-1";
    const ran = await atTerminal(line, ["yes"], { cwd: base, env: { ...env, GLASSGATE_PASSPHRASE: "wrong" } });
    expect(ran.code).toBe(2);
    expect(ran.stdout).toMatch(/The passphrase does not open the key root-1\./);
    expect(ran.stdout).toMatch(/next: {2}Try again/);
    rmSync(join(base, "bundle.next"));
  });

  it("a key that is not there names the nearest", async () => {
    await here(["bundle", "build"]);
    expectError(
      await run(["bundle", "sign", "--key", "rot-1"]),
      /no key named rot-1\. Did you mean root-1\?/,
      /glassgate key new/,
    );
    rmSync(join(base, "bundle.next"));
  });

  it("a damaged or open key file is refused", async () => {
    const path = join(keys, "rita.key.json");
    const before = readFileSync(path, "utf8");
    writeFileSync(path, before.slice(0, 40));
    expectError(await run(["key", "show", "rita"]), /rita\.key\.json is damaged/, /backup/);
    writeFileSync(path, before);
    chmodSync(path, 0o644);
    expectError(await here(["key", "show", "rita"]), /can be read by others/, /chmod 600/);
    chmodSync(path, 0o600);
  });

  it("are never overwritten, and new ones are private", async () => {
    expectError(await run(["key", "new", "rita"]), /There is a key rita already/, /another name/);
    expectError(await here(["init", "."]), /exists already\. Nothing was changed\./, /empty directory/);
    expect((await here(["key", "list"])).stdout).toMatch(/^rita\s+Ed25519\s+[\w-]{43}$/m);
    for (const file of readdirSync(keys)) expect(readFileSync(join(keys, file), "utf8")).not.toContain('"d"');
  });

  it("an empty passphrase makes no key", async () => {
    expectError(
      await here(["key", "new", "empty"], { GLASSGATE_PASSPHRASE: "" }),
      /The passphrase is empty/,
      /several words/,
    );
    expect(existsSync(join(keys, "empty.key.json"))).toBe(false);
  });

  it("without a terminal the passphrase is asked for by its other names", async () => {
    const { GLASSGATE_PASSPHRASE: _, ...rest } = process.env;
    const ran = await glassgate(["key", "new", "quiet"], {
      cwd: base,
      env: {
        ...Object.fromEntries(Object.entries(rest).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]]))),
        GLASSGATE_KEYS: keys,
      },
    });
    expectError(ran, /there is no terminal to ask at/, /--passphrase-fd N, or set GLASSGATE_PASSPHRASE/);
  });
});

describe("messages", () => {
  it("that are cut or of another kind are named", async () => {
    expectError(
      await run(["explain", "nothing-here.txt", "GET", "https://api.example.com/"]),
      /there is no file nothing-here\.txt/,
      /- for standard input/,
    );
    expectError(
      await here(["ask", "get", "https://a/", "--ent", "x", "--reason", "y", "--text", "z", "--key", "rita"]),
      /trust bundle bundle\.jws: it does not exist/,
      /bundle build/,
    );
  });
});

describe("at a terminal", () => {
  it("asks for a new key's passphrase twice, without echo", async () => {
    const words = "seven words and no more than that";
    const ran = await atTerminal("unset GLASSGATE_PASSPHRASE; npx glassgate key new typed", [words, words], {
      cwd: base,
      env,
    });
    expect(ran.stdout).not.toContain(words);
    expect(ran.code).toBe(0);
    expect(existsSync(join(keys, "typed.key.json"))).toBe(true);
  });
});
