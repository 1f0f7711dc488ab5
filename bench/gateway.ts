/** One Envoy with one worker and a listener for each way of filtering: what is compared differs in nothing else. */
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";
import { z } from "zod";
import { readFilterState } from "../control/gateway/admin.js";
import { WASM_TYPE } from "../control/gateway/config.js";
import { defaultConfiguration, ecdsText, writeEcds } from "../control/gateway/ecds.js";
import { type RenderedFilter, readRenderedFilter, renderGateway } from "../control/gateway/render.js";
import { type RunningEnvoy, startEnvoy } from "../control/gateway/run.js";
import { domainOf } from "../control/trust/anchors.js";
import { configurationSchema } from "../control/trust/configuration.js";
import { authzCluster, CLAIMS_LOG, filtersOf, LISTENERS, type ListenerName } from "./filters.js";
import { ISSUER } from "./tokens.js";
import type { World } from "./world.js";

/** Milliseconds between flushes of the access log: short, so that a sample can wait for its own. */
export const FLUSH_MS = 20;

const manager = z.looseObject({
  http_filters: z.array(z.unknown()),
  access_log: z.tuple([
    z.looseObject({
      typed_config: z.looseObject({ log_format: z.looseObject({ json_format: z.record(z.string(), z.string()) }) }),
    }),
  ]),
});
const nativeJwt = z.looseObject({
  name: z.string(),
  typed_config: z.looseObject({ providers: z.object({ idp: z.looseObject({}) }) }),
});
const configSchema = z.looseObject({
  static_resources: z.looseObject({
    listeners: z.tuple([
      z.looseObject({
        filter_chains: z.tuple([z.looseObject({ filters: z.tuple([z.looseObject({ typed_config: manager })]) })]),
      }),
    ]),
    clusters: z.array(z.unknown()),
  }),
});
type Config = z.infer<typeof configSchema>;
type Manager = z.infer<typeof manager>;

const discovery = (name: string, path: string): object => ({
  name,
  config_discovery: {
    config_source: { resource_api_version: "V3", path_config_source: { path } },
    type_urls: [WASM_TYPE],
  },
});

const DIRECT_ANSWER = {
  name: "direct",
  virtual_hosts: [
    {
      name: "direct",
      domains: ["*"],
      routes: [{ match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: "ok\n" } } }],
    },
  ],
};

/** The record is glassgate's own members for all but `nativeWork`, which logs the claims instead. */
function accessLogOf(name: ListenerName, [log]: Manager["access_log"]): Manager["access_log"] {
  if (name !== "nativeWork") return [log];
  const { verdict: _, audit: _audit, evidence: _evidence, ...rest } = log.typed_config.log_format.json_format;
  const json_format = { ...rest, ...CLAIMS_LOG };
  return [
    { ...log, typed_config: { ...log.typed_config, log_format: { ...log.typed_config.log_format, json_format } } },
  ];
}

/** The rendered envoy.yaml with a listener for each name. */
function withListeners(config: Config, thinPath: string, authzPort: number): object {
  const { listeners, clusters } = config.static_resources;
  const [listener] = listeners;
  const [chain] = listener.filter_chains;
  const [connection] = chain.filters;
  const rendered = connection.typed_config;
  const [glassgate, noStore, skippableJwt, router] = rendered.http_filters;
  const jwt = nativeJwt.parse(
    z.looseObject({ typed_config: z.looseObject({ extension_config: z.unknown() }) }).parse(skippableJwt).typed_config
      .extension_config,
  );
  const parts = { glassgate, noStore, skippableJwt, jwt, router, thin: discovery("thin", thinPath) };
  const listenerOf = (name: ListenerName): object => {
    const typed_config = {
      ...rendered,
      // The source follows x-forwarded-for where a request has it: forged grants can come from many networks.
      xff_num_trusted_hops: 1,
      http_filters: filtersOf(name, parts, authzPort),
      access_log: accessLogOf(name, rendered.access_log),
      route_config: DIRECT_ANSWER,
    };
    return { ...listener, name, filter_chains: [{ ...chain, filters: [{ ...connection, typed_config }] }] };
  };
  return {
    ...config,
    static_resources: {
      ...config.static_resources,
      listeners: LISTENERS.map(listenerOf),
      clusters: [...clusters, authzCluster(authzPort)],
    },
  };
}

function withCode(config: RenderedFilter["config"], filename: string): RenderedFilter["config"] {
  const vmConfig = z.looseObject({}).parse(config.vm_config);
  return { ...config, vm_config: { ...vmConfig, code: { local: { filename } } } };
}

export interface GatewayOptions {
  readonly world: World;
  readonly jwks: string;
  readonly folder: string;
  /** The filters' bytes. */
  readonly wasm: Uint8Array;
  readonly thin: Uint8Array;
  readonly authzPort: number;
}

export interface Gateway {
  readonly envoy: RunningEnvoy;
  /** The plugin configuration of that generation, with the bundle. */
  configuration(generation: number): string;
  /** Writes it by rename and waits until every VM serves it. Another `vmId` or other code (a path) makes new VMs. */
  configure(generation: number, change?: { readonly vmId?: string; readonly wasmPath?: string }): Promise<void>;
  port(name: ListenerName): number;
  logLines(): string[];
  emptyLog(): void;
}

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { world, folder, jwks } = options;
  const paths = {
    wasm: join(folder, "glassgate.wasm"),
    thin: join(folder, "thin.wasm"),
    log: join(folder, "access.log"),
  };
  const [ecdsPath, thinEcds] = [join(folder, "ecds", "glassgate.json"), join(folder, "ecds-thin", "thin.json")];
  mkdirSync(join(folder, "ecds"));
  mkdirSync(join(folder, "ecds-thin"));
  writeFileSync(paths.wasm, options.wasm);
  writeFileSync(paths.thin, options.thin);
  const rendered = renderGateway({
    anchors: world.anchors,
    wasmPath: paths.wasm,
    ecdsPath,
    listen: { host: "127.0.0.1", port: 0 },
    adminPort: 0,
    nodeId: "bench",
    jwks: { inline: jwks },
    issuer: ISSUER,
    accessLogPath: paths.log,
  });
  const filter = readRenderedFilter(rendered, "envoy.yaml");
  const bundle = await world.bundle();
  const base = configurationSchema.parse(JSON.parse(defaultConfiguration(filter)));
  const configuration = (generation: number): string => JSON.stringify({ ...base, generation, bundle });
  writeEcds(ecdsPath, ecdsText(filter, configuration(1), undefined, "1"));
  const thin: RenderedFilter = {
    name: "thin",
    ecdsPath: thinEcds,
    config: {
      name: "thin",
      root_id: "thin",
      vm_config: { vm_id: "thin", runtime: "envoy.wasm.runtime.v8", code: { local: { filename: paths.thin } } },
    },
  };
  writeEcds(thinEcds, ecdsText(thin, "{}", undefined, "1"));
  const config = JSON.stringify(withListeners(configSchema.parse(parse(rendered)), thinEcds, options.authzPort));
  const envoy = await startEnvoy({ config, concurrency: 1, flushMs: FLUSH_MS });
  const domain = domainOf(world.anchors);

  const serves = async (wanted: number): Promise<void> => {
    for (let tries = 0; tries < 5000; tries++) {
      const { generation, servingVms } = await readFilterState(envoy.admin, domain);
      if (generation === wanted && servingVms >= 2) return;
      await sleep(1);
    }
    throw new Error(`the configuration was not taken: ${envoy.log().split("\n").slice(-3).join("\n")}`);
  };
  try {
    await serves(1);
  } catch (error) {
    await envoy.stop();
    throw error;
  }
  return {
    envoy,
    configuration,
    configure: async (generation, { vmId, wasmPath } = {}) => {
      const config = wasmPath === undefined ? filter.config : withCode(filter.config, wasmPath);
      writeEcds(ecdsPath, ecdsText({ ...filter, config }, configuration(generation), vmId, String(generation)));
      await serves(generation);
    },
    port: (name) => envoy.ports[name] ?? 0,
    logLines: () => readFileSync(paths.log, "utf8").split("\n").slice(0, -1),
    emptyLog: () => truncateSync(paths.log),
  };
}
