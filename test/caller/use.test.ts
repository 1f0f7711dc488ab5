/** A grant that is bound to a proof key, used by every kind of client on a real Envoy, by the built command. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { argumentsFor } from "../../control/cli/curl.js";
import { send } from "../../control/gateway/client.js";
import { readAnchors } from "../../control/trust/anchors.js";
import { configurationText } from "../../control/trust/configuration.js";
import { repository } from "../cli/doc-commands.js";
import { inside } from "../cli/inside.js";
import { quickMain, type Ran, run } from "../cli/run.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { detail, entitlement, nowSeconds, Party } from "../kit/party.js";
import { World } from "../kit/world.js";

let envoy: TestEnvoy;
let party: Party;
let grant: string;
let env: Record<string, string>;
let temporary: string;
const children: ChildProcess[] = [];
const API = "api.example.com";

async function until<T>(find: () => T | undefined | Promise<T | undefined>, what: string): Promise<T> {
  for (let tries = 0; ; tries++) {
    const found = await find();
    if (found !== undefined) return found;
    if (tries > 3000) throw new Error(`it never came to be: ${what}`);
    await sleep(20);
  }
}

const command = (args: readonly string[], more: Record<string, string> = {}): Promise<Ran> =>
  party.run(args, { env: { ...env, ...more } });
/** Without a process of its own, as each start of one takes half a second: for commands that start no other program. */
const quick = (args: readonly string[], more: Record<string, string> = {}): Promise<Ran> =>
  inside(args, { cwd: party.folder, env: { ...party.env, ...env, ...more } });

beforeAll(async () => {
  party = await Party.make();
  const anchors = readAnchors(join(party.folder, "anchors.json"));
  envoy = await startTestEnvoy(new World(nowSeconds()), { render: { anchors } });
  const local = `127.0.0.1:${envoy.port}`;
  await party.pin({
    entitlements: [
      entitlement({
        approvals: [],
        require: ["cnf"],
        authorization_details: [{ ...detail, locations: [API, local] }],
      }),
    ],
  });
  const bundle = readFileSync(join(party.folder, "bundle.jws"), "utf8").trim();
  envoy.offer(configurationText(anchors, 1, { bundle }));
  const serves = async () => {
    const { body } = await send({ port: envoy.port, path: "/orders/1", headers: { "x-break-glass": "x" } });
    return body.includes("malformed") ? true : undefined;
  };
  await until(serves, "the gateway serves the bundle");
  temporary = join(party.folder, "tmp");
  mkdirSync(temporary);
  env = { GLASSGATE_GATEWAY: `http://${local}`, TMPDIR: temporary, XDG_RUNTIME_DIR: "" };

  const ask = [
    "ask",
    "POST",
    `https://${API}/orders/42`,
    "--ent",
    "orders-repair",
    "--reason",
    "outage",
    "--text",
    "loop",
  ];
  const also = ["--also", "GET", `https://${API}/orders/42`, "--also", "POST", `http://${local}/orders/42`];
  const asked = await quick([...ask, ...also, "--key", "rita"]);
  expect(asked.code, asked.stderr).toBe(0);
  party.write("ask.txt", asked.stdout);
  const granted = await quick(["grant", "ask.txt", "--key", "rita", "--output", "grant.txt"]);
  expect(granted.code, granted.stderr).toBe(0);
  grant = readFileSync(join(party.folder, "grant.txt"), "utf8").replace("x-break-glass: ", "").trim();
  envoy.upstream.take();
});
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await envoy?.stop();
  party?.end();
});

/** What the upstream got: the gateway has let it in. */
const upstream = () => envoy.upstream.take().map(({ method, path }) => `${method} ${path}`);

/** Every word of every process: of arguments and, of our own descendants, environments. */
function processes(): string {
  const read = (path: string): string => {
    try {
      return readFileSync(path, "latin1");
    } catch {
      return ""; // It has ended meanwhile.
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .map((pid) => `${read(`/proc/${pid}/cmdline`)}\n${read(`/proc/${pid}/environ`)}`)
    .join("\n");
}

/** Files in which that text stands. The browser's own profile, which remembers where it was, is not ours. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "profile" ? [] : filesWith(path, text);
    return entry.isFile() && readFileSync(path).includes(text) ? [path] : [];
  });
}

/** A part of the grant that no other text has: its signature. */
const marks = (): readonly string[] => [grant, grant.split(".")[2]?.slice(0, 60) ?? "none"];

it("is worth nothing as a copy", async () => {
  const stolen = await send({
    port: envoy.port,
    method: "POST",
    path: "/orders/42",
    host: API,
    headers: { "x-break-glass": grant },
  });
  expect({ status: stolen.status, code: JSON.parse(stolen.body).code }).toEqual({
    status: 401,
    code: "binding_missing",
  });
  expect(upstream()).toEqual([]);
});

describe("glassgate curl", () => {
  it("opens, and has the grant neither in its arguments nor in its environment", async () => {
    const args = ["curl", "--", "-sS", "-H", "x-delay-ms: 1500", "-d", "{}", `https://${API}/orders/42`];
    const running = command(args);
    const seen = await until(() => {
      const all = processes();
      return all.includes("--unix-socket") ? all : undefined;
    }, "curl runs");
    for (const mark of marks()) expect(seen).not.toContain(mark);
    expect(
      seen
        .split("\n")
        .filter((line) => line.startsWith("curl"))
        .join(),
    ).not.toContain("GLASSGATE_PASSPHRASE");
    const { code, stdout, stderr } = await running;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ method: "POST", path: "/orders/42", headers: { host: API } });
    expect(upstream()).toEqual(["POST /orders/42"]);
  });

  for (const off of [-130, 130])
    it(`says so where this machine's clock is ${off} seconds off`, async () => {
      const real = Date.now;
      const clock = vi.spyOn(Date, "now").mockImplementation(() => real() + off * 1000);
      try {
        const { stderr } = await quick(["curl", "--", "-s", "-o", "/dev/null", "-d", "{}", `https://${API}/orders/42`]);
        const flat = stderr.replace(/\s+/g, " ");
        expect(flat).toContain("the gateway: proof: ");
        expect(flat).toMatch(/\(this machine's clock is 2 minutes \d+ seconds /);
        expect(flat).toContain(off < 0 ? "behind the gateway's: set it)" : "ahead of the gateway's: set it)");
      } finally {
        clock.mockRestore();
      }
      expect(upstream()).toEqual([]);
    });

  it("is told what it cannot do, before a passphrase is asked for", async () => {
    for (const [args, what] of [
      [["https://a.example/1", "https://a.example/2"], "There are 2 URLs"],
      [["--next", `https://${API}/orders/42`], "does not take curl's --next"],
      [["-x", "evil:1", `https://${API}/orders/42`], "does not take curl's -x"],
    ] as const) {
      const { code, stderr } = await quick(["curl", "--", ...args], { GLASSGATE_PASSPHRASE: "wrong" });
      expect(code).toBe(2);
      expect(stderr).toContain(what);
      expect(stderr).toMatch(/^next: /m);
    }
    const other = await command([
      "curl",
      "--",
      "-sS",
      "-HX: a:b",
      "-uu:Kx",
      "-o/dev/null",
      "-w",
      "%{http_code}",
      `https://${API}/admin`,
    ]);
    expect(other).toMatchObject({ code: 0, stdout: "403" });
    expect(other.stderr).toContain("scope_path");
    expect(upstream()).toEqual([]);
  });
});

it("no spelling of curl's options leads a request past the socket, where it would go in clear", () => {
  const url = `https://${API}/orders/42`;
  for (const option of [
    "-s:",
    "-:",
    "--nex",
    "-vsKfile",
    "-sxevil:1",
    "--socks5-hostname",
    "--expand-config",
    "--conf",
  ])
    expect(() => argumentsFor([url, option], "socket"), option).toThrow("does not take curl's");
  for (const option of ["-HX: a:b", "-uu:Kx", "-o/dev/null", "-sS", "--noproxy", "--json", "-dx:K"])
    expect(argumentsFor([url, option], "socket")).toContain(option);
});

describe("glassgate run", () => {
  it("gives a shell script what it needs, one passphrase for all, and its exit code back", async () => {
    party.write(
      "repair.sh",
      `set -e
      curl -sS -X POST "$GLASSGATE_URL/orders/42"
      curl -sS -X POST http://${API}/orders/42
      curl -sS -X POST --unix-socket "$GLASSGATE_SOCKET" http://${API}/orders/42
      GLASSGATE_PASSPHRASE=wrong "$NODE" "$MAIN" curl -- -sS -X POST https://${API}/orders/42
      python3 -c 'import urllib.request as u; print(u.urlopen(u.Request("http://${API}/orders/42", method="POST")).status)'
      curl -sS -o /dev/null -w 'refused %{http_code}\\n' http://evil.example/
      curl -sS -o /dev/null -w 'tls %{http_code}\\n' -x "$http_proxy" https://${API}/orders/42 || true
      test -z "$GLASSGATE_PASSPHRASE"
      exit 7
      `,
    );
    const { code, stdout, stderr } = await command(["run", "--", "bash", "repair.sh"], {
      NODE: process.execPath,
      MAIN: quickMain,
    });
    expect(stdout, stderr).toMatch(/\n200\nrefused 403\n/);
    expect(code, stderr).toBe(7);
    expect(upstream()).toEqual(Array.from({ length: 5 }, () => "POST /orders/42"));
    expect(stderr).toMatch(/ 200 {2}POST api\.example\.com\/orders\/42$/m);
    expect(stderr).toMatch(/ 405 {2}nobody let in: an https:\/\/ URL/);
  });

  it("gives a Node program its base URL, hands signals on, and ends with it", async () => {
    party.write(
      "program.mjs",
      `const url = new URL(process.env.GLASSGATE_URL);
      const authorization = "Basic " + Buffer.from(url.username + ":" + url.password).toString("base64");
      const answer = await fetch(url.origin + "/orders/42", { method: "POST", headers: { authorization } });
      process.on("SIGTERM", () => process.exit(9));
      setInterval(() => {}, 1000);
      console.log(answer.status, process.env.GLASSGATE_URL);`,
    );
    const child = start(["run", "--quiet", "--", process.execPath, "program.mjs"]);
    const line = await until(() => /^(\d+) (http:\S+)$/m.exec(child.out()) ?? undefined, "the program's line");
    expect(line[1]).toBe("200");
    expect(upstream()).toEqual(["POST /orders/42"]);
    child.process.kill("SIGTERM");
    expect(await child.ended, child.out()).toBe(9);
    await expect(fetch(new URL(line[2] ?? "").origin.replace(/\/$/, ""))).rejects.toThrow();
  });

  it("says what is no command, and opens nothing with a wrong passphrase", async () => {
    const none = await quick(["run", "--", "no-such-command"]);
    expect(none.code).toBe(2);
    expect(none.stderr).toContain("There is no command no-such-command");
    const wrong = await quick(["run", "--", "true"], { GLASSGATE_PASSPHRASE: "wrong" });
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain("The passphrase does not open the key rita");
    const typed = await quick(["run", "--grant", grant, "--", "true"]);
    expect(typed.code).toBe(2);
    expect(typed.stderr).toContain("can be read by everybody");
  });
});

it("a Node program uses the library as docs/using.md shows", async () => {
  const [, example = ""] = /```js\n(.*?)```/s.exec(readFileSync(join(repository, "docs/using.md"), "utf8")) ?? [];
  party.write("library.mjs", example);
  mkdirSync(join(party.folder, "node_modules"));
  symlinkSync(repository, join(party.folder, "node_modules", "glassgate"));
  const { code, stdout, stderr } = await run(process.execPath, ["library.mjs"], {
    cwd: party.folder,
    env: {
      GRANT: "grant.txt",
      KEYS: party.env.GLASSGATE_KEYS,
      PASSPHRASE: party.env.GLASSGATE_PASSPHRASE,
      API: `http://127.0.0.1:${envoy.port}`,
    },
  });
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^200 \{"method":"POST","path":"\/orders\/42"/);
  expect(upstream()).toEqual(["POST /orders/42"]);
});

interface Started {
  readonly process: ChildProcess;
  /** All that it has printed. */
  readonly out: () => string;
  readonly ended: Promise<number | null>;
}

/** `glassgate ARGS`, left running. */
function start(args: readonly string[]): Started {
  const child = spawn(process.execPath, [quickMain, ...args], {
    cwd: party.folder,
    env: { ...process.env, NO_COLOR: "1", ...party.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
  return { process: child, out: () => text, ended: new Promise((resolve) => child.once("exit", resolve)) };
}

const browser = ["chromium", "chromium-browser", "google-chrome"]
  .flatMap((name) => (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name)))
  .find((path) => existsSync(path));

describe("glassgate proxy", () => {
  let proxy: Started;
  let opening = "";
  let socket = "";
  let hostile: Server;

  /** Opens the URL in a browser that keeps its cookies from one call to the next, and gives the page's text. */
  const browse = async (url: string): Promise<string> => {
    const profile = join(party.folder, "profile");
    const flags = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      `--user-data-dir=${profile}`,
      "--virtual-time-budget=4000",
    ];
    const { stdout } = await run(browser ?? "", [...flags, "--dump-dom", url], { cwd: party.folder });
    return stdout;
  };

  beforeAll(async () => {
    proxy = start(["proxy"]);
    const line = (pattern: RegExp) => until(() => pattern.exec(proxy.out())?.[1], `${pattern} in ${proxy.out()}`);
    opening = await line(/^browser, once, for api\.example\.com:\n {2}(\S+)$/m);
    socket = await line(/^ {2}curl --unix-socket (\S+) /m);
    await line(/(Ctrl-C ends it)/);
  });
  afterAll(() => hostile?.close());

  it("says what is open, until when", () => {
    expect(proxy.out()).toMatch(
      /^Open until .* UTC .*minutes.*on this machine only, for:\n {2}POST, GET api\.example\.com \/orders\/42$/m,
    );
  });

  it("lets no other user in", async () => {
    const port = new URL(opening).port;
    const other = (args: readonly string[]): Promise<{ code: number | null; out: string }> =>
      new Promise((resolve, reject) => {
        const child = spawn("curl", ["-sS", ...args], { cwd: "/", uid: 65_534, gid: 65_534 });
        let out = "";
        for (const stream of [child.stdout, child.stderr])
          stream.on("data", (chunk: Buffer) => {
            out += chunk.toString();
          });
        child.on("error", reject);
        child.on("close", (code) => resolve({ code, out }));
      });
    if (process.getuid?.() === 0) {
      expect((await other(["--unix-socket", socket, `http://${API}/orders/42`])).code).not.toBe(0);
      const { out } = await other(["-w", "%{http_code}", `http://127.0.0.1:${port}/orders/42`]);
      expect(out).toMatch(/401$/);
    } else console.log("SKIPPED in part: only root can try as another user.");
    expect(upstream()).toEqual([]);
  });

  it.skipIf(browser === undefined)(
    "lets a browser in by the one-time URL, and a hostile page in it gets nothing",
    async () => {
      const page = await browse(opening);
      expect(page).toContain('"path":"/orders/42"');
      expect(upstream()[0]).toBe("GET /orders/42");
      expect(await browse(opening)).toContain("This URL was used");
      const site = new URL(opening).origin;
      // The very browser, with its cookie, is let in again: what follows is refused for where it comes from.
      expect(await browse(`${site}/orders/42`)).toContain('"path":"/orders/42"');
      upstream();
      hostile = createServer((_request, response) => {
        response.setHeader("content-type", "text/html");
        response.end(`<body>hostile<script>
        const url = ${JSON.stringify(site)} + "/orders/42";
        const done = (name) => (what) => document.body.append(" " + name + ":" + (what instanceof Error ? "error" : what));
        fetch(url, { mode: "no-cors", credentials: "include" }).then((r) => r.type).then(done("nocors"), done("nocors"));
        fetch(url, { credentials: "include" }).then((r) => r.text()).then(done("cors"), done("cors"));
        fetch(url, { method: "POST", mode: "no-cors", credentials: "include", body: "x" }).then((r) => r.type).then(done("post"), done("post"));
        const socket = new WebSocket(url.replace("http", "ws")); socket.onerror = () => done("socket")("error"); socket.onopen = () => done("socket")("OPEN");
        const image = new Image(); image.src = url; document.body.append(image);
        const form = document.createElement("form"); form.method = "post"; form.action = url; form.target = "frame";
        const frame = document.createElement("iframe"); frame.name = "frame"; document.body.append(frame, form); form.submit();
      </script></body>`);
      });
      await new Promise<void>((resolve) => hostile.listen(0, "127.0.0.1", resolve));
      const address = hostile.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      const before = proxy.out().split("nobody let in").length;
      for (const host of ["127.0.0.1", "evil.localhost"]) {
        const dom = await browse(`http://${host}:${port}/`);
        expect(dom).toContain("cors:error");
        expect(dom).toContain("socket:error");
      }
      expect(upstream()).toEqual([]);
      expect(proxy.out().split("nobody let in").length).toBeGreaterThan(before + 4);
    },
  );
  if (browser === undefined) console.log("SKIPPED: no chromium here, so no browser was tried.");

  it("ends, as a run does, when the grant is given back; and nothing is left", async () => {
    const running = start(["run", "--", "bash", "-c", "echo up; read line < <(sleep 600); echo over"]);
    await until(() => (running.out().includes("up\n") ? true : undefined), "the command runs");
    const held = await quick(["status"]);
    expect(held.stdout).toContain("POST, GET api.example.com /orders/42");
    expect(held.stdout).toMatch(/left {5}\d+ minutes/);
    const returned = await command(["return", "grant.txt"]);
    expect(returned.code, returned.stderr).toBe(0);
    expect(returned.stderr).toMatch(/Wiped: the grant in .*grant\.txt and its proof key\./);
    expect(await proxy.ended).toBe(0);
    expect(proxy.out()).toContain("The grant was given back");
    await until(
      () => (running.out().includes("given back: the command goes on") ? true : undefined),
      "the run is told",
    );
    running.process.kill("SIGTERM");
    await running.ended;

    expect(existsSync(join(party.folder, "grant.txt"))).toBe(false);
    const folder = join(party.env.GLASSGATE_KEYS, "held");
    expect(readdirSync(folder)).toEqual(["returned.log"]);
    const log = readFileSync(join(folder, "returned.log"), "utf8");
    expect(JSON.parse(log)).toMatchObject({ why: "returned", sub: "rita", ent: "orders-repair" });
    for (const mark of marks()) expect(log).not.toContain(mark);
    expect(readdirSync(temporary).filter((name) => name.startsWith("glassgate"))).toEqual([]);
    // Anywhere: the grant, what opened the proxy, the requester's key and its passphrase.
    const { password } = new URL(/(http:\/\/glassgate:\S+@\S+)/.exec(proxy.out())?.[1] ?? "");
    const token = new URL(opening).pathname.split("/").at(-1) ?? "";
    for (const secret of [...marks(), password, token, party.keys.rita.d, party.env.GLASSGATE_PASSPHRASE]) {
      expect(secret.length).toBeGreaterThan(20);
      expect(filesWith(party.folder, secret)).toEqual([]);
    }
    // The one copy that somebody made is dead: the key is gone.
    party.write("copy.txt", `x-break-glass: ${grant}\n`);
    for (const mark of marks()) expect(filesWith(party.folder, mark)).toEqual([join(party.folder, "copy.txt")]);
    const late = await quick(["curl", "--grant", "copy.txt", "--", `https://${API}/orders/42`]);
    expect(late.code).toBe(2);
    expect(late.stderr).toContain("the key is not here");
    for (const mark of marks()) expect(processes()).not.toContain(mark);
  });
});
