/** Envoy's admin interface, read with types. Whatever answers there, and however, becomes a value or one clear sentence. */
import { z } from "zod";
import { messageOf, UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { fetchPage, type Page, parseAddress } from "./admin-page.js";

/** Something about the gateway could not be seen. It says nothing about what the gateway does: nobody may roll back for it. */
export class UnseenError extends UserError {}
/** Nobody answers there at all. */
export class UnreachableError extends UnseenError {}

const seconds = z
  .string()
  .regex(/^[0-9]{1,12}(?:\.[0-9]{1,9})?s$/)
  .transform((text) => Number(text.slice(0, -1)));

const serverInfo = z.object({
  state: z.string(),
  version: z.string().default(""),
  uptime_current_epoch: seconds,
  command_line_options: z.object({
    concurrency: z.int().min(1).max(65_536),
    restart_epoch: z.int().nonnegative().default(0),
    parent_shutdown_time: seconds.default(900),
    skip_hot_restart_parent_stats: z.boolean().default(false),
  }),
  node: z.object({ id: z.string().default("") }).default({ id: "" }),
});
const memory = z.object({ allocated: z.string(), heap_size: z.string() });
const listeners = z.object({
  listener_statuses: z.array(
    z.object({
      name: z.string(),
      // Undefined for a unix socket.
      local_address: z.object({
        socket_address: z.object({ address: z.string(), port_value: z.number() }).optional(),
      }),
    }),
  ),
});
const dump = z.object({ configs: z.array(z.record(z.string(), z.unknown())).default([]) });

export interface ServerInfo {
  readonly nodeId: string;
  /** As `1.39.0`; empty where it says none. */
  readonly version: string;
  /** Worker threads. */
  readonly workers: number;
  readonly restartEpoch: number;
  readonly uptimeSeconds: number;
  /** How long a hot restart's parent lives on beside its child. */
  readonly parentSeconds: number;
  /** Whether the parent's gauges are added to the child's. */
  readonly addsParentStats: boolean;
  /** The gateway's clock, seconds since 1970, from the answer's own `Date`; it may lag by a second. */
  readonly clock: number | undefined;
}

export class Admin {
  /** @param address `127.0.0.1:9901` */
  constructor(readonly address: string) {
    parseAddress(address);
  }

  private async get(path: string): Promise<Page> {
    let page: Page;
    try {
      page = await fetchPage(this.address, path);
    } catch (error) {
      throw new UnreachableError(
        `Envoy's admin interface at ${this.address} does not answer: ${visible(messageOf(error)).slice(0, 200)}.`,
        {
          cause: error,
          hint: "Is the gateway running, and is this its admin address?",
        },
      );
    }
    if (page.status === 403) throw this.isHidden(path);
    if (page.status !== 200) throw this.isNoEnvoy(`it answers ${page.status} to ${path.split("?", 1)[0]}`);
    return page;
  }

  private isHidden(path: string): UnseenError {
    const shown = path.split("?", 1)[0];
    return new UnseenError(
      `The admin interface at ${this.address} does not show ${shown}: admin.allow_paths of the gateway's configuration hides it.`,
      {
        hint: "admin.allow_paths must allow /ready and /listeners (for `gateway run`), /server_info, /config_dump and /stats (for `push`).",
      },
    );
  }

  private isNoEnvoy(why: string): UnseenError {
    return new UnseenError(`What answers at ${this.address} is no admin interface of an Envoy: ${why}.`, {
      hint: "The address comes from `admin.address` of the gateway's file; --admin overrides it.",
    });
  }

  private parse<T>(page: Page, path: string, schema: z.ZodType<T>): T {
    try {
      return schema.parse(JSON.parse(page.text));
    } catch {
      // What exactly is wrong with a stranger's answer helps nobody.
      throw this.isNoEnvoy(`its answer to ${path} is not what Envoy answers`);
    }
  }

  async isReady(): Promise<boolean> {
    let page: Page;
    try {
      page = await fetchPage(this.address, "/ready");
    } catch {
      return false; // Not up yet: the caller asks again.
    }
    if (page.status === 403) throw this.isHidden("/ready");
    return page.status === 200;
  }

  async serverInfo(): Promise<ServerInfo> {
    const page = await this.get("/server_info");
    const { command_line_options: options, node, ...info } = this.parse(page, "/server_info", serverInfo);
    return {
      nodeId: node.id,
      version: info.version.split("/")[1] ?? "",
      workers: options.concurrency,
      restartEpoch: options.restart_epoch,
      uptimeSeconds: info.uptime_current_epoch,
      parentSeconds: options.parent_shutdown_time,
      addsParentStats: options.restart_epoch > 0 && !options.skip_hot_restart_parent_stats,
      clock: page.date,
    };
  }

  /** Worker threads. */
  async concurrency(): Promise<number> {
    return (await this.serverInfo()).workers;
  }

  /** Bytes, by Envoy's own allocator. */
  async memory(): Promise<{ allocated: number; heap: number }> {
    const { allocated, heap_size: heap } = this.parse(await this.get("/memory"), "/memory", memory);
    return { allocated: Number(allocated), heap: Number(heap) };
  }

  /** Of each listener that has one. */
  async listenerPorts(): Promise<Record<string, number>> {
    const path = "/listeners?format=json";
    const { listener_statuses: statuses } = this.parse(await this.get(path), path, listeners);
    return Object.fromEntries(
      statuses.flatMap(({ name, local_address: { socket_address: socket } }) =>
        socket === undefined ? [] : [[name, socket.port_value]],
      ),
    );
  }

  /** What the bootstrap says of its listeners and of its statistics. */
  async bootstrap(): Promise<unknown> {
    const mask = "bootstrap.static_resources.listeners,bootstrap.stats_config";
    const page = await this.get(`/config_dump?mask=${mask}`);
    return this.parse(page, "/config_dump", dump).configs.find(({ bootstrap }) => bootstrap !== undefined)?.bootstrap;
  }

  /** All that it runs, as JSON. */
  async configDump(): Promise<string> {
    return (await this.get("/config_dump?include_eds")).text;
  }

  /** Counters and gauges whose name matches; every name without histograms when none is given. */
  async stats(filter: string): Promise<Map<string, number>> {
    const { text } = await this.get(`/stats?filter=${encodeURIComponent(filter)}`);
    const found = new Map<string, number>();
    for (const line of text.split("\n")) {
      const at = line.lastIndexOf(": ");
      const value = Number(line.slice(at + 2));
      if (at > 0 && Number.isFinite(value)) found.set(line.slice(0, at), value);
    }
    return found;
  }
}
