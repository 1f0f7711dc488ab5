/** An admin interface of a gateway that is none: what it answers, and when, is the test's. */
import { readFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { readEcds } from "../../control/gateway/ecds.js";
import type { RenderedFilter } from "../../control/gateway/rendered.js";

/** An admin interface that answers as an Envoy does, but for what a test changes. */
export class ScriptedAdmin {
  readonly server: Server;
  epoch = 0;
  uptime = "500s";
  nodeId = "test-gateway";
  workers = 2;
  gauges: Record<string, number | string>;
  statsConfig: unknown;
  date = (): string => new Date().toUTCString();
  /** Answers in Envoy's place. */
  answer: ((path: string, response: ServerResponse) => boolean) | undefined;
  readonly paths: string[] = [];

  /** @param domain the first 16 of its characters */
  constructor(
    private readonly filter: RenderedFilter,
    private readonly domain: string,
  ) {
    this.gauges = {
      [this.gauge("generation")]: 0,
      [this.gauge("generation_vms")]: 3,
      [this.gauge("bundle_version")]: 0,
      [this.gauge("schema")]: 1,
      "wasm.envoy.wasm.runtime.v8.active": 4,
    };
    this.server = createServer((request, response) => {
      const path = request.url ?? "";
      this.paths.push(path);
      response.sendDate = false;
      if (this.answer?.(path, response) === true) return;
      response.setHeader("date", this.date());
      response.end(this.body(path));
    });
  }

  gauge(label: string): string {
    return `wasmcustom.glassgate.${label}.domain=${this.domain}`;
  }

  /** From now on the filter publishes what the ECDS file holds, as an honest gateway's does. */
  serveFile(): void {
    const deployed = readEcds(readFileSync(this.filter.ecdsPath, "utf8"));
    this.gauges[this.gauge("generation")] = deployed?.configuration.generation ?? 0;
    this.gauges[this.gauge("bundle_version")] = deployed?.bundle?.version ?? 0;
  }

  private body(path: string): string {
    if (path.startsWith("/stats"))
      return Object.entries(this.gauges)
        .map(([name, value]) => `${name}: ${value}\n`)
        .join("");
    if (path.startsWith("/config_dump")) {
      const { name, ecdsPath } = this.filter;
      const found = { name, config_discovery: { config_source: { path_config_source: { path: ecdsPath } } } };
      const listener = { name: "api", filter_chains: [{ filters: [{ typed_config: { http_filters: [found] } }] }] };
      const bootstrap = { static_resources: { listeners: [listener] }, stats_config: this.statsConfig };
      return JSON.stringify({ configs: [{ bootstrap }] });
    }
    return JSON.stringify({
      state: "LIVE",
      uptime_current_epoch: this.uptime,
      node: { id: this.nodeId },
      command_line_options: { concurrency: this.workers, restart_epoch: this.epoch, parent_shutdown_time: "20s" },
    });
  }

  listen(): Promise<string> {
    return new Promise((resolve) => {
      this.server.listen(0, "127.0.0.1", () => {
        const address = this.server.address();
        resolve(`127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`);
      });
    });
  }
}
