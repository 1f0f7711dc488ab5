/** Envoy's admin interface, read with types. */
import { z } from "zod";
import { messageOf, UserError } from "../base/errors.js";

const serverInfo = z.object({
  command_line_options: z.object({ concurrency: z.number() }),
  uptime_all_epochs: z.string(),
});
const memory = z.object({ allocated: z.string(), heap_size: z.string() });
const listeners = z.object({
  listener_statuses: z.array(
    z.object({
      name: z.string(),
      local_address: z.object({ socket_address: z.object({ address: z.string(), port_value: z.number() }) }),
    }),
  ),
});

export class Admin {
  /** @param address `127.0.0.1:9901` */
  constructor(readonly address: string) {}

  private async get(path: string): Promise<string> {
    try {
      const response = await fetch(`http://${this.address}${path}`, { signal: AbortSignal.timeout(5000) });
      return await response.text();
    } catch (error) {
      throw new UserError(`Envoy's admin interface at ${this.address} does not answer: ${messageOf(error)}.`, {
        cause: error,
        hint: "Is the gateway running, and is --admin its admin address?",
      });
    }
  }

  async isReady(): Promise<boolean> {
    try {
      const response = await fetch(`http://${this.address}/ready`, { signal: AbortSignal.timeout(2000) });
      await response.text();
      return response.ok;
    } catch {
      return false; // Not up yet: the caller asks again.
    }
  }

  /** Worker threads. */
  async concurrency(): Promise<number> {
    return serverInfo.parse(JSON.parse(await this.get("/server_info"))).command_line_options.concurrency;
  }

  /** Bytes, by Envoy's own allocator. */
  async memory(): Promise<{ allocated: number; heap: number }> {
    const { allocated, heap_size: heap } = memory.parse(JSON.parse(await this.get("/memory")));
    return { allocated: Number(allocated), heap: Number(heap) };
  }

  async listenerPorts(): Promise<Record<string, number>> {
    const { listener_statuses: statuses } = listeners.parse(JSON.parse(await this.get("/listeners?format=json")));
    return Object.fromEntries(
      statuses.map(({ name, local_address: local }) => [name, local.socket_address.port_value]),
    );
  }

  /** Counters and gauges whose name matches; every name without histograms when none is given. */
  async stats(filter: string): Promise<Map<string, number>> {
    const text = await this.get(`/stats?filter=${encodeURIComponent(filter)}`);
    const found = new Map<string, number>();
    for (const line of text.split("\n")) {
      const at = line.lastIndexOf(": ");
      const value = Number(line.slice(at + 2));
      if (at > 0 && Number.isFinite(value)) found.set(line.slice(0, at), value);
    }
    return found;
  }
}

/** What the filter of one domain publishes, and how Envoy's VMs are. */
export interface FilterState {
  readonly generation: number | undefined;
  /** VMs that serve that generation, the main thread's included. */
  readonly servingVms: number;
  readonly bundleVersion: number | undefined;
  /** All VMs of the process. */
  readonly vmCount: number;
  /** Rejections of an ECDS update so far. */
  readonly rejections: number;
}

/** @param domain 64 hex characters */
export async function readFilterState(admin: Admin, domain: string): Promise<FilterState> {
  const stats = await admin.stats("glassgate|wasm_vm_count|wasm\\.envoy|extension_config_discovery");
  const gauge = (label: string): number | undefined =>
    stats.get(`wasmcustom.glassgate.${label}.domain=${domain.slice(0, 16)}`);
  let vmCount = 0;
  let rejections = 0;
  for (const [name, value] of stats) {
    if (/wasm_vm_count$|runtime\.v8\.active$/.test(name)) vmCount = Math.max(vmCount, value);
    if (/extension_config_discovery.*(config_fail|update_rejected)$/.test(name)) rejections += value;
  }
  return {
    generation: gauge("generation"),
    servingVms: gauge("generation_vms") ?? 0,
    bundleVersion: gauge("bundle_version"),
    vmCount,
    rejections,
  };
}
