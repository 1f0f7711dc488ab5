/**
 * Counters and gauges. Names carry labels as `.name=value`, which the gateway's stats_tags turn into labels. Requests count in
 * this VM's memory; ticks hand the sums to the gateway, as a host call a request costs more than all else of counting.
 */
import { VERDICT_COUNT, verdictCode } from "../decide/verdict.gen";
import { defineMetric, incrementMetric, MetricKind, recordMetric } from "../host/calls";
import { MAX_DOMAINS } from "../limits";
import { writeHex, writeLiteral } from "../text/bytes";

const decisions: StaticArray<i32> = new StaticArray<i32>(VERDICT_COUNT);
/** Decisions since the last hand-over, by verdict. */
const newDecisions: StaticArray<i32> = new StaticArray<i32>(VERDICT_COUNT);
let recordsDropped: i32 = -1;
let newRecordsDropped: i32 = 0;
let hasNews: bool = false;
let tablesBuilt: i32 = -1;
let refused: i32 = -1;
let newRefused: i32 = 0;
let allRefused: i32 = 0;
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
  refused = define(MetricKind.Counter, "glassgate.refused", "");
  for (let load = 0; load < LOADS; load++)
    unchecked((loads[load] = define(MetricKind.Gauge, "glassgate.", loadLabel(load))));
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
  if (newRefused != 0) incrementMetric(refused, newRefused);
  newRefused = 0;
}

/** A stream or a configuration that this VM has no room for, or cannot use: grants there are denied. */
export function countRefused(): void {
  newRefused += 1;
  allRefused += 1;
  hasNews = true;
}

/** All that this VM has refused so far. */
export function refusedCount(): i32 {
  return allRefused;
}

/** A key has got its table of multiples in this VM. */
export function countBuiltTable(): void {
  incrementMetric(tablesBuilt, 1);
}

/** What fills a VM up (load.ts). */
export enum Load {
  Contexts = 0,
  Domains = 1,
  Streams = 2,
  ConfigurationKib = 3,
  TableKib = 4,
}
export const LOADS: i32 = 5;
const loads: StaticArray<i32> = new StaticArray<i32>(LOADS);

function loadLabel(load: i32): string {
  switch (load) {
    case Load.Contexts:
      return "contexts";
    case Load.Domains:
      return "domains";
    case Load.Streams:
      return "streams";
    case Load.ConfigurationKib:
      return "configuration_bytes";
    default:
      return "table_bytes";
  }
}

export function setLoad(load: i32, value: i32): void {
  recordMetric(unchecked(loads[load]), load >= Load.ConfigurationKib ? (<u64>value) << 10 : value);
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
  BundleFilledPercent = 8,
  RevocationsVersion = 9,
  RevocationsApplied = 10,
  RevocationsFilledPercent = 11,
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
    case Gauge.GenerationVms:
      return "generation_vms";
    case Gauge.BundleFilledPercent:
      return "bundle_filled_percent";
    case Gauge.RevocationsVersion:
      return "revocations_version";
    case Gauge.RevocationsApplied:
      return "revocations_applied";
    default:
      return "revocations_filled_percent";
  }
}

const GAUGES: i32 = 12;
/** | first 8 bytes of the domain u64 | 12 ids i32 |: a gauge is defined once, as the gateway keeps each definition for ever. */
const ENTRY_BYTES: usize = 56;
const gauges: usize = memory.data(3584, 8); // MAX_DOMAINS x ENTRY_BYTES
/** Domains that have had gauges; beyond MAX_DOMAINS each takes the place of the one that came so many before. */
let domainsSeen: i32 = 0;

function defineGauge(gauge: i32, domain: usize): i32 {
  let len = writeLiteral(name, "glassgate.");
  len += writeLiteral(name + len, gaugeLabel(gauge));
  len += writeLiteral(name + len, ".domain=");
  len += writeHex(name + len, domain, 8);
  return defineMetric(MetricKind.Gauge, name, len);
}

/** The ids of the domain's gauges. */
function gaugesOf(domain: usize): usize {
  const prefix = load<u64>(domain);
  for (let i = 0; i < min(domainsSeen, MAX_DOMAINS); i++) {
    const entry = gauges + <usize>i * ENTRY_BYTES;
    if (load<u64>(entry) == prefix) return entry + 8;
  }
  const entry = gauges + <usize>(domainsSeen % MAX_DOMAINS) * ENTRY_BYTES;
  domainsSeen += 1;
  store<u64>(entry, prefix);
  for (let gauge = 0; gauge < GAUGES; gauge++)
    store<i32>(entry + 8 + ((<usize>gauge) << 2), defineGauge(gauge, domain));
  return entry + 8;
}

/** Sets `glassgate.<label>.domain=<first 16 hex characters>`. */
export function setGauge(gauge: i32, domain: usize, value: u64): void {
  recordMetric(load<i32>(gaugesOf(domain) + ((<usize>gauge) << 2)), value);
}
