/** What a ledger knows as Prometheus text (exposition format 0.0.4), for those who have an Alertmanager. */
import { visible } from "../../base/text.js";
import { alarmCodes } from "../chain/codes.gen.js";
import type { LedgerStatus } from "../chain/status.js";
import { entryTypes } from "../entry.js";

export interface Histogram {
  /** Upper bounds in seconds, rising, with how many were at most that. */
  readonly buckets: readonly (readonly [le: number, count: number])[];
  readonly sum: number;
  readonly count: number;
}

export interface MetricSources {
  readonly status: LedgerStatus;
  /** From handing a commit to the log until it was durable. */
  readonly appendSeconds?: Histogram | undefined;
  /** By sender: entries and requests that were refused with 429. */
  readonly refused?: ReadonlyMap<string, number> | undefined;
  /** By receiver: alarms that could not be delivered. */
  readonly lostAlarms?: ReadonlyMap<string, number> | undefined;
}

/** Values of one label that come from outside: more would be a way to fill somebody's Prometheus. */
const MAX_VALUES = 500;
const MAX_VALUE = 128;
/** Stands for all beyond that. */
const REST = "others";

const labelValue = (value: string): string =>
  visible(value).slice(0, MAX_VALUE).replaceAll("\\", "\\\\").replaceAll('"', '\\"');

type Row = readonly [label: string, value: number];

class Page {
  private text = "";

  family(name: string, type: "counter" | "gauge" | "histogram", help: string): void {
    this.text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  }

  row(name: string, value: number, labels = ""): void {
    this.text += `${name}${labels} ${Number.isFinite(value) ? value : 0}\n`;
  }

  /** One label; beyond the bound the values are put together by `join`. */
  labelled(name: string, label: string, rows: readonly Row[], join: (a: number, b: number) => number): void {
    const values = new Map<string, number>();
    for (const [value, number] of rows) {
      // Two that are shown alike are one: a series must not stand there twice.
      const shown = labelValue(value);
      const key = values.has(shown) || values.size < MAX_VALUES ? shown : REST;
      const other = values.get(key);
      values.set(key, other === undefined ? number : join(other, number));
    }
    for (const [value, number] of values) this.row(name, number, `{${label}="${value}"}`);
  }

  histogram(name: string, help: string, { buckets, sum, count }: Histogram): void {
    this.family(name, "histogram", help);
    for (const [le, below] of buckets) this.row(`${name}_bucket`, below, `{le="${le}"}`);
    this.row(`${name}_bucket`, count, '{le="+Inf"}');
    this.row(`${name}_sum`, sum);
    this.row(`${name}_count`, count);
  }

  toString(): string {
    return this.text;
  }
}

const add = (a: number, b: number): number => a + b;

export function metricsText({ status, appendSeconds, refused, lostAlarms }: MetricSources): string {
  const page = new Page();
  page.family("glassgate_ledger_size", "gauge", "Entries of the log.");
  page.row("glassgate_ledger_size", status.size);
  page.family("glassgate_ledger_entries_total", "counter", "Entries by type.");
  const types = entryTypes.map((type): Row => [type, status.types.get(type) ?? 0]);
  page.labelled("glassgate_ledger_entries_total", "type", types, add);
  page.family("glassgate_ledger_alarms_total", "counter", "Alarms on record by code (docs/alarms.md).");
  const alarms = alarmCodes.map((code): Row => [code, status.alarms.get(code) ?? 0]);
  page.labelled("glassgate_ledger_alarms_total", "code", alarms, add);
  page.family("glassgate_ledger_open_gaps", "gauge", "Stretches of records that have not come.");
  page.row("glassgate_ledger_open_gaps", status.openGaps);
  page.family("glassgate_ledger_waiting_records", "gauge", "Records whose evidence or bundle has not come.");
  page.row("glassgate_ledger_waiting_records", status.waiting);
  page.family("glassgate_ledger_reviews", "gauge", "Reviews of grants, by state.");
  page.labelled("glassgate_ledger_reviews", "state", [...status.reviews], add);
  page.family("glassgate_ledger_live_vms", "gauge", "VMs whose chains are followed.");
  page.row("glassgate_ledger_live_vms", status.vms.filter(({ isOver }) => !isOver).length);
  page.family("glassgate_ledger_heartbeat_age_seconds", "gauge", "Since the last heartbeat of a gateway.");
  const ages = status.gateways.flatMap(({ gateway, heartbeatAge }): Row[] =>
    heartbeatAge === undefined ? [] : [[gateway, heartbeatAge / 1000]],
  );
  page.labelled("glassgate_ledger_heartbeat_age_seconds", "gateway", ages, Math.max);
  page.family("glassgate_ledger_bundle_version", "gauge", "Newest trust bundle that is known, by audience.");
  const versions = status.bundles.flatMap(({ audience, version }): Row[] =>
    version === undefined ? [] : [[audience, version]],
  );
  page.labelled("glassgate_ledger_bundle_version", "audience", versions, Math.max);
  if (appendSeconds !== undefined)
    page.histogram(
      "glassgate_ledger_append_seconds",
      "Seconds from handing a commit to the log until it was durable.",
      appendSeconds,
    );
  if (refused !== undefined) {
    page.family("glassgate_ledger_refused_total", "counter", "Refused with 429, by sender.");
    page.labelled("glassgate_ledger_refused_total", "sender", [...refused], add);
  }
  if (lostAlarms !== undefined) {
    page.family("glassgate_ledger_alarms_lost_total", "counter", "Alarms that could not be delivered, by receiver.");
    page.labelled("glassgate_ledger_alarms_lost_total", "receiver", [...lostAlarms], add);
  }
  return page.toString();
}
