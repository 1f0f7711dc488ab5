/** Counters and gauges. Names carry labels as `.name=value`, which the gateway's stats_tags turn into labels. */
import { VERDICT_COUNT, verdictCode } from "../decide/verdict.gen";
import { defineMetric, incrementMetric, MetricKind, recordMetric } from "../host/calls";
import { writeHex, writeLiteral } from "../text/bytes";

const decisions: StaticArray<i32> = new StaticArray<i32>(VERDICT_COUNT);
let recordsDropped: i32 = -1;
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
}

export function countDecision(verdict: i32): void {
  if (verdict >= 0 && verdict < VERDICT_COUNT) incrementMetric(unchecked(decisions[verdict]), 1);
}

/** A denial before the requester's signature held that was not recorded, as there were too many. */
export function countDroppedRecord(): void {
  incrementMetric(recordsDropped, 1);
}

/** Sets `glassgate.<label>.domain=<first 16 hex characters>`. Same name, same gauge: there are as many as domains. */
export function setGauge(label: string, domain: usize, value: u64): void {
  let len = writeLiteral(name, "glassgate.");
  len += writeLiteral(name + len, label);
  len += writeLiteral(name + len, ".domain=");
  len += writeHex(name + len, domain, 8);
  recordMetric(defineMetric(MetricKind.Gauge, name, len), value);
}
