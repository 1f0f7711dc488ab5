/** The demonstration's gateway: a real Envoy. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Answer, keepAlive, send } from "../gateway/client.js";
import { defaultConfiguration, ecdsText, writeEcds } from "../gateway/ecds.js";
import type { EnvoyBinary } from "../gateway/find.js";
import { readHeld } from "../gateway/held.js";
import { push } from "../gateway/push.js";
import { renderGateway } from "../gateway/render.js";
import { readRenderedFilter } from "../gateway/rendered.js";
import { bringText } from "../gateway/revoke.js";
import { makeTemporary, startEnvoy } from "../gateway/run.js";
import { type Received, startUpstream } from "../gateway/upstream.js";
import { wasmPath } from "../host/wasm.js";
import type { FollowedGateway } from "../ledger/config.js";
import { type DownloadEnd, startDownload } from "./download.js";
import { HOST, ISSUER, type World } from "./world.js";

export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Part of the traffic: its record is not looked up. */
  readonly isQuiet?: boolean;
}

export interface Shown {
  readonly status: number;
  /** What the upstream received, or undefined when the request did not get there. */
  readonly upstream: Received | undefined;
  /** The reply's code. It may say less than the record does. */
  readonly told: string | undefined;
  /** The audit record, from the gateway's own audit log. */
  readonly record: Readonly<Record<string, unknown>> | undefined;
}

/** A stream that the filter let through. */
export interface OpenStream {
  readonly status: number;
  /** How it ended, and the record of that. */
  readonly end: Promise<{ how: DownloadEnd; record: Shown["record"] }>;
}

export interface DemoGateway {
  readonly description: string;
  readonly port: number | undefined;
  /** The audit log: it is kept. */
  readonly records: string;
  /** For what else the demonstration writes; removed at the end. */
  readonly folder: string;
  /** What a ledger follows of it besides. */
  readonly followed: Omit<FollowedGateway, "audit">;
  push(bundle: string, version: number): Promise<string>;
  /** Brings in a text of revocations, as `glassgate revoke` does, and says where it applies now. */
  revoke(text: string): Promise<string>;
  call(call: Call): Promise<Shown>;
  /** Begins a download that does not end by itself. */
  open(call: Call): Promise<OpenStream>;
  stop(): Promise<void>;
}

const NODE_ID = "demo-gateway";
/** Envoy flushes its logs every 50 ms here; a machine may be slow all the same. */
const PATIENCE_MS = 60_000;

export const recordSchema = z.record(z.string(), z.unknown());

const echoed = z.object({
  method: z.string(),
  path: z.string(),
  headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
});

export const codeIn = (body: string): string | undefined => /"code":"([a-z_]+)"/.exec(body)?.[1];

/** The upstream answers with what it received. */
function receivedFrom({ status, body }: Answer): Received | undefined {
  return status === 200 ? echoed.parse(JSON.parse(body)) : undefined;
}

/** The audit record of that request, as soon as Envoy has written it; undefined if it never comes. @param also what stands in it */
async function recordOf(logPath: string, requestId: string, also = ""): Promise<Record<string, unknown> | undefined> {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(25)) {
    const lines = readFileSync(logPath, { encoding: "utf8", flag: "a+" }).split("\n");
    lines.pop(); // What stands behind the last line end is not written whole yet.
    const line = lines.findLast((text) => text.includes(`"request_id":"${requestId}"`) && text.includes(also));
    if (line !== undefined) return recordSchema.parse(JSON.parse(line));
  }
  return undefined;
}

/** The records stay when the demonstration has ended; what else it wrote does not. */
export function makeFolders(): { folder: string; records: string } {
  const kept = makeTemporary("glassgate-demo-");
  const folder = join(kept, "run");
  mkdirSync(folder);
  return { folder, records: join(kept, "audit.log") };
}

export async function envoyGateway(world: World, binary: EnvoyBinary, port: number): Promise<DemoGateway> {
  const { folder, records: logPath } = makeFolders();
  const answers = join(dirname(logPath), "answers.log");
  mkdirSync(join(folder, "ecds"));
  const upstream = await startUpstream();
  const config = renderGateway({
    anchors: world.anchors,
    wasmPath,
    ecdsPath: join(folder, "ecds", "glassgate.json"),
    listen: { host: "127.0.0.1", port },
    adminPort: 0,
    nodeId: NODE_ID,
    upstream: { host: "127.0.0.1", port: upstream.port },
    jwks: { inline: world.jwks },
    issuer: ISSUER,
    accessLogPath: "/dev/null",
    auditLogPath: logPath,
    answersLogPath: answers,
  });
  const configPath = join(folder, "envoy.yaml");
  writeFileSync(configPath, config, { mode: 0o600 });
  writeFileSync(answers, "");
  const filter = readRenderedFilter(config, "envoy.yaml");
  writeEcds(filter.ecdsPath, ecdsText(filter, defaultConfiguration(filter), undefined, "0"));
  const envoy = await startEnvoy({ config, binary, flushMs: 50 }).catch(async (error: unknown) => {
    await upstream.stop();
    rmSync(dirname(logPath), { recursive: true, force: true });
    throw error;
  });
  const agent = keepAlive(4);
  const api = envoy.ports.api ?? 0;
  return {
    description: `Envoy ${binary.version} (from ${binary.source}), configured by envoy.yaml, with 2 workers`,
    port: api,
    records: logPath,
    folder,
    followed: {
      id: NODE_ID,
      answers: [{ path: answers, format: "plain", mixed: false }],
      admin: envoy.admin.address,
      envoy: configPath,
    },
    push: async (text, version) => {
      const strip = ["x-jwt-payload"];
      const pushed = await push({
        filter,
        anchors: world.anchors,
        admin: envoy.admin,
        bundle: { text, version },
        configuration: { strip },
      });
      return `version ${version} on all ${pushed.servingVms} VMs after ${pushed.milliseconds} ms`;
    },
    revoke: async (text) => {
      const held = await readHeld(filter);
      if (held === undefined) throw new Error("the gateway has no bundle");
      const outcome = await bringText({ filter, admin: envoy.admin, held }, text);
      return outcome.kind === "applied" ? `on all ${outcome.vms} VMs` : `${outcome.kind}: ${outcome.why}`;
    },
    call: async ({ method, path, host = HOST, headers = {}, isQuiet = false }) => {
      const answer = await send({ port: api, path, host, headers, agent, ...(method === undefined ? {} : { method }) });
      const received = receivedFrom(answer);
      const problem = /"request_id":"([^"]+)"/.exec(answer.body)?.[1];
      const told = codeIn(answer.body);
      if (isQuiet) return { status: answer.status, upstream: received, told, record: undefined };
      const requestId = received?.headers["x-request-id"] ?? problem;
      // Without a grant the filter is not entered, and there is no record to wait for.
      const isRecorded = typeof requestId === "string" && headers["x-break-glass"] !== undefined;
      const found = isRecorded ? await recordOf(logPath, requestId) : undefined;
      return { status: answer.status, upstream: received, told, record: found };
    },
    open: async ({ path, host = HOST, headers = {} }) => {
      const download = await startDownload(api, path, { host, ...headers, "x-drip-ms": "100" });
      const requestId = /"x-request-id":"([^"]+)"/.exec(download.beginning)?.[1] ?? "none";
      const end = async (): Promise<Awaited<OpenStream["end"]>> => {
        const how = await download.end;
        return { how, record: how === "cut" ? await recordOf(logPath, requestId, '"ended":true') : undefined };
      };
      return { status: download.status, end: end() };
    },
    stop: async () => {
      agent.destroy();
      await envoy.stop();
      await upstream.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
