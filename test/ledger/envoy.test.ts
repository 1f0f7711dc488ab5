/** The whole way on a real Envoy: requests, its files, following them, the ledger. And what its own OTLP sender sends. */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeNewTexts } from "../../control/base/files.js";
import { send } from "../../control/gateway/client.js";
import type { Alarm } from "../../control/ledger/chain/finding.js";
import { parseLedgerConfig } from "../../control/ledger/config.js";
import { newLogFiles } from "../../control/ledger/log/files.js";
import { openLogSigner } from "../../control/ledger/log/key.js";
import { openLedgerFolder } from "../../control/ledger/serve/open.js";
import { type RunningLedger, runLedger } from "../../control/ledger/serve/run.js";
import { newKey, publicPart } from "../../control/signer/jwk.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { World } from "../kit/world.js";
import { newToken, sha256, startTestServer } from "./http-kit.js";
import { bodiesOf, entriesOf } from "./whole.js";

const PATIENCE = { timeout: 90_000, interval: 100 };
const world = new World(Math.floor(Date.now() / 1000));
const ask = async (port: number, grant: string, path = "/orders/7"): Promise<number> =>
  (await send({ port, path, headers: { "x-break-glass": grant, connection: "close" } })).status;

describe("files", () => {
  let parent: string;
  let config = "";
  const gateway = startTestEnvoy(world, {
    concurrency: 2,
    edit: (text) => {
      config = text;
      return text;
    },
  });
  afterAll(async () => (await gateway).stop());
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "glassgate-whole-"));
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  async function start({ folder, anchors, envoy }: TestEnvoy, alarms: Alarm[]) {
    const ledger = join(parent, "ledger");
    mkdirSync(ledger);
    writeFileSync(join(parent, "anchors.json"), JSON.stringify(anchors));
    writeFileSync(join(parent, "gateway.yaml"), config);
    const signer = openLogSigner(newKey("Ed25519"), "ledger.example/whole");
    writeNewTexts(newLogFiles({ folder: ledger, signer, signedPath: join(parent, "key.signed") }));
    const parsed = parseLedgerConfig(
      `origin: ledger.example/whole
key: ${join(parent, "key")}
anchors: [ ${join(parent, "anchors.json")} ]
heartbeat: 1s
gateways:
  - id: test-gateway
    audit: { path: ${join(folder, "gateway.log")}, mixed: true }
    answers: ${join(folder, "answers.log")}
    admin: ${envoy.admin.address}
    envoy: ${join(parent, "gateway.yaml")}
`,
      "ledger.yaml",
    );
    const told: string[] = [];
    const say = (sentence: string): void => void told.push(sentence);
    const open = async (): Promise<RunningLedger> => {
      const opened = await openLedgerFolder({
        folder: ledger,
        config: parsed,
        signer,
        holder: "test",
        clock: Date.now,
        onAlarm: (alarm) => alarms.push(alarm),
        say,
      });
      return runLedger({ folder: ledger, config: parsed, opened, say, isServing: false });
    };
    return { open, told, read: () => entriesOf({ folder: ledger, vkey: signer.vkey }) };
  }

  it("each record, evidence and answer is in the ledger, over a rotation, and again after the gateway was killed", async () => {
    const whole = await gateway;
    const { port, configure, folder, envoy, audits } = whole;
    await configure(world.configuration());
    const alarms: Alarm[] = [];
    const { open, told, read } = await start(whole, alarms);
    let running = await open();
    const grant = world.grant();
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++) statuses.push(await ask(port, i % 3 === 2 ? "garbage" : grant));
    expect(statuses.filter((status) => status === 200).length).toBe(8);
    const records = async (): Promise<number> => bodiesOf(await read(), "record").length;
    await expect.poll(records, PATIENCE).toBe(12);
    // What the gateway says of its chains is what their records say.
    const heads = async (): Promise<string> => bodiesOf(await read(), "heartbeat").at(-1) ?? "";
    await expect
      .poll(async () => {
        const last = new Map(
          bodiesOf(await read(), "record").map((line): [string, string] => [JSON.parse(line).vm, line]),
        );
        const beat = await heads();
        return [...last].every(([vm, line]) =>
          beat.includes(`{"vm":"${vm}","seq":${JSON.parse(line).seq},"head":"${sha256(line).slice(0, 12)}"}`),
        );
      }, PATIENCE)
      .toBe(true);
    // Rotated as logrotate does it.
    for (const name of ["gateway.log", "answers.log"]) renameSync(join(folder, name), join(folder, `${name}.1`));
    envoy.signal("SIGUSR1");
    for (let i = 0; i < 6; i++) await ask(port, grant);
    await expect.poll(records, PATIENCE).toBe(18);
    await running.stop();
    // While nobody follows; flushed, and then killed.
    for (let i = 0; i < 5; i++) await ask(port, grant);
    await expect.poll(() => audits().size, PATIENCE).toBeGreaterThanOrEqual(5);
    const lines = (name: string): string[] =>
      [`${name}.1`, name].flatMap((one) => readFileSync(join(folder, one), "utf8").split("\n"));
    await expect
      .poll(() => lines("gateway.log").filter((line) => line.startsWith('{"v":1,')).length, PATIENCE)
      .toBe(23);
    await expect.poll(() => lines("answers.log").filter((line) => line !== "").length, PATIENCE).toBe(19);
    process.kill(envoy.pid, "SIGKILL");
    await envoy.exited;
    running = await open();
    await expect.poll(records, PATIENCE).toBe(23);
    await expect.poll(async () => bodiesOf(await read(), "answer").length, PATIENCE).toBe(19);
    await running.stop();
    const entries = await read();
    const inFile = (begin: string): Set<string> =>
      new Set(lines("gateway.log").filter((line) => line.startsWith(begin)));
    expect(new Set(bodiesOf(entries, "record"))).toEqual(inFile('{"v":1,'));
    expect(new Set(bodiesOf(entries, "evidence"))).toEqual(inFile('{"evidence":'));
    expect(bodiesOf(entries, "quarantine")).toEqual([]);
    expect(bodiesOf(entries, "bundle").length).toBe(1);
    const [push = "{}"] = bodiesOf(entries, "push");
    const [first = "{}"] = bodiesOf(entries, "record");
    expect(JSON.parse(push)).toMatchObject({ gateway: "test-gateway", texts: {}, anchors: JSON.parse(first).anchors });
    const usual = new Set(["first_use", "single_key", "silence"]);
    expect(alarms.filter(({ code }) => !usual.has(code))).toEqual([]);
    expect(told.filter((sentence) => sentence.includes("lost"))).toEqual([]);
  });
});

describe("receipts", () => {
  const parent = mkdtempSync(join(tmpdir(), "glassgate-receipts-"));
  afterAll(() => rmSync(parent, { recursive: true, force: true }));

  it("a gateway gets them on the unix socket, each for an entry that is durable; none while the ledger is away", async () => {
    const folder = join(parent, "ledger");
    mkdirSync(folder);
    const key = newKey("Ed25519");
    const signer = openLogSigner(key, "ledger.example/receipts");
    writeNewTexts(newLogFiles({ folder, signer, signedPath: join(parent, "key.signed") }));
    const socket = join(parent, "receipts.sock");
    const config = parseLedgerConfig(
      `origin: ledger.example/receipts
key: ${join(parent, "key")}
gateways: [{ id: test-gateway }]
listen: { address: "127.0.0.1:0", receipts: ${socket} }
`,
      "ledger.yaml",
    );
    const say = (): void => {};
    const opened = await openLedgerFolder({
      folder,
      config,
      signer,
      holder: "test",
      clock: Date.now,
      onAlarm: say,
      say,
    });
    const running = await runLedger({ folder, config, opened, say, isServing: true });
    const gateway = await startTestEnvoy(world, {
      render: { receipts: { at: { socket }, isTls: false, path: "/v1/receipts" } },
    });
    try {
      const value: unknown = Reflect.get(Object(gateway.filter.config.configuration), "value");
      const { receipt } = JSON.parse(typeof value === "string" ? value : "{}");
      const entitlements = [world.entitlement("vital", { audit: "receipt", approvals: [] })];
      await gateway.configure(
        world.configuration({
          bundle: { ...world.bundleClaims(), entitlements, ledgers: [publicPart(key)] },
          configuration: { receipt: { ...receipt, timeout_ms: 500 } },
        }),
      );
      const grant = world.alone({ claims: { ent: "vital" } });
      let allowed = 0;
      // A machine that is busy answers too late at times, which is a denial.
      for (let i = 0; i < 200 && allowed < 10; i++)
        if ((await ask(gateway.port, grant, `/orders/${i}`)) === 200) allowed += 1;
      expect(allowed).toBe(10);
      const lines = (): string[] => readFileSync(join(gateway.folder, "gateway.log"), "utf8").split("\n");
      const receipts = (): string[] => lines().filter((line) => line.startsWith('{"receipt":'));
      await expect.poll(() => receipts().length, PATIENCE).toBeGreaterThanOrEqual(10);
      const entries = await entriesOf({ folder, vkey: signer.vkey });
      for (const line of receipts()) {
        const payload: string = JSON.parse(line).receipt.split(".")[1];
        const { index, record_sha256 } = JSON.parse(Buffer.from(payload, "base64url").toString());
        const entry = entries[index];
        expect([entry?.head.type, sha256(entry?.body ?? "")]).toEqual(["record", record_sha256]);
        expect(JSON.parse(entry?.body.toString() ?? "{}").verdict).toBe("pending");
      }
      await running.stop();
      expect(await ask(gateway.port, grant, "/orders/away")).toBe(503);
    } finally {
      await gateway.stop();
      await running.stop();
    }
  });
});

describe("Envoy's own OTLP sender", () => {
  const token = newToken();
  const yaml = `
senders:
  - { name: otlp, tokens: [${sha256(token)}], speaks_for: [test-gateway] }
listen: { address: "127.0.0.1:0" }
`;

  it("its access log over HTTP is taken as it sends it", async () => {
    const server = await startTestServer(yaml);
    const { hostname, port: ledgerPort } = new URL(server.url);
    const gateway = await startTestEnvoy(world, {
      edit: (text) =>
        text
          .replace(
            /^( *)- name: audit$/m,
            `$1- name: otlp
$1  filter: { header_filter: { header: { name: x-otlp, present_match: true } } }
$1  typed_config:
$1    "@type": type.googleapis.com/envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig
$1    http_service:
$1      http_uri: { uri: "${server.url}/v1/logs", cluster: ledger, timeout: 5s }
$1      request_headers_to_add: [ { header: { key: authorization, value: "Bearer ${token}" } } ]
$1    body: { string_value: "%FILTER_STATE(wasm.glassgate.audit:PLAIN)%" }
$1    buffer_flush_interval: 0.1s
$&`,
          )
          .replace(
            /^ {2}clusters:$/m,
            `$&
    - name: ledger
      type: STATIC
      connect_timeout: 2s
      load_assignment:
        cluster_name: ledger
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { socket_address: { address: ${hostname}, port_value: ${ledgerPort} } } }`,
          ),
    });
    try {
      const { port, configure, audits } = gateway;
      await configure(world.configuration());
      const grant = world.grant();
      for (let i = 0; i < 5; i++)
        await send({
          port,
          path: "/orders/7",
          headers: { "x-break-glass": grant, "x-otlp": "1", connection: "close" },
        });
      await expect.poll(() => server.intake.entries.length, PATIENCE).toBeGreaterThanOrEqual(6);
      await expect.poll(() => audits().size, PATIENCE).toBe(5);
      const written = [...audits().values()].flatMap(({ record, evidence }) => [
        record,
        ...(evidence === undefined ? [] : [JSON.stringify({ evidence })]),
      ]);
      expect(new Set(server.intake.lines())).toEqual(new Set(written));
    } finally {
      await gateway.stop();
      await server.close();
    }
  });
});
