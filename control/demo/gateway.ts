/** The demonstration's gateway: a real Envoy, or the Node host where none can be had. */
import { appendFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { readAuditLines } from "../base/audit.js";
import { type Answer, keepAlive, send } from "../gateway/client.js";
import { defaultConfiguration, ecdsText, writeEcds } from "../gateway/ecds.js";
import type { EnvoyBinary } from "../gateway/find.js";
import { push } from "../gateway/push.js";
import { renderGateway } from "../gateway/render.js";
import { readRenderedFilter } from "../gateway/rendered.js";
import { makeTemporary, startEnvoy } from "../gateway/run.js";
import { type Received, startUpstream } from "../gateway/upstream.js";
import { FilterHost } from "../host/host.js";
import { wasmPath } from "../host/wasm.js";
import { configurationText } from "../trust/configuration.js";
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

export interface DemoGateway {
  readonly description: string;
  readonly port: number | undefined;
  /** The audit log: it is kept. */
  readonly records: string;
  /** For what else the demonstration writes; removed at the end. */
  readonly folder: string;
  push(bundle: string, version: number): Promise<string>;
  call(call: Call): Promise<Shown>;
  stop(): Promise<void>;
}

/** Envoy flushes its logs every 50 ms here; a machine may be slow all the same. */
const PATIENCE_MS = 60_000;

const record = z.record(z.string(), z.unknown());

const echoed = z.object({
  method: z.string(),
  path: z.string(),
  headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
});

const codeIn = (body: string): string | undefined => /"code":"([a-z_]+)"/.exec(body)?.[1];

/** The upstream answers with what it received. */
function receivedFrom({ status, body }: Answer): Received | undefined {
  return status === 200 ? echoed.parse(JSON.parse(body)) : undefined;
}

/** The audit record of that request, as soon as Envoy has written it; undefined if it never comes. */
async function recordOf(logPath: string, requestId: string): Promise<Record<string, unknown> | undefined> {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(25)) {
    const lines = readFileSync(logPath, { encoding: "utf8", flag: "a+" }).split("\n");
    lines.pop(); // What stands behind the last line end is not written whole yet.
    const line = lines.findLast((text) => text.includes(`"request_id":"${requestId}"`));
    if (line !== undefined) return record.parse(JSON.parse(line));
  }
  return undefined;
}

/** The records stay when the demonstration has ended; what else it wrote does not. */
function makeFolders(): { folder: string; records: string } {
  const kept = makeTemporary("glassgate-demo-");
  const folder = join(kept, "run");
  mkdirSync(folder);
  return { folder, records: join(kept, "audit.log") };
}

export async function envoyGateway(world: World, binary: EnvoyBinary, port: number): Promise<DemoGateway> {
  const { folder, records: logPath } = makeFolders();
  mkdirSync(join(folder, "ecds"));
  const upstream = await startUpstream();
  const config = renderGateway({
    anchors: world.anchors,
    wasmPath,
    ecdsPath: join(folder, "ecds", "glassgate.json"),
    listen: { host: "127.0.0.1", port },
    adminPort: 0,
    nodeId: "demo-gateway",
    upstream: { host: "127.0.0.1", port: upstream.port },
    jwks: { inline: world.jwks },
    issuer: ISSUER,
    accessLogPath: "/dev/null",
    auditLogPath: logPath,
  });
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
    stop: async () => {
      agent.destroy();
      await envoy.stop();
      await upstream.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Where no Envoy can be had: the same filter in the Node host. What stands around it in Envoy is not there. */
export async function nodeGateway(world: World): Promise<DemoGateway> {
  const host = await FilterHost.load({ workers: 2, nodeId: "node-host" });
  const { folder, records } = makeFolders();
  let generation = 0;
  return {
    description:
      "NO ENVOY: the filter in the Node host. Not shown: jwt_authn, normalisation, the access log, the network",
    port: undefined,
    records,
    folder,
    push: async (bundle, version) => {
      generation += 1;
      const { accepted, reason } = host.configure(
        configurationText(world.anchors, generation, { bundle, strip: ["x-jwt-payload"] }),
      );
      if (!accepted) throw new Error(`refused: ${reason ?? ""}`);
      return `version ${version} in the Node host`;
    },
    call: async ({ method = "GET", path, host: authority = HOST, headers = {} }) => {
      const lines = Object.entries(headers).map(([name, value]): [string, string] => [name, value]);
      const outcome = host.request({
        headers: [[":method", method], [":path", path], [":authority", authority], ...lines],
      });
      const audit = outcome.filterState.get("wasm.glassgate.audit");
      if (audit !== undefined) appendFileSync(records, `${audit}\n`);
      const found = audit === undefined ? undefined : record.parse(JSON.parse(readAuditLines(audit).record));
      const told = outcome.reply === undefined ? undefined : codeIn(outcome.reply.body);
      if (outcome.reply !== undefined)
        return { status: outcome.reply.status, upstream: undefined, told, record: found };
      const isLetThrough =
        headers.authorization !== undefined || outcome.filterState.get("wasm.glassgate.verdict") === "allow";
      const upstream = { method, path, headers: Object.fromEntries(outcome.headers) };
      return isLetThrough
        ? { status: 200, upstream, told, record: found }
        : { status: 401, upstream: undefined, told, record: found };
    },
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}
