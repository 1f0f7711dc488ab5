/** The question of `approve`: only about what was shown, and its answer holds only as long as what was shown does. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { showTime } from "../../control/base/time.js";
import { detail, nowSeconds, Party } from "../kit/party.js";
import { atTerminal, main, type Ran, run, type Typed } from "./run.js";

// Many runs of the command or the filter: generous, for machines that are busy or slow.
vi.setConfig({ testTimeout: 240_000 });

let party: Party;
beforeAll(async () => {
  party = await Party.make();
});
beforeEach(() => party.pin());
afterAll(() => party.end());

const at = (line: string, typed: readonly Typed[], env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
  atTerminal(`${line}; echo code $?`, typed, { cwd: party.folder, env: { ...party.env, ...env } });
const read = (file: string): string => readFileSync(join(party.folder, file), "utf8");

describe("what was not shown at the terminal is not asked about", () => {
  for (const [name, redirection] of [
    ["a file", "2> log.txt"],
    ["a pipe", "2>&1 >out.txt | cat > log.txt"],
    ["nowhere", "2>&-"],
  ] as const) {
    it(`as it went to ${name}`, async () => {
      party.write("ask.txt", await party.ask());
      party.write("out.txt", "");
      const redirected = redirection.includes("out.txt") ? redirection : `> out.txt ${redirection}`;
      const ran = await at(`set -o pipefail; npx glassgate approve ask.txt --key adam ${redirected}`, ["yes"]);
      expect(ran.stdout).toContain("code 2");
      expect(read("out.txt")).toBe("");
      expect(ran.stdout).not.toContain('Type "yes"');
      if (redirection.includes("log")) expect(read("log.txt")).toContain("was not shown at your terminal");
    });
  }
});

/** A clock that steps by so many seconds once the question stands on the screen. */
const stepping = (seconds: number): Readonly<Record<string, string>> => {
  const code = `let step = 0; const now = Date.now, { stderr } = process, write = stderr.write;
    Date.now = () => now() + step * 1000;
    stderr.write = (text, ...more) => { if (/^Did you speak/.test(text)) step = ${seconds}; return write.call(stderr, text, ...more); };`;
  return { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(code)}` };
};

describe("time that goes by at the question", () => {
  const answer = async (seconds: number, ttl = 900): Promise<string> => {
    party.write("ask.txt", await party.ask({ ttl }));
    party.write("out.txt", "");
    const ran = await at("npx glassgate approve ask.txt --key adam > out.txt", ["yes"], stepping(seconds));
    expect(ran.stdout).toContain("Did you speak");
    return ran.stdout;
  };
  const refused = async (said: Promise<string>, what: RegExp): Promise<void> => {
    const text = (await said).replace(/\s+/g, " ");
    expect(text).toMatch(what);
    expect(text).toContain("code 1");
    expect(text).not.toContain("Approved as");
    expect(read("out.txt")).toBe("");
  };

  it("may end the ask, its age, the bundle or a role: nothing is signed", async () => {
    await refused(answer(100, 90), /error: .*The ask expired/);
    await refused(answer(700), /made 11 minutes .*ago/);
    await refused(answer(-60), /in the future/);
    await party.pin({ exp: nowSeconds() + 200 });
    await refused(answer(300), /must not be approved: bundle_expired/);
    const [rita, , adam, anna] = party.principals();
    if (!rita || !adam || !anna) throw new Error("the party is complete");
    const leaving = { ...adam, roles: [{ role: "lead", exp: nowSeconds() + 200 }] };
    await party.pin({ principals: [rita, leaving, anna] });
    await refused(answer(300), /you hold none of the roles/);
  });

  it("and leaves a good one good", async () => {
    expect(await answer(30)).toContain("Approved as adam.");
    expect(read("out.txt")).toMatch(/^[\w-]+\.\.[\w-]{86}\n$/);
  });
});

it("what scrolls off the screen is told, to the line", async () => {
  party.write("ask.txt", await party.ask());
  const notice = /scroll up and read them all/;
  const lines = async (rows: number): Promise<{ count: number; said: string }> => {
    const said = (await at(`stty cols 80 rows ${rows}; npx glassgate approve ask.txt --key adam`, ["no"])).stdout;
    return { count: said.slice(0, said.indexOf('Type "yes"')).split("\n").length, said };
  };
  const { count, said } = await lines(100);
  expect(said).not.toMatch(notice);
  for (const rows of [count - 1, count - 4]) expect((await lines(rows)).said).toMatch(notice);
});

it("a terminal that is gone ends it with its sentence", async () => {
  const script = `
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execvp("bash", ["bash", "-c", sys.argv[1]])
seen = b""
while not seen.endswith(b": "):
    seen += os.read(terminal, 1024)
os.close(terminal)
os.waitpid(child, 0)
`;
  const line = 'trap "" HUP; npx() { shift; "$NODE" "$MAIN" "$@"; }; npx glassgate key new zoe > out.txt 2> log.txt';
  const env = { ...party.env, NODE: process.execPath, MAIN: main };
  await run("env", ["-u", "GLASSGATE_PASSPHRASE", "python3", "-c", script, line], { cwd: party.folder, env });
  expect(read("log.txt")).toContain("error: Stopped. Nothing was written.");
  expect(read("log.txt")).not.toMatch(/device|went wrong/);
});

it("a command that was stopped and goes on does not show the passphrase", async () => {
  const script = String.raw`
import os, pty, signal, subprocess, sys, time
child, terminal = pty.fork()
if child == 0:
    os.environ["PS1"] = "next$ "
    os.execvp("bash", ["bash", "--norc", "-i"])
seen = b""
def until(end):
    global seen
    while end not in seen:
        seen += os.read(terminal, 1024)
    sys.stdout.buffer.write(seen)
    seen = b""
until(b"next$ ")
os.write(terminal, b'''bash -c 'echo $$ > pid; exec "$NODE" "$MAIN" key new zoe'\n''')
until(b"of zoe: ")
os.kill(int(open("pid").read()), signal.SIGSTOP)
until(b"next$ ")
os.write(terminal, b"fg; stty -a | grep -ow -- -*echo\n")
until(b"exec")
end = time.time() + 60
while "-icanon" not in subprocess.run(["stty", "-a"], stdin=terminal, capture_output=True, text=True).stdout and time.time() < end:
    time.sleep(0.05)
os.write(terminal, b"a secret of many words\r")
until(b"Once more: ")
os.write(terminal, b"a secret of other words\r")
until(b"next$ ")
os.kill(child, signal.SIGKILL)
`;
  const env = { ...party.env, NODE: process.execPath, MAIN: main };
  const options = { cwd: party.folder, env };
  const { stdout, stderr } = await run("env", ["-u", "GLASSGATE_PASSPHRASE", "python3", "-c", script], options);
  expect(stderr).toBe("");
  expect(stdout).toContain("The two passphrases differ.");
  expect(stdout).not.toContain("secret");
  expect(stdout).toMatch(/\necho\r?\n/);
});

describe("a grant", () => {
  it("is said to open until the bundle ends, where that is before its own end", async () => {
    const end = nowSeconds() + 300;
    await party.pin({ exp: end });
    const ask = await party.ask();
    const approvals = [await party.approve(ask, "adam"), await party.approve(ask, "anna")];
    const { code, stderr } = await party.run(["grant", ask, approvals.join(" "), "--key", "rita"]);
    expect(code).toBe(0);
    expect(stderr).toContain(`It opens until ${showTime(end)}, and is a secret until `);
  });

  it("is not made of half a chat without a word", async () => {
    const ask = await party.ask({ details: [detail] });
    const [adam, anna] = [await party.approve(ask, "adam"), await party.approve(ask, "anna")];
    const { code, stderr } = await party.run(["grant", ask, `${adam}\n${anna.slice(0, -9)}\nok?`, "--key", "rita"]);
    expect(code).toBe(1);
    expect(stderr).toContain(
      "warning: Approval 1 also holds an approval, cut short: 9 characters of its signature are missing; it is left out.",
    );
    expect(stderr).toMatch(/Still missing:\n {2}1 of security: anna/);
  });
});

it("explain reads a date as rosters do", async () => {
  const ask = await party.ask();
  const approvals = [await party.approve(ask, "adam"), await party.approve(ask, "anna")];
  const { stdout: grant } = await party.run(["grant", ask, approvals.join(" "), "--key", "rita"]);
  const explain = (time: string, TZ = "America/New_York"): Promise<Ran> =>
    party.run(["explain", grant, "GET", "https://api.example.com/orders/42", "--at", time], { env: { TZ } });
  const moment = new Date((nowSeconds() + 60) * 1000).toISOString().slice(0, 16);
  expect((await explain(moment)).stdout).toMatch(/^allow/);
  for (const [time, why] of [
    ["2027-02-30", "is no date of the calendar"],
    ["1801440000000", "looks like milliseconds"],
    ["1", "would be 1970-01-01"],
    ["tomorrow", "must be a UTC date"],
  ] as const) {
    const { code, stdout, stderr } = await explain(time);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(why);
  }
});
