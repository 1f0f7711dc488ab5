/** A real Envoy with envoy.yaml for a test: ports, files and the upstream are made up, everything else is the file's. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { importJWK, SignJWT } from "jose";
import { type FilterState, readFilterState } from "../../control/gateway/admin-state.js";
import { defaultConfiguration, ecdsText, writeEcds } from "../../control/gateway/ecds.js";
import { type RenderOptions, renderGateway } from "../../control/gateway/render.js";
import { type RenderedFilter, readRenderedFilter } from "../../control/gateway/rendered.js";
import { type RunningEnvoy, startEnvoy } from "../../control/gateway/run.js";
import { startUpstream, type Upstream } from "../../control/gateway/upstream.js";
import { wasmPath } from "../../control/host/wasm.js";
import { newKey, publicPart } from "../../control/signer/jwk.js";
import { type Anchors, anchorsSchema, domainOf } from "../../control/trust/anchors.js";
import { type AuditLines, Logs } from "./logs.js";
import type { World } from "./world.js";

export interface TestEnvoy {
  readonly envoy: RunningEnvoy;
  readonly port: number;
  readonly upstream: Upstream;
  readonly filter: RenderedFilter;
  readonly anchors: Anchors;
  readonly folder: string;
  /** Writes the ECDS file by rename, without waiting. */
  offer(configuration: string, vmId?: string): void;
  /** Offers and waits until all VMs serve the configuration's generation. */
  configure(configuration: string, vmId?: string): Promise<void>;
  state(): Promise<FilterState>;
  /** Lines of the access log so far, waiting until there are `count`. Each has its audit lines written before it. */
  logLines(count: number): Promise<string[]>;
  /** The audit log so far, by request id. */
  audits(): ReadonlyMap<string, AuditLines>;
  normalToken(): Promise<string>;
  stop(): Promise<void>;
}

export interface TestEnvoyOptions {
  readonly concurrency?: number;
  readonly render?: Partial<RenderOptions>;
  /** What the ECDS file holds when Envoy starts; else the filter without a bundle. */
  readonly initial?: string;
  /** Of the filter in the ECDS file, instead of the rendered one. */
  readonly failurePolicy?: string;
  /** Changes the rendered configuration's text. */
  readonly edit?: (config: string) => string;
}

export const anchorsOf = (world: World): Anchors =>
  anchorsSchema.parse({ audience: "test", threshold: 2, roots: world.roots.map(({ jwk }) => jwk) });

export async function startTestEnvoy(world: World, options: TestEnvoyOptions = {}): Promise<TestEnvoy> {
  const concurrency = options.concurrency ?? 1;
  const folder = mkdtempSync(join(tmpdir(), "glassgate-test-"));
  const logs = new Logs(join(folder, "gateway.log"));
  mkdirSync(join(folder, "ecds"));
  const upstream = await startUpstream();
  const idp = newKey("Ed25519");
  const anchors = anchorsOf(world);
  const rendered = renderGateway({
    anchors,
    wasmPath,
    ecdsPath: join(folder, "ecds", "glassgate.json"),
    listen: { host: "127.0.0.1", port: 0 },
    adminPort: 0,
    nodeId: "test-gateway",
    upstream: { host: "127.0.0.1", port: upstream.port },
    jwks: { inline: JSON.stringify({ keys: [{ ...publicPart(idp), alg: "EdDSA" }] }) },
    issuer: "https://idp.example.com",
    accessLogPath: logs.path,
    answersLogPath: join(folder, "answers.log"),
    ...options.render,
  });
  const config = options.edit?.(rendered) ?? rendered;
  const read = readRenderedFilter(rendered, "envoy.yaml");
  const { failurePolicy = read.config.failure_policy } = options;
  const filter = { ...read, config: { ...read.config, failure_policy: failurePolicy } };
  writeEcds(filter.ecdsPath, ecdsText(filter, options.initial ?? defaultConfiguration(filter), undefined, "0"));
  const envoy = await startEnvoy({ config, concurrency, flushMs: 30 });
  const domain = domainOf(anchors);
  let version = 0;
  const offer = (configuration: string, vmId?: string): void => {
    version += 1;
    writeEcds(filter.ecdsPath, ecdsText(filter, configuration, vmId, `test-${version}`));
  };
  const state = (): Promise<FilterState> => readFilterState(envoy.admin, domain);
  return {
    envoy,
    port: envoy.ports.api ?? 0,
    upstream,
    filter,
    anchors,
    folder,
    offer,
    state,
    configure: async (configuration, vmId) => {
      const wanted = /"generation":(\d+)/.exec(configuration)?.[1];
      offer(configuration, vmId);
      for (let tries = 0; tries < 6000; tries++) {
        const { generation, servingVms } = await state();
        if (generation === Number(wanted) && servingVms >= concurrency + 1) return;
        await sleep(10);
      }
      throw new Error(
        `the configuration was not taken: ${
          envoy
            .log()
            .split("\n")
            .filter((line) => line.includes("glassgate"))
            .at(-1) ?? "no log line"
        }`,
      );
    },
    audits: () => logs.audits(),
    logLines: async (count) => {
      for (let tries = 0; ; tries++) {
        const lines = logs.accessLines();
        if (lines.length >= count) return lines;
        if (tries > 6000) throw new Error(`the access log has ${lines.length} of ${count} lines`);
        await sleep(10);
      }
    },
    normalToken: async () =>
      new SignJWT({ sub: "customer-7" })
        .setProtectedHeader({ alg: "EdDSA", kid: idp.kid })
        .setIssuer("https://idp.example.com")
        .setAudience("api")
        .setExpirationTime("1h")
        .sign(await importJWK({ ...idp, alg: "EdDSA" }, "EdDSA")),
    stop: async () => {
      await envoy.stop();
      await upstream.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
