/**
 * Two people push, each with the command in a process of its own. The first process is stopped (SIGSTOP) while it waits for the
 * gateway's answer, which an interposed admin address makes the very moment, and goes on or is killed when the other is done.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, get, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readEcds } from "../../control/gateway/ecds.js";
import { glassgate, quickMain } from "../cli/run.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { HOST, World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
let test: TestEnvoy;
let folder: string;
let forwarder: Server;
let forwarded = "";
/** Told of each look at the gauges that goes through the forwarder, when Envoy's answer is there and not yet passed on. */
let onLook = (): void => {};
let version = 10;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "glassgate-stopped-"));
  let rendered = "";
  test = await startTestEnvoy(world, {
    concurrency: 2,
    edit: (config) => {
      rendered = config;
      return config;
    },
  });
  writeFileSync(join(folder, "gateway.yaml"), rendered);
  writeFileSync(join(folder, "anchors.json"), JSON.stringify(test.anchors));
  forwarder = createServer(({ url = "" }, response) => {
    get(`http://${test.envoy.admin.address}${url}`, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => {
        if (url.startsWith("/stats")) onLook();
        response.writeHead(answer.statusCode ?? 500).end(Buffer.concat(chunks));
      });
    });
  });
  await new Promise<void>((resolve) => forwarder.listen(0, "127.0.0.1", resolve));
  const address = forwarder.address();
  forwarded = `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
});
afterAll(async () => {
  forwarder.close();
  await test.stop();
  rmSync(folder, { recursive: true, force: true });
});

const deployed = () => readEcds(readFileSync(test.filter.ecdsPath, "utf8"));
const args = (bundle: string, admin: string): string[] => ["push", "--bundle", bundle, "--admin", admin];

function statusOf(grant: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { host: HOST, "x-break-glass": grant };
    get({ host: "127.0.0.1", port: test.port, path: "/orders/7", headers }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode));
    }).on("error", reject);
  });
}

interface Stopped {
  end(signal: "SIGCONT" | "SIGKILL"): Promise<{ code: number | null; stderr: string }>;
}

/** The command, stopped at that look at the gauges: 1 before all, 2 what is newest, 3 before its write, 4 after it. */
function pushStoppedAt(look: number, bundle: string): Promise<Stopped> {
  const child = spawn(process.execPath, [quickMain, ...args(bundle, forwarded)], {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
  let looks = 0;
  return new Promise((resolve, reject) => {
    void closed.then(() => reject(new Error(`it ended before that look: ${stderr}`)));
    onLook = () => {
      if (++looks !== look) return;
      child.kill("SIGSTOP");
      resolve({
        end: async (signal) => {
          child.kill(signal);
          return { code: await closed, stderr };
        },
      });
    };
  });
}

for (const [look, signal] of [
  [2, "SIGCONT"],
  [3, "SIGCONT"],
  [4, "SIGCONT"],
  [4, "SIGKILL"],
] as const)
  it(`stopped at look ${look}, then ${signal}: the revocation stays, and nobody says what is not so`, async () => {
    version += 10;
    const [older, newer] = [version, version + 1];
    writeFileSync(join(folder, "older.jws"), world.bundle(world.bundleClaims({ version: older })));
    const revoking = world.bundleClaims({ version: newer, revoked: { sub: ["rita"] } });
    writeFileSync(join(folder, "newer.jws"), world.bundle(revoking));
    const stopped = await pushStoppedAt(look, "older.jws");
    expect(deployed()?.bundle?.version === older).toBe(look === 4);
    rmSync(`${test.filter.ecdsPath}.lock`, { force: true }); // As if its ten seconds of courtesy were over.
    const pushed = await glassgate(args("newer.jws", test.envoy.admin.address), { cwd: folder });
    expect(pushed).toMatchObject({ code: 0, stdout: expect.stringMatching(`^applied: version ${newer} on all 3 VMs`) });
    const grant = world.alone();
    expect(await statusOf(grant)).toBe(401);
    const { code, stderr } = await stopped.end(signal);
    if (signal === "SIGCONT") {
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`overtaken by version ${newer}`),
      });
      expect(stderr).toMatch(new RegExp(`Version ${newer} serves now; a restart would serve version ${newer}\\.\\s*$`));
    }
    expect(await statusOf(grant)).toBe(401);
    expect(await test.state()).toMatchObject({ bundleVersion: newer, servingVms: 3 });
    expect(deployed()?.bundle?.version).toBe(newer);
    expect(deployed()?.configuration.min_version).toBe(newer);
  }, 60_000);
