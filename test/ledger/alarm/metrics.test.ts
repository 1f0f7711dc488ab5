/** Metrics: Prometheus text that holds whatever names a gateway or sender has. */
import { expect, it } from "vitest";
import { metricsText } from "../../../control/ledger/alarm/metrics.js";
import type { LedgerStatus } from "../../../control/ledger/chain/status.js";

const gateways = (names: readonly string[]): LedgerStatus["gateways"] =>
  names.map((gateway, i) => ({ gateway, heartbeatAge: i * 1000, isSilent: false }));
const status = (more: Partial<LedgerStatus> = {}): LedgerStatus => ({
  size: 7,
  types: new Map([["record", 5]]),
  alarms: new Map([["fork", 2]]),
  gateways: [],
  vms: [],
  openGaps: 3,
  waiting: 1,
  reviews: new Map([["open", 1]]),
  bundles: [
    { audience: "test", version: 8 },
    { audience: "other", version: undefined },
  ],
  ...more,
});
/** As the exposition format has it: a name, labels, a value. */
const SAMPLE = /^[a-z_]+(?:\{[a-z]+="(?:[^"\\\n]|\\\\|\\"|\\n)*"\})? -?[0-9.e+-]+$/;
const samples = (text: string): string[] => text.split("\n").filter((one) => one !== "" && !one.startsWith("#"));

it("show entries, alarms, gaps and ages", () => {
  const text = metricsText({
    status: status({ gateways: gateways(["a", "b"]) }),
    appendSeconds: {
      buckets: [
        [0.01, 2],
        [0.1, 5],
      ],
      sum: 0.2,
      count: 6,
    },
    refused: new Map([["eu-1", 4]]),
    lostAlarms: new Map([["hook", 1]]),
  });
  expect(samples(text)).toEqual(
    expect.arrayContaining([
      "glassgate_ledger_size 7",
      'glassgate_ledger_entries_total{type="record"} 5',
      'glassgate_ledger_entries_total{type="review"} 0',
      'glassgate_ledger_alarms_total{code="fork"} 2',
      'glassgate_ledger_alarms_total{code="gap"} 0',
      "glassgate_ledger_open_gaps 3",
      'glassgate_ledger_heartbeat_age_seconds{gateway="b"} 1',
      'glassgate_ledger_bundle_version{audience="test"} 8',
      'glassgate_ledger_append_seconds_bucket{le="0.1"} 5',
      'glassgate_ledger_append_seconds_bucket{le="+Inf"} 6',
      'glassgate_ledger_refused_total{sender="eu-1"} 4',
      'glassgate_ledger_alarms_lost_total{receiver="hook"} 1',
    ]),
  );
});

it("hold any name, no more than so many of them, and none twice", () => {
  const hostile = ['a"b', "a\\b", "a\nb 1", "x".repeat(1000), `${"x".repeat(1000)}y`, '"} 1\nevil 2', "\u202e", ""];
  const many = Array.from({ length: 2000 }, (_, i) => `gateway-${i}`);
  const lines = samples(metricsText({ status: status({ gateways: gateways([...hostile, ...many]) }) }));
  for (const one of lines) expect(one).toMatch(SAMPLE);
  const ages = lines.filter((one) => one.startsWith("glassgate_ledger_heartbeat_age_seconds"));
  expect(ages.length).toBeLessThanOrEqual(501);
  expect(new Set(ages.map((one) => one.slice(0, one.lastIndexOf(" ")))).size).toBe(ages.length);
  expect(ages.at(-1)).toBe('glassgate_ledger_heartbeat_age_seconds{gateway="others"} 2007');
  expect(lines.some((one) => one.startsWith("evil"))).toBe(false);
});
