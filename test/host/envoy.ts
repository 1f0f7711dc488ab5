/** A real Envoy around a fixture, so that the Node host can be held against it. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type ClientRequest, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../control/base/errors.js";
import { type RunningEnvoy, startEnvoy } from "../../control/gateway/run.js";
import type { Header } from "../../control/host/host.js";
import { lineOf } from "./play.js";

const WASM = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
const STRING = "type.googleapis.com/google.protobuf.StringValue";

export interface PluginOptions {
  readonly vmId?: string;
  readonly failurePolicy?: "FAIL_CLOSED" | "FAIL_RELOAD" | "FAIL_OPEN";
}

function plugin(wasm: string, configuration: string, options: PluginOptions): object {
  return {
    "@type": WASM,
    config: {
      name: "glassgate",
      root_id: "glassgate",
      ...(options.failurePolicy === undefined ? {} : { failure_policy: options.failurePolicy }),
      vm_config: {
        vm_id: options.vmId ?? "glassgate",
        runtime: "envoy.wasm.runtime.v8",
        configuration: { "@type": STRING, value: "vmconf" },
        code: { local: { filename: wasm } },
      },
      configuration: { "@type": STRING, value: configuration },
    },
  };
}

const MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ANY_PORT = { socket_address: { address: "127.0.0.1", port_value: 0 } };
const ADMIN = { address: ANY_PORT };
const ROUTER = {
  name: "router",
  typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
};

function listener(name: string, ecdsPath: string, reserve: object): object {
  return {
    name,
    address: ANY_PORT,
    filter_chains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: {
              "@type": MANAGER,
              stat_prefix: name,
              generate_request_id: false,
              route_config: {
                virtual_hosts: [
                  {
                    name: "all",
                    domains: ["*"],
                    response_headers_to_add: [
                      { header: { key: "x-out", value: "%REQ(x-out)%" } },
                      { header: { key: "x-state", value: "%FILTER_STATE(wasm.k:PLAIN)%" } },
                    ],
                    routes: [
                      { match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: "upstream" } } },
                    ],
                  },
                ],
              },
              http_filters: [
                {
                  name: "w",
                  config_discovery: {
                    config_source: { path_config_source: { path: ecdsPath } },
                    type_urls: [WASM],
                    default_config: reserve,
                  },
                },
                ROUTER,
              ],
            },
          },
        ],
      },
    ],
  };
}

export interface Reply {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export class RealGateway {
  private lastVersion = 0;
  private envoy: RunningEnvoy | undefined;

  private constructor(
    private readonly folder: string,
    private readonly wasm: string,
  ) {}

  /** Starts Envoy with one worker. @param first listener -> configuration text */
  static async start(
    module: Uint8Array,
    first: Readonly<Record<string, string>>,
    options: PluginOptions = {},
  ): Promise<RealGateway> {
    const folder = mkdtempSync(join(tmpdir(), "glassgate-host-"));
    const wasm = join(folder, "fixture.wasm");
    writeFileSync(wasm, module);
    const gateway = new RealGateway(folder, wasm);
    for (const [name, configuration] of Object.entries(first)) gateway.write(name, configuration, options);
    const names = Object.keys(first);
    const config = {
      node: { id: "node-host", cluster: "node-host" },
      admin: ADMIN,
      static_resources: {
        listeners: names.map((name) => listener(name, gateway.path(name), plugin(wasm, "", { vmId: "reserve" }))),
      },
    };
    gateway.envoy = await startEnvoy({ config: JSON.stringify(config), concurrency: 1, logLevel: "info" });
    return gateway;
  }

  private path(name: string): string {
    return join(this.folder, name, "ecds.json");
  }

  private write(name: string, configuration: string, options: PluginOptions): void {
    this.lastVersion += 1;
    const resource = {
      "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
      name: "w",
      typed_config: plugin(this.wasm, configuration, options),
    };
    mkdirSync(join(this.folder, name), { recursive: true });
    const next = `${this.path(name)}.next.json`;
    writeFileSync(next, JSON.stringify({ version_info: String(this.lastVersion), resources: [resource] }));
    renameSync(next, this.path(name));
  }

  private get running(): RunningEnvoy {
    if (this.envoy === undefined) throw new Error("Envoy is not running");
    return this.envoy;
  }

  /** Renames a new configuration into place. */
  push(name: string, configuration: string, options: PluginOptions = {}): void {
    this.write(name, configuration, options);
  }

  /** What the fixture said, and what failed, in which thread. */
  lines(): { thread: "main" | "worker"; text: string }[] {
    const mainThread = String(this.running.pid);
    return this.running
      .log()
      .split("\n")
      .flatMap((line) => {
        const [, thread, text] = /^\[[^\]]*\]\[(\d+)\]\[\w+\]\[\w+\] (?:\[[^\]]*\] )?(.*)$/.exec(line) ?? [];
        const said = /^wasm log[^:]*: (.*)$/.exec(text ?? "")?.[1] ?? lineOf(text ?? "");
        return said === undefined ? [] : [{ thread: thread === mainThread ? "main" : "worker", text: said }];
      });
  }

  /** How many configurations were rejected. */
  rejections(): number {
    return this.running.log().split("config update rejected").length - 1;
  }

  /** Opens a request. It ends with its answer, or by `destroy`. */
  open(name: string, headers: readonly Header[]): { request: ClientRequest; reply: Promise<Reply> } {
    const pseudo = new Map(headers);
    const sent = request({
      port: this.running.ports[name] ?? 0,
      host: "127.0.0.1",
      method: pseudo.get(":method") ?? "GET",
      path: pseudo.get(":path") ?? "/",
      headers: headers.filter(([key]) => !key.startsWith(":")).flat(),
      setHost: false,
      timeout: 60_000,
      agent: false,
    });
    const reply = new Promise<Reply>((resolve, reject) => {
      sent.on("error", reject).on("timeout", () => sent.destroy(new Error("no answer within 60 s")));
      sent.on("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const pairs = new Map(Object.entries(response.headers).map(([key, value]) => [key, String(value)]));
          resolve({ status: response.statusCode ?? 0, headers: pairs, body: Buffer.concat(chunks).toString("utf8") });
        });
      });
    });
    sent.end();
    return { request: sent, reply };
  }

  request(name: string, headers: readonly Header[]): Promise<Reply> {
    return this.open(name, headers).reply;
  }

  async stop(): Promise<void> {
    await this.envoy?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whether a static configuration with this module starts. */
export async function isLoadedByEnvoy(module: Uint8Array): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-host-"));
  try {
    const wasm = join(folder, "module.wasm");
    writeFileSync(wasm, module);
    const manager = {
      "@type": MANAGER,
      stat_prefix: "http",
      route_config: {},
      http_filters: [{ name: "w", typed_config: plugin(wasm, "", {}) }, ROUTER],
    };
    const config = {
      admin: ADMIN,
      static_resources: {
        listeners: [
          { name: "a", address: ANY_PORT, filter_chains: [{ filters: [{ name: "m", typed_config: manager }] }] },
        ],
      },
    };
    const envoy = await startEnvoy({ config: JSON.stringify(config), concurrency: 1 });
    await envoy.stop();
    return true;
  } catch (error) {
    if (error instanceof UserError && error.message.startsWith("Envoy refused the configuration:")) return false;
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
