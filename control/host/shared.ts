/** What all VMs of one process share: data per vm_id, and metrics by name. */
import { MetricKind, Status } from "./abi.js";

interface Entry {
  readonly value: Buffer;
  readonly cas: number;
}

export class SharedData {
  private readonly byVmId = new Map<string, Map<string, Entry>>();
  /** One counter for all keys; 0 is no version. */
  private lastCas = 0;

  get(vmId: string, key: string): Entry | undefined {
    return this.byVmId.get(vmId)?.get(key);
  }

  /** `cas` 0 overwrites; for a key that is not there any `cas` creates it. */
  set(vmId: string, key: string, value: Buffer, cas: number): Status {
    const data = this.byVmId.get(vmId) ?? new Map<string, Entry>();
    this.byVmId.set(vmId, data);
    const entry = data.get(key);
    if (entry !== undefined && cas !== 0 && cas !== entry.cas) return Status.CasMismatch;
    this.lastCas += 1;
    data.set(key, { value, cas: this.lastCas });
    return Status.Ok;
  }

  /** The last base VM of that vm_id is gone. */
  forget(vmId: string): void {
    this.byVmId.delete(vmId);
  }
}

export interface Metric {
  readonly kind: MetricKind;
  readonly name: string;
  value: bigint;
}

/** The same kind and name is the same metric, in whichever VM it was defined. */
export class Metrics {
  private readonly metrics = new Map<string, Metric>();

  define(kind: MetricKind, name: string): Metric {
    const key = `${kind} ${name}`;
    const metric = this.metrics.get(key) ?? { kind, name, value: 0n };
    this.metrics.set(key, metric);
    return metric;
  }

  /** By name. A histogram shows the sum of what was recorded. */
  all(): ReadonlyMap<string, number> {
    return new Map([...this.metrics.values()].map(({ name, value }) => [name, Number(value)]));
  }
}

/** One VM's metrics: each definition gives a new id, whose two low bits are the kind. */
export class MetricTable {
  private readonly byId = new Map<number, Metric>();
  private readonly lastIds: [number, number, number] = [MetricKind.Counter, MetricKind.Gauge, MetricKind.Histogram];

  constructor(private readonly metrics: Metrics) {}

  define(kind: number, name: string): number | undefined {
    if (kind !== MetricKind.Counter && kind !== MetricKind.Gauge && kind !== MetricKind.Histogram) return undefined;
    this.lastIds[kind] += 4;
    this.byId.set(this.lastIds[kind], this.metrics.define(kind, name));
    return this.lastIds[kind];
  }

  /** Counters only rise; gauges go both ways, unsigned. */
  increment(id: number, by: bigint): Status {
    if ((id & 3) >= MetricKind.Histogram) return Status.BadArgument;
    const metric = this.byId.get(id);
    if (metric === undefined) return Status.NotFound;
    if (metric.kind === MetricKind.Counter && by <= 0n) return Status.BadArgument;
    metric.value = BigInt.asUintN(64, metric.value + by);
    return Status.Ok;
  }

  /** Sets a gauge. A counter is raised by the value. */
  record(id: number, value: bigint): Status {
    const metric = this.byId.get(id);
    if (metric === undefined) return Status.NotFound;
    const unsigned = BigInt.asUintN(64, value);
    metric.value = metric.kind === MetricKind.Gauge ? unsigned : BigInt.asUintN(64, metric.value + unsigned);
    return Status.Ok;
  }

  get(id: number): bigint | Status {
    if ((id & 3) >= MetricKind.Histogram) return Status.BadArgument;
    return this.byId.get(id)?.value ?? Status.NotFound;
  }
}
