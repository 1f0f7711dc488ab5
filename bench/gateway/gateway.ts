/** One Envoy, of one worker unless said otherwise, with a listener for each way of filtering: what is compared differs in nothing else. */
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";
import { z } from "zod";
import { readFilterState } from "../../control/gateway/admin-state.js";
import { defaultConfiguration, ecdsText, writeEcds } from "../../control/gateway/ecds.js";
import { renderGateway } from "../../control/gateway/render.js";
import { type RenderedFilter, readRenderedFilter } from "../../control/gateway/rendered.js";
import { type RunningEnvoy, startEnvoy } from "../../control/gateway/run.js";
import { domainOf } from "../../control/trust/anchors.js";
import { configurationSchema } from "../../control/trust/configuration.js";
import { ISSUER } from "../tokens/tokens.js";
import type { World } from "../tokens/world.js";
import { authzCluster, CLAIMS_LOG, filtersOf, LISTENERS, type ListenerName, OVER_TLS } from "./filters.js";
import { formsOf } from "./forms.js";
import { deliver, type Module } from "./modules.js";

/** Milliseconds between flushes of the access log: short, so that a sample can wait for its own. */
export const FLUSH_MS = 20;

/** Where nobody listens and nothing is sent. */
const NO_PORT = 9;

const log = z.looseObject({
  name: z.string(),
  typed_config: z.looseObject({ log_format: z.looseObject({}) }),
});
type Log = z.infer<typeof log>;
/** Those that hold the filter. */
const OURS: ReadonlySet<ListenerName> = new Set(["direct", "composite", "whole", "tlsDirect"]);

const manager = z.looseObject({ http_filters: z.array(z.unknown()), access_log: z.array(log) });
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

const jsonFormat = z.looseObject({ json_format: z.record(z.string(), z.string()) });

/** The access log of envoy.yaml with the claims in it. */
function withClaims(access: Log): Log {
  const format = jsonFormat.parse(access.typed_config.log_format);
  const { verdict: _, ...json } = format.json_format;
  const log_format = { ...format, json_format: { ...json, ...CLAIMS_LOG } };
  return { ...access, typed_config: { ...access.typed_config, log_format } };
}

/** The audit log and the access log for all; `nativeWork` logs the claims in their stead, `whole` has all that envoy.yaml has. */
function logsOf(name: string, logs: Manager["access_log"]): readonly Log[] {
  const [audit, access] = ["audit", "access"].map((wanted) => logs.find((candidate) => candidate.name === wanted));
  if (audit === undefined || access === undefined) throw new Error("envoy.yaml has no audit log or no access log");
  if (name === "nativeWork") return [withClaims(access)];
  return name === "whole" ? logs : [audit, access];
}

const skippable = z.looseObject({
  name: z.literal("envoy.filters.http.jwt_authn"),
  typed_config: z.looseObject({ extension_config: nativeJwt }),
});

function jwtOf(filters: readonly unknown[]): z.infer<typeof nativeJwt> {
  const found = filters.map((filter) => skippable.safeParse(filter).data).find((filter) => filter !== undefined);
  if (found === undefined) throw new Error("envoy.yaml has no jwt_authn that can be skipped");
  return found.typed_config.extension_config;
}

interface Listening {
  readonly names: readonly ListenerName[];
  readonly modules: ReadonlyMap<string, object>;
  readonly authzPort: number;
  /** Each worker gets as many connections as the others. */
  readonly isBalanced: boolean;
}

/** The rendered envoy.yaml with a listener for each name, and one for each of the benchmark's own modules. */
function withListeners(config: Config, { names, modules, authzPort, isBalanced }: Listening): object {
  const { listeners, clusters } = config.static_resources;
  const [listener] = listeners;
  const [chain] = listener.filter_chains;
  const [connection] = chain.filters;
  const rendered = connection.typed_config;
  const whole = rendered.http_filters;
  const router = whole.at(-1);
  const parts = { ...formsOf(whole[0]), jwt: jwtOf(whole), router, whole };
  const listenerOf = (name: string, http_filters: readonly unknown[]): object => {
    const typed_config = {
      ...rendered,
      // The source follows x-forwarded-for where a request has it: forged grants can come from many networks.
      xff_num_trusted_hops: 1,
      http_filters,
      access_log: logsOf(name, rendered.access_log),
      route_config: DIRECT_ANSWER,
    };
    const balance = isBalanced ? { connection_balance_config: { exact_balance: {} } } : {};
    const { transport_socket, ...plain } = chain;
    const tls = OVER_TLS.has(name) ? { transport_socket } : {};
    const filter_chains = [{ ...plain, ...tls, filters: [{ ...connection, typed_config }] }];
    return { ...listener, ...balance, name, filter_chains };
  };
  return {
    ...config,
    static_resources: {
      ...config.static_resources,
      listeners: [
        ...names.map((name) => listenerOf(name, filtersOf(name, parts, authzPort))),
        ...[...modules].map(([name, filter]) => listenerOf(name, [filter, router])),
      ],
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
  /** The filter's bytes. */
  readonly wasm: Uint8Array;
  readonly modules: readonly Module[];
  /** Of the external server, where a listener asks one. */
  readonly authzPort?: number;
  /** Default: one. */
  readonly workers?: number;
  /** `table_memory_kib`; default: the filter's own. */
  readonly tableKib?: number | undefined;
  /** The gateway's own certificate, in files: without it there are no listeners over TLS. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Default: all. */
  readonly listeners?: readonly ListenerName[];
}

export interface Gateway {
  readonly envoy: RunningEnvoy;
  /** The plugin configuration of that generation, with the bundle. */
  configuration(generation: number): string;
  /** Writes it by rename and waits until every VM serves it. Another `vmId` or other code (a path) makes new VMs. */
  configure(generation: number, change?: { readonly vmId?: string; readonly wasmPath?: string }): Promise<void>;
  /** Of the listener of that name: one of LISTENERS, or a module's. */
  port(name: string): number;
  /** Of both logs, which go to one file. */
  logLines(): string[];
  emptyLog(): void;
}

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { world, folder, jwks } = options;
  const paths = { wasm: join(folder, "glassgate.wasm"), log: join(folder, "access.log") };
  const ecdsPath = join(folder, "ecds", "glassgate.json");
  mkdirSync(join(folder, "ecds"));
  writeFileSync(paths.wasm, options.wasm);
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
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  });
  const filter = readRenderedFilter(rendered, "envoy.yaml");
  const bundle = await world.bundle();
  const { workers = 1, tableKib } = options;
  const tables = tableKib === undefined ? {} : { table_memory_kib: tableKib };
  const base = { ...configurationSchema.parse(JSON.parse(defaultConfiguration(filter))), ...tables };
  const configuration = (generation: number): string => JSON.stringify({ ...base, generation, bundle });
  writeEcds(ecdsPath, ecdsText(filter, configuration(1), undefined, "1"));
  const modules = new Map(options.modules.map((module) => [module.name, deliver(module, folder)]));
  const { listeners = LISTENERS, authzPort = NO_PORT } = options;
  const names = listeners.filter((name) => options.tls !== undefined || !OVER_TLS.has(name));
  const listening = { names, modules, authzPort, isBalanced: workers > 1 };
  const config = JSON.stringify(withListeners(configSchema.parse(parse(rendered)), listening));
  const envoy = await startEnvoy({ config, concurrency: workers, flushMs: FLUSH_MS });
  const domain = domainOf(world.anchors);

  const serves = async (wanted: number): Promise<void> => {
    for (let tries = 0; tries < 5000; tries++) {
      const { generation, servingVms } = await readFilterState(envoy.admin, domain);
      if (generation === wanted && servingVms >= workers + 1) return;
      await sleep(1);
    }
    throw new Error(`the configuration was not taken: ${envoy.log().split("\n").slice(-3).join("\n")}`);
  };
  try {
    if (names.some((name) => OURS.has(name)) || modules.size > 0) await serves(1);
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
    port: (name) => {
      const port = envoy.ports[name];
      if (port === undefined) throw new Error(`there is no listener ${name}`);
      return port;
    },
    logLines: () => readFileSync(paths.log, "utf8").split("\n").slice(0, -1),
    emptyLog: () => truncateSync(paths.log),
  };
}
