/** `gateway run` as it stands: whatever standard output is, whatever ends it, whatever is wrong. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { send } from "../../control/gateway/client.js";
import { defaultConfiguration, ecdsText, writeEcds } from "../../control/gateway/ecds.js";
import { readRenderedFilter } from "../../control/gateway/rendered.js";
import { reasonFrom } from "../../control/gateway/run.js";
import { inside } from "../cli/inside.js";
import { freePort, glassgate, quickMain, type Ran } from "../cli/run.js";

const PATIENCE = 60_000;
/** What `gateway run` listens for. */
const ENDS = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR2"] as const;
const SIGNALS = [...ENDS, "SIGUSR1"] as const;
vi.setConfig({ testTimeout: 3 * PATIENCE });
const base = mkdtempSync(join(tmpdir(), "glassgate-run-"));
const temporary = join(base, "tmp");
mkdirSync(temporary);
const env = {
  GLASSGATE_KEYS: join(base, "keys"),
  GLASSGATE_PASSPHRASE: "not for Envoy to know",
  TMPDIR: temporary,
};
const config = join(base, "gateway.yaml");
const command = (...args: string[]): Promise<Ran> => glassgate(args, { cwd: base, env });
/** Without a process of its own, for what is refused: each start of one takes half a second. One at a time. */
async function here(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const listeners = SIGNALS.map((signal) => process.listeners(signal));
  const { send: tell } = process;
  Reflect.deleteProperty(process, "send"); // It is no gateway in the background, whose starter waits to be told.
  try {
    return await inside(args, { cwd: base, env: { ...env, ...more } });
  } finally {
    if (tell !== undefined) process.send = tell;
    // A process of its own would have ended with what it listens for.
    for (const [i, signal] of SIGNALS.entries())
      for (const listener of process.listeners(signal))
        if (listeners[i]?.includes(listener) !== true) process.off(signal, listener);
  }
}
const render = (...more: string[]): Promise<Ran> =>
  here([
    "gateway",
    "render",
    "--output",
    "gateway.yaml",
    "--port",
    String(port),
    "--admin-port",
    String(admin),
    ...more,
  ]);
let port: number;
let admin: number;
let upstream: number;
let running: ChildProcess | undefined;

interface Started {
  readonly child: ChildProcess;
  said(): string;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  /** The process of Envoy. */
  readonly envoy: number;
}

/** Starts `gateway run` with that standard output and waits until it says that Envoy is up. */
async function start(stdout: "pipe" | number = "pipe", ...before: string[]): Promise<Started> {
  const [program = "", ...args] = [...before, process.execPath, quickMain, "gateway", "run", "gateway.yaml"];
  const child = spawn(program, args, { cwd: base, env: { ...process.env, ...env }, stdio: ["ignore", stdout, "pipe"] });
  running = child;
  let text = "";
  for (const stream of [child.stderr, child.stdout])
    stream?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  await expect.poll(() => text, { timeout: PATIENCE }).toMatch(/is up: api on port \d+[\s\S]*Ctrl-C stops it/);
  return { child, said: () => text, ended, envoy: envoyOf(child.pid ?? 0) };
}

/** Envoy among the descendants of a process. */
function envoyOf(ancestor: number): number {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
  const processes = rows.map((row) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(row)).filter((row) => row !== null);
  const parents = [ancestor];
  for (const parent of parents) {
    for (const [, pid = "", ppid, args = ""] of processes) {
      if (Number(ppid) !== parent) continue;
      if (args.includes("--admin-address-path")) return Number(pid);
      parents.push(Number(pid));
    }
  }
  throw new Error("no Envoy was started");
}

/** Neither there nor a zombie. */
function isAlive(pid: number): boolean {
  try {
    return !execFileSync("ps", ["-p", String(pid), "-o", "stat="], { encoding: "utf8" })
      .trim()
      .startsWith("Z");
  } catch {
    return false;
  }
}
const expectGone = (pid: number) => expect.poll(() => isAlive(pid), { timeout: PATIENCE }).toBe(false);
const expectNoLeftovers = () => expect.poll(() => readdirSync(temporary), { timeout: PATIENCE }).toEqual([]);
/** Says its version, and is never up. */
function slowEnvoy(): string {
  const path = join(base, "slow-envoy");
  const version = "echo 'envoy  version: 0/1.40.0/Clean/RELEASE/BoringSSL'";
  const script = `[ "$1" = --version ] && { ${version}; exit; }\necho $$ > slow.pid; exec sleep 600`;
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}
/** Each of the signals is the end of one of the tests. */
async function endsBy(signal: (typeof ENDS)[number], { child, ended, said, envoy }: Started): Promise<void> {
  child.kill(signal);
  expect(await ended).toEqual({ code: 0, signal: null });
  expect(said()).toContain(`Stopping Envoy (${signal}) ...\nEnvoy has stopped.\n`);
  await expectGone(envoy);
  expect(existsSync(`${config}.pid`)).toBe(false);
  await expectNoLeftovers();
}
const status = async (): Promise<number> => (await send({ port, path: "/orders/42" })).status;

beforeAll(async () => {
  [port, admin, upstream] = [await freePort(), await freePort(), await freePort()];
  expect(await command("init", ".")).toMatchObject({ code: 0 });
  expect(await render("--demo-idp", "--upstream", `127.0.0.1:${upstream}`)).toMatchObject({ code: 0 });
}, 120_000);
afterEach(() => {
  running?.kill("SIGTERM");
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

function expectError({ code, stderr }: Ran, expected: number, sentence: RegExp, next: RegExp): void {
  expect({ code, stderr }).toEqual({ code: expected, stderr: expect.stringMatching(sentence) });
  expect(stderr.slice(stderr.indexOf("next: "))).toMatch(next);
  expect(stderr).not.toMatch(/^\s+at .*\.js/m);
}

describe("starts with standard output", () => {
  it("a file; and leaves no Envoy behind after SIGTERM", async () => {
    const started = await start(openSync(join(base, "out.txt"), "w"));
    expect(await status()).toBe(401);
    if (existsSync("/proc/self/environ"))
      expect(readFileSync(`/proc/${started.envoy}/environ`, "utf8")).not.toContain(env.GLASSGATE_PASSPHRASE);
    await endsBy("SIGTERM", started);
    expect(readFileSync(join(base, "logs", "access.log"), "utf8")).toContain('"code":401');
  });

  it("a pipe of a shell", async () => {
    const { child, ended, said, envoy } = await start("pipe", "bash", "-c", '"$0" "$@" | cat');
    expect(await status()).toBe(401);
    process.kill(Number(readFileSync(`${config}.pid`, "utf8")), "SIGINT");
    await ended;
    expect(said()).toContain("Stopping Envoy (SIGINT)");
    await expectGone(envoy);
    child.kill();
  });

  it("a socket, as Node gives it to a child; and says that an ECDS file of no use does not serve; SIGHUP", async () => {
    const { ecdsPath } = readRenderedFilter(readFileSync(config, "utf8"), config);
    writeEcds(ecdsPath, "{}");
    const started = await start();
    rmSync(ecdsPath);
    expect(started.said().replace(/\s+/g, " ")).toMatch(
      /holds no configuration of this filter, so that of gateway\.yaml serves/,
    );
    expect(await status()).toBe(401);
    await endsBy("SIGHUP", started);
  });

  it("a terminal, that then goes away", async () => {
    const pty = "import pty,sys; pty.spawn(sys.argv[1:])";
    const { child, envoy } = await start("pipe", "python3", "-c", pty);
    expect(await status()).toBe(401);
    child.kill("SIGKILL"); // The terminal's end is closed: SIGHUP.
    await expectGone(envoy);
  });
});

describe("with its logs on standard output", () => {
  it("writes them to a file, and says so where Envoy cannot; SIGUSR2", async () => {
    expect(await render("--require", "--log", "/dev/stdout")).toMatchObject({ code: 0 });
    expectError(await command("gateway", "run", "gateway.yaml"), 1, /cannot write its log \/dev\/stdout/, /--log/);
    const started = await start(openSync(join(base, "stdout.txt"), "w"));
    expect(await status()).toBe(403);
    await endsBy("SIGUSR2", started);
    expect(readFileSync(join(base, "stdout.txt"), "utf8")).toContain('"code":403');
    expect(await render("--jwks", "idp-jwks.json", "--upstream", `127.0.0.1:${upstream}`)).toMatchObject({ code: 0 });
  });
});

describe("leaves no Envoy behind", () => {
  it("when it is interrupted again and again", async () => {
    const { child, ended, said, envoy } = await start();
    for (const signal of ["SIGINT", "SIGINT", "SIGTERM", "SIGINT"] as const) child.kill(signal);
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(said().match(/Stopping Envoy/g)).toHaveLength(1);
    await expectGone(envoy);
  });

  it("when it is ended before Envoy is up", async () => {
    const slow = slowEnvoy();
    for (const signal of ENDS) {
      rmSync(join(base, "slow.pid"), { force: true });
      const child = spawn(process.execPath, [quickMain, "gateway", "run", "gateway.yaml"], {
        cwd: base,
        env: { ...process.env, ...env, ENVOY_BIN: slow },
        stdio: "ignore",
      });
      running = child;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      const pid = (): string =>
        existsSync(join(base, "slow.pid")) ? readFileSync(join(base, "slow.pid"), "utf8") : "";
      await expect.poll(pid, { timeout: PATIENCE }).toMatch(/^\d+\n$/);
      child.kill(signal);
      expect(await ended).toBe(130);
      await expectGone(Number(pid()));
      await expectNoLeftovers();
    }
  });

  it("when it is killed itself", async () => {
    const { child, ended, envoy } = await start();
    child.kill("SIGKILL");
    expect(await ended).toMatchObject({ signal: "SIGKILL" });
    await expectGone(envoy);
    await expectNoLeftovers();
  });

  it("when it is killed at the very moment at which Envoy starts", async () => {
    const pid = join(base, "started.pid");
    const dies = `import cp from "node:child_process";
import { writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
const { spawn } = cp;
cp.spawn = (...given) => {
  const child = spawn(...given);
  writeFileSync(${JSON.stringify(pid)}, String(child.pid));
  process.kill(process.pid, "SIGKILL");
  return child;
};
syncBuiltinESMExports();`;
    const child = spawn(
      process.execPath,
      ["--import", `data:text/javascript,${encodeURIComponent(dies)}`, quickMain, "gateway", "run", "gateway.yaml"],
      { cwd: base, env: { ...process.env, ...env, ENVOY_BIN: slowEnvoy() }, stdio: "ignore" },
    );
    expect(await new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal)))).toBe("SIGKILL");
    await expectGone(Number(readFileSync(pid, "utf8")));
    await expectNoLeftovers();
  });

  it("and says so with exit code 1 when Envoy ends by itself", async () => {
    for (const signal of ["SIGKILL", "SIGABRT"] as const) {
      const { ended, said, envoy } = await start();
      process.kill(envoy, signal);
      expect(await ended).toEqual({ code: 1, signal: null });
      expect(said()).toMatch(
        new RegExp(`error: Envoy was killed \\(${signal}\\), [^]*next: .*gateway run gateway\\.yaml`),
      );
      await expectNoLeftovers();
    }
    const { ended, said, envoy } = await start();
    process.kill(envoy, "SIGTERM");
    expect(await ended).toEqual({ code: 1, signal: null });
    expect(said()).toContain("Envoy ended by itself, with exit code 0; nothing listens any more.");
  });
});

describe("SIGUSR1", () => {
  it("has Envoy open its logs anew, and opens no debugger; SIGQUIT", async () => {
    const started = await start();
    const { child, said } = started;
    const log = join(base, "logs", "access.log");
    renameSync(log, `${log}.1`);
    child.kill("SIGUSR1");
    await expect
      .poll(
        async () => {
          await status();
          return existsSync(log);
        },
        { timeout: PATIENCE },
      )
      .toBe(true);
    expect(said()).not.toContain("Debugger");
    await endsBy("SIGQUIT", started);
  });
});

describe("an upstream", () => {
  it("of IPv6 is reached; SIGINT", async () => {
    const server = createHttpServer((_, response) => response.end("from ::1")).listen(0, "::1");
    await once(server, "listening");
    const address = server.address();
    const six = typeof address === "object" && address !== null ? address.port : 0;
    expect(await render("--jwks", "idp-jwks.json", "--upstream", `[::1]:${six}`)).toMatchObject({ code: 0 });
    const started = await start();
    const authorization = /authorization: (.*)/.exec(readFileSync(join(base, "caller.txt"), "utf8"))?.[1] ?? "";
    expect(await send({ port, path: "/", headers: { authorization } })).toMatchObject({
      status: 200,
      body: "from ::1",
    });
    await endsBy("SIGINT", started);
    server.close();
    expect(await render("--jwks", "idp-jwks.json", "--upstream", `127.0.0.1:${upstream}`)).toMatchObject({ code: 0 });
  });
});

describe("in the background", () => {
  it("returns when it is up, with the demo upstream, and is stopped by its file", async () => {
    // As after a push; then somebody renders anew, and it is the old one that serves.
    const filter = readRenderedFilter(readFileSync(config, "utf8"), config);
    writeEcds(filter.ecdsPath, ecdsText(filter, defaultConfiguration(filter), undefined, "1"));
    const again = ["--jwks", "idp-jwks.json", "--upstream", `127.0.0.1:${upstream}`];
    expect(await render(...again, "--mode", "shadow")).toMatchObject({ code: 0 });
    const ran = await command("gateway", "run", "gateway.yaml", "--background", "--demo-upstream");
    expect(await render(...again)).toMatchObject({ code: 0 });
    expect(ran).toMatchObject({ code: 0, stdout: "" });
    expect(ran.stderr.replace(/\s+/g, " ")).toMatch(/differ in mode: the latter serves, until the next push/);
    expect(ran.stderr).toContain("never for production");
    expect(ran.stderr).toContain("Stop it with: glassgate gateway stop gateway.yaml");
    const authorization = /authorization: (.*)/.exec(readFileSync(join(base, "caller.txt"), "utf8"))?.[1] ?? "";
    const answer = await send({ port, path: "/orders/42", headers: { authorization } });
    expect(JSON.parse(answer.body)).toMatchObject({ method: "GET", path: "/orders/42" });
    expectError(await here(["gateway", "run", "gateway.yaml"]), 1, /runs already, as process \d+/, /gateway stop/);
    expect(await command("gateway", "stop", "gateway.yaml")).toMatchObject({ code: 0 });
    await expect(status()).rejects.toThrow();
    expectError(await here(["gateway", "stop", "gateway.yaml"]), 1, /No gateway runs/, /gateway run/);
  });

  it("tells why it is not up", async () => {
    const taken = createServer().listen(upstream, "127.0.0.1");
    const ran = await command("gateway", "run", "gateway.yaml", "--background", "--demo-upstream");
    taken.close();
    expectError(ran, 2, /demo upstream cannot listen on 127\.0\.0\.1:\d+: another process has this port/, /--upstream/);
  });

  it("does not take another process of the same number for its own", async () => {
    writeFileSync(`${config}.pid`, `${process.pid}\n`);
    expectError(await here(["gateway", "stop", "gateway.yaml"]), 1, /No gateway runs/, /gateway run/);
  });
});

describe("refuses", () => {
  const runFile = (name: string, text: string): Promise<Ran> => {
    writeFileSync(join(base, name), text);
    return here(["gateway", "run", name]);
  };

  it("a port in use, by the option that changes it", async () => {
    for (const [taken, sentence, option] of [
      [port, /The gateway cannot listen on 0\.0\.0\.0:\d+: another process/, /another --port/],
      [admin, /admin interface cannot listen on 127\.0\.0\.1:\d+: another process/, /another --admin-port/],
    ] as const) {
      const server = createServer().listen(taken, "127.0.0.1");
      const ran = await here(["gateway", "run", "gateway.yaml"]);
      server.close();
      expectError(ran, 1, sentence, option);
    }
  });

  it("what is no rendered configuration", async () => {
    for (const text of [
      "",
      "just words",
      "[1, 2]",
      "a: [1",
      "a: b: c",
      "\u0000\u0001",
      "{}",
      "static_resources: 5",
      "a: *b",
    ])
      expectError(
        await runFile("bad.yaml", text),
        2,
        /bad\.yaml (is no Envoy configuration|is not YAML|has no glassgate filter)/,
        /gateway render/,
      );
    expectError(await here(["gateway", "run", "none.yaml"]), 2, /none\.yaml: it does not exist/, /gateway render/);
    expectError(await here(["gateway", "run", "."]), 2, /it is a directory/, /gateway render/);
  });

  it("a filter of aliases without end", async () => {
    const aliases = `extra: { a: &r { b: 1 }, c: [${Array.from({ length: 130 }, () => "*r").join(", ")}] }`;
    const text = readFileSync(config, "utf8").replace(/\n( +)configuration:\n/, `\n$1${aliases}$&`);
    expectError(await runFile("aliases.yaml", text), 1, /Envoy refused the configuration: .*extra/, /gateway verify/);
  });

  it("folders that cannot be written", async () => {
    const text = readFileSync(config, "utf8");
    writeFileSync(join(base, "file"), "");
    expectError(
      await runFile("ecds.yaml", text.replaceAll(join(base, "ecds"), join(base, "file"))),
      2,
      /Cannot write .*glassgate\.json/,
      /--ecds/,
    );
    expectError(
      await runFile("logs.yaml", text.replaceAll(join(base, "logs"), join(base, "file"))),
      2,
      /The folder of the log .* cannot be made/,
      /--log/,
    );
  });

  it("a filter file that is gone, a number that is none", async () => {
    const text = readFileSync(config, "utf8");
    expectError(
      await runFile("wasm.yaml", text.replace(/filename: .*glassgate\.wasm/, "filename: /nowhere.wasm")),
      1,
      /The filter \/nowhere\.wasm is missing\./,
      /gateway render/,
    );
    for (const count of ["0", "two", "9999"])
      expectError(
        await here(["gateway", "run", "gateway.yaml", "--concurrency", count]),
        2,
        /from 1 to 1024/,
        /--help/,
      );
  });

  it("an admin interface that hides what it needs, at once", async () => {
    const text = readFileSync(config, "utf8");
    const paths = ["/ready", "/listeners", "/server_info", "/config_dump", "/stats"];
    for (const hidden of ["/ready", "/listeners"]) {
      const allowed = paths.filter((path) => path !== hidden).map((path) => `{ prefix: ${path} }`);
      const edited = text.replace(/^admin:\n/m, `admin:\n  allow_paths: [ ${allowed.join(", ")} ]\n`);
      const { code, stderr } = await runFile("hidden.yaml", edited);
      const said = stderr.replace(/\s+/g, " ");
      expect({ code, said }).toMatchObject({
        said: expect.stringContaining(`does not show ${hidden}: admin.allow_paths`),
      });
      expect(code).toBe(2);
      for (const path of paths) expect(said.slice(said.indexOf("next: "))).toContain(path);
    }
  });

  it("a temporary folder that is none", async () => {
    for (const TMPDIR of ["/nonexistent", config])
      expectError(
        await glassgate(["gateway", "run", "gateway.yaml"], { cwd: base, env: { ...env, TMPDIR } }),
        2,
        /No temporary folder can be made in/,
        /TMPDIR/,
      );
  });

  it("an Envoy that is none, or none for us", async () => {
    mkdirSync(join(base, "bin"), { recursive: true });
    const fake = (script: string): string => {
      const path = join(base, "bin", "envoy");
      writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      return path;
    };
    const withEnvoy = (ENVOY_BIN: string): Promise<Ran> => here(["gateway", "run", "gateway.yaml"], { ENVOY_BIN });
    const version = "echo 'envoy  version: 0/1.40.0/Clean/RELEASE/BoringSSL'";
    expectError(await withEnvoy(join(base, "nothing")), 2, /there is no program that can be run/, /unset it/);
    expectError(await withEnvoy(fake("exit 1")), 2, /does not start/, /ENVOY_BIN/);
    expectError(await withEnvoy(fake("true")), 2, /does not say its version/, /ENVOY_BIN/);
    expectError(await withEnvoy(fake(`[ "$1" = --version ] && ${version}`)), 1, /it said nothing/, /./);
    for (const GLASSGATE_ENVOY_VERSION of ["newest", "1.40", "1.40.0; true"]) {
      const ran = await here(["gateway", "run", "gateway.yaml"], { GLASSGATE_ENVOY_VERSION });
      expectError(ran, 2, /which is no version/, /1\.36\.4/);
    }
  });

  it("an Envoy without Wasm, in a sentence", () => {
    // What the wheel of 1.38.3 writes.
    const log = `[2026-11-26 01:38:38.666][16201][warning][wasm] [source/extensions/common/wasm/wasm_vm.cc:102] Failed to create Wasm VM using envoy.wasm.runtime.v8 runtime. Envoy was compiled without support for it
[2026-11-26 01:38:38.667][16201][error][wasm] [source/extensions/common/wasm/wasm.cc:103] Wasm VM failed Failed to load Wasm code
`;
    expect(reasonFrom(log).message).toBe("This Envoy was built without Wasm support (V8): it cannot run the filter.");
    expect(reasonFrom(log).hint).toContain("1.36.4, 1.37.0, 1.39.3, 1.40.0");
  });
});
