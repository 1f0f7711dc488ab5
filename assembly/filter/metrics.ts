/**
 * Counters and gauges. Names carry labels as `.name=value`, which the gateway's stats_tags turn into labels. Requests count in
 * this VM's memory; ticks hand the sums to the gateway, as a host call a request costs more than all else of counting.
 */
import { VERDICT_COUNT, verdictCode } from "../decide/verdict.gen";
import { defineMetric, incrementMetric, MetricKind, recordMetric } from "../host/calls";
import { writeHex, writeLiteral } from "../text/bytes";

const decisions: StaticArray<i32> = new StaticArray<i32>(VERDICT_COUNT);
/** Decisions since the last hand-over, by verdict. */
const newDecisions: StaticArray<i32> = new StaticArray<i32>(VERDICT_COUNT);
let recordsDropped: i32 = -1;
let newRecordsDropped: i32 = 0;
let hasNews: bool = false;
let tablesBuilt: i32 = -1;
const name: usize = memory.data(128, 16);

function define(kind: i32, prefix: string, suffix: string): i32 {
  let len = writeLiteral(name, prefix);
  len += writeLiteral(name + len, suffix);
  return defineMetric(kind, name, len);
}

/** Defines every counter, so that each shows as 0 before its first event. Runs once per VM. */
export function defineCounters(): void {
  for (let verdict = 0; verdict < VERDICT_COUNT; verdict++) {
    unchecked((decisions[verdict] = define(MetricKind.Counter, "glassgate.decisions.verdict=", verdictCode(verdict))));
  }
  recordsDropped = define(MetricKind.Counter, "glassgate.records_dropped", "");
  tablesBuilt = define(MetricKind.Counter, "glassgate.tables_built", "");
}

export function countDecision(verdict: i32): void {
  if (verdict < 0 || verdict >= VERDICT_COUNT) return;
  unchecked((newDecisions[verdict] += 1));
  hasNews = true;
}

/** A denial that was not recorded, as there were too many of its kind. */
export function countDroppedRecord(): void {
  newRecordsDropped += 1;
  hasNews = true;
}

/** Hands what was counted since the last time to the gateway. */
export function handOverCounts(): void {
  if (!hasNews) return;
  hasNews = false;
  for (let verdict = 0; verdict < VERDICT_COUNT; verdict++) {
    const count = unchecked(newDecisions[verdict]);
    if (count == 0) continue;
    unchecked((newDecisions[verdict] = 0));
    incrementMetric(unchecked(decisions[verdict]), count);
  }
  if (newRecordsDropped != 0) incrementMetric(recordsDropped, newRecordsDropped);
  newRecordsDropped = 0;
}

/** A key has got its table of multiples in this VM. */
export function countBuiltTable(): void {
  incrementMetric(tablesBuilt, 1);
}

/** Gauges of a domain. */
export enum Gauge {
  Schema = 0,
  Threshold = 1,
  BundleVersion = 2,
  BundleIssuedAt = 3,
  BundleExpiresAt = 4,
  SingleKeyEntitlements = 5,
  Generation = 6,
  GenerationVms = 7,
}

function gaugeLabel(gauge: i32): string {
  switch (gauge) {
    case Gauge.Schema:
      return "schema";
    case Gauge.Threshold:
      return "threshold";
    case Gauge.BundleVersion:
      return "bundle_version";
    case Gauge.BundleIssuedAt:
      return "bundle_issued_at";
    case Gauge.BundleExpiresAt:
      return "bundle_expires_at";
    case Gauge.SingleKeyEntitlements:
      return "single_key_entitlements";
    case Gauge.Generation:
      return "generation";
    default:
      return "generation_vms";
  }
}

const GAUGES: i32 = 8;
/** As many as a VM remembers bundles of (domains.ts). */
const MAX_DOMAINS: i32 = 64;
/** | first 8 bytes of the domain u64 | 8 ids i32 |: a gauge is defined once, as the gateway keeps each definition for ever. */
const ENTRY_BYTES: usize = 40;
const gauges: usize = memory.data(2560, 8);
let domainCount: i32 = 0;

function defineGauge(gauge: i32, domain: usize): i32 {
  let len = writeLiteral(name, "glassgate.");
  len += writeLiteral(name + len, gaugeLabel(gauge));
  len += writeLiteral(name + len, ".domain=");
  len += writeHex(name + len, domain, 8);
  return defineMetric(MetricKind.Gauge, name, len);
}

/** The ids of the domain's gauges; 0 when the VM serves more domains than it can show. */
function gaugesOf(domain: usize): usize {
  const prefix = load<u64>(domain);
  for (let i = 0; i < domainCount; i++) {
    const entry = gauges + <usize>i * ENTRY_BYTES;
    if (load<u64>(entry) == prefix) return entry + 8;
  }
  if (domainCount >= MAX_DOMAINS) return 0;
  const entry = gauges + <usize>domainCount * ENTRY_BYTES;
  domainCount += 1;
  store<u64>(entry, prefix);
  for (let gauge = 0; gauge < GAUGES; gauge++)
    store<i32>(entry + 8 + ((<usize>gauge) << 2), defineGauge(gauge, domain));
  return entry + 8;
}

/** Sets `glassgate.<label>.domain=<first 16 hex characters>`. */
export function setGauge(gauge: i32, domain: usize, value: u64): void {
  const ids = gaugesOf(domain);
  if (ids != 0) recordMetric(load<i32>(ids + ((<usize>gauge) << 2)), value);
}
