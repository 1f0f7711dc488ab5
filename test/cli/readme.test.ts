/** The README's own commands, in its order, on a real Envoy. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { startUpstream, type Upstream } from "../../control/gateway/upstream.js";
import { newKey, publicPart } from "../../control/signer/jwk.js";
import { atTerminal, freePort, glassgate, main, shell } from "./run.js";

/** Every command of the README's shell blocks, continued lines joined. */
function readmeCommands(): string[] {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  return [...readme.matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap(([, block = ""]) => block.replaceAll("\\\n", " ").split("\n"))
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line !== "");
}

const base = mkdtempSync(join(tmpdir(), "glassgate-readme-"));
const folder = join(base, "break-glass");
const env = { GLASSGATE_KEYS: join(base, "keys"), GLASSGATE_PASSPHRASE: "correct horse battery staple" };
let upstream: Upstream;
let gateway: ChildProcess | undefined;
let port: number;
let admin: number;

beforeAll(async () => {
  upstream = await startUpstream();
  [port, admin] = [await freePort(), await freePort()];
});
afterAll(async () => {
  gateway?.kill("SIGTERM");
  await upstream.stop();
  rmSync(base, { recursive: true, force: true });
});

/** "Put the public keys into roster.yaml". */
async function fillRoster(): Promise<void> {
  const path = join(folder, "roster.yaml");
  const document = parseDocument(readFileSync(path, "utf8"));
  for (const [index, name] of [
    [0, "rita"],
    [2, "adam"],
    [3, "anna"],
  ] as const) {
    const { stdout } = await glassgate(["key", "show", name, "--json"], { env });
    document.setIn(["principals", index, "keys"], [JSON.parse(stdout)]);
  }
  writeFileSync(path, document.toString());
  writeFileSync(
    join(folder, "idp-jwks.json"),
    JSON.stringify({ keys: [{ ...publicPart(newKey("Ed25519")), alg: "EdDSA" }] }),
  );
}

/** What the README leaves at its defaults, and a test must choose. */
function local(line: string): string {
  if (line.includes("gateway render"))
    return `${line} --port ${port} --admin-port ${admin} --upstream 127.0.0.1:${upstream.port} --log ${folder}/access.log`;
  if (line.includes("glassgate push")) return `${line} --admin 127.0.0.1:${admin}`;
  if (line.startsWith("curl"))
    return line.replace(/https:\/\/api\.example\.com/, `-sS -H 'Host: api.example.com' http://127.0.0.1:${port}`);
  return line;
}

async function runGateway(): Promise<void> {
  gateway = spawn(process.execPath, [main, "gateway", "run", "gateway.yaml"], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  gateway.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  for (let tries = 0; tries < 300 && !said.includes("is up"); tries++) await sleep(100);
  expect(said).toContain(`api on port ${port}`);
}

it("leads from nothing to an answer of the upstream", async () => {
  const commands = readmeCommands().filter((line) => !line.startsWith("npm "));
  expect(commands.length).toBeGreaterThanOrEqual(16);
  for (const command of commands) {
    const line = local(command);
    if (line.includes("bundle build")) await fillRoster();
    if (line.includes("gateway run")) {
      await runGateway();
      continue;
    }
    const cwd = line.includes(" init ") ? base : folder;
    const isAsking = line.includes(" approve ");
    const ran = isAsking
      ? await atTerminal(line.replace(/ > (\S+)/, " 2>/dev/tty | tee $1"), ["yes"], { cwd, env })
      : await shell(line, { cwd, env });
    expect({ line, ...ran }).toMatchObject({ line, code: 0 });
    if (isAsking) expect(ran.stdout).toContain("POST api.example.com/orders/42");
    if (line.startsWith("curl")) expect(JSON.parse(ran.stdout)).toMatchObject({ method: "POST", path: "/orders/42" });
    if (line.includes(" explain ")) expect(ran.stdout).toContain("allow: Allowed");
    if (line.includes(" push ")) expect(ran.stdout).toMatch(/^applied: version 1 on all 3 VMs after \d+ ms/);
  }

  // One command more: rotate rita's key away at once; the grant that just opened is denied.
  const fresh = await shell("npx glassgate key new rita-next > rita-next.pub", { cwd: folder, env });
  expect(fresh).toMatchObject({ code: 0 });
  const rotate = await shell(
    "npx glassgate rotate rita --new-key rita-next.pub --root root-1 --root root-2 --overlap 1s",
    { cwd: folder, env },
  );
  expect(rotate).toMatchObject({ code: 0 });
  await sleep(1100);
  const denied = await shell(
    local('curl -X POST -H "x-break-glass: $(cat grant.txt)" https://api.example.com/orders/42'),
    { cwd: folder, env },
  );
  expect(JSON.parse(denied.stdout)).toMatchObject({ code: "key_not_valid" });
  const log = readFileSync(join(folder, "access.log"), "utf8");
  expect(log).not.toContain(readFileSync(join(folder, "grant.txt"), "utf8").trim());
}, 240_000);
