/** What a ledger knows, in Prometheus' text format: for those who have an Alertmanager. */
import type { LedgerStatus } from "../chain/status.js";

const escaped = (value: string): string => value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter";
  readonly rows: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];
}

function show({ name, help, type, rows }: Metric): string {
  const lines = rows.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

export function metricsOf(status: LedgerStatus): string {
  const metrics: Metric[] = [
    { name: "glassgate_ledger_entries", help: "Entries of the log.", type: "gauge", rows: [[{}, status.size]] },
    {
      name: "glassgate_ledger_entries_total",
      help: "Entries by type.",
      type: "counter",
      rows: [...status.types].map(([type, count]) => [{ type }, count]),
    },
    {
      name: "glassgate_ledger_alarms_total",
      help: "Alarms on record by code.",
      type: "counter",
      rows: [...status.alarms].map(([code, count]) => [{ code }, count]),
    },
    {
      name: "glassgate_ledger_open_gaps",
      help: "Stretches of records that have not come.",
      type: "gauge",
      rows: [[{}, status.openGaps]],
    },
    {
      name: "glassgate_ledger_waiting",
      help: "Records that wait for their evidence or bundle.",
      type: "gauge",
      rows: [[{}, status.waiting]],
    },
    {
      name: "glassgate_ledger_heartbeat_age_seconds",
      help: "Since a gateway's last heartbeat.",
      type: "gauge",
      rows: status.gateways.flatMap(({ gateway, heartbeatAge }) =>
        heartbeatAge === undefined ? [] : [[{ gateway }, Math.round(heartbeatAge / 1000)] as const],
      ),
    },
    {
      name: "glassgate_ledger_silent",
      help: "1 where a gateway has published no heartbeat for too long.",
      type: "gauge",
      rows: status.gateways.map(({ gateway, isSilent }) => [{ gateway }, isSilent ? 1 : 0]),
    },
  ];
  return metrics.map(show).join("");
}
