/** What all workers share: data, where nginx has a memory for it, and metrics. */
import { crc32 } from "node:zlib";
import { MetricKind, Status } from "../abi.js";
import { HostTrap } from "../instance.js";

interface Entry {
  readonly value: Buffer;
  readonly cas: number;
}

/** One map for every filter. */
export class NgxSharedData {
  private readonly entries = new Map<string, Entry>();

  get(key: string): Entry | undefined {
    return this.entries.get(key);
  }

  /** `cas` is the version that is there: 0 creates, and nothing else. */
  set(key: string, value: Buffer, cas: number): Status {
    const present = this.entries.get(key)?.cas ?? 0;
    if (cas !== present) return Status.CasMismatch;
    this.entries.set(key, { value, cas: present + 1 });
    return Status.Ok;
  }
}

interface Metric {
  readonly kind: number;
  readonly name: string;
  value: bigint;
}

/** With the filter's name before it. */
const MAX_NAME_BYTES = 256;

const trap = (what: string): never => {
  throw new HostTrap(`host trap (internal error): ${what}`);
};

/** By a checksum of the name, whoever defines it: what is there keeps its kind. */
export class NgxMetrics {
  private readonly byId = new Map<number, Metric>();

  define(filter: string, kind: number, name: string): number {
    if (kind < MetricKind.Counter || kind > MetricKind.Histogram)
      trap(`could not define metric "${name}": unknown type`);
    const full = `pw:${filter}:${name}`;
    if (full.length > MAX_NAME_BYTES) trap(`could not define metric: name "${name}" too long`);
    const id = crc32(full);
    if (!this.byId.has(id)) this.byId.set(id, { kind, name, value: 0n });
    return id;
  }

  private known(id: number): Metric {
    return this.byId.get(id) ?? trap(`metric not found: ${id}`);
  }

  increment(id: number, by: bigint): Status {
    const metric = this.known(id);
    if (metric.kind !== MetricKind.Counter) trap(`metric not a counter: ${metric.name}`);
    metric.value = BigInt.asUintN(64, metric.value + by);
    return Status.Ok;
  }

  /** A histogram shows the sum of what was recorded. */
  record(id: number, value: bigint): Status {
    const metric = this.known(id);
    if (metric.kind === MetricKind.Counter) trap(`metric is a counter: ${metric.name}`);
    metric.value = BigInt.asUintN(64, metric.kind === MetricKind.Gauge ? value : metric.value + value);
    return Status.Ok;
  }

  get(id: number): bigint {
    const metric = this.known(id);
    return metric.kind === MetricKind.Histogram ? trap(`metric is a histogram: ${metric.name}`) : metric.value;
  }

  all(): ReadonlyMap<string, number> {
    return new Map([...this.byId.values()].map(({ name, value }) => [name, Number(value)]));
  }
}
