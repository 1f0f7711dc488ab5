/** What all VMs of one process share: metrics, and data per vm_id. */

interface Entry {
  readonly value: Buffer;
  readonly cas: number;
}

export class SharedData {
  private readonly byVm = new Map<string, Map<string, Entry>>();
  private lastCas = 0;

  get(vmId: string, key: string): Entry | undefined {
    return this.byVm.get(vmId)?.get(key);
  }

  /** False on a CAS mismatch. `cas` 0 overwrites, as on Envoy. */
  set(vmId: string, key: string, value: Buffer, cas: number): boolean {
    const data = this.byVm.get(vmId) ?? new Map<string, Entry>();
    this.byVm.set(vmId, data);
    const entry = data.get(key);
    if (cas !== 0 && entry !== undefined && entry.cas !== cas) return false;
    this.lastCas += 1;
    data.set(key, { value, cas: this.lastCas });
    return true;
  }
}

export interface Metric {
  readonly name: string;
  readonly kind: number;
  value: bigint;
}

export class Metrics {
  private readonly metrics: Metric[] = [];

  /** The same name gives the same id in every VM. */
  define(kind: number, name: string): number {
    const at = this.metrics.findIndex((metric) => metric.name === name);
    return at >= 0 ? at : this.metrics.push({ name, kind, value: 0n }) - 1;
  }

  get(id: number): Metric | undefined {
    return this.metrics[id];
  }

  all(): ReadonlyMap<string, number> {
    return new Map(this.metrics.map(({ name, value }) => [name, Number(value)]));
  }
}
