/**
 * Heartbeats (docs/audit-record.md): with each round of its ticks a VM publishes as gauges how far its chain of records has come, so
 * that whoever reads them can tell a file that was rewritten since, and a VM that has fallen silent from one that has had no request.
 * Nothing of this is done while a request is judged.
 *
 *   glassgate.heartbeat_seq.vm=<start>/<number>    `seq` of the last record, 0 before the first
 *   glassgate.heartbeat_head.vm=...                | 48 bits: its SHA-256 begins so | 5 bits: `seq` modulo 32 |
 *   glassgate.heartbeat_at.vm=...                  seconds since 1970: when it last said that it is there
 */
import { defineMetric, MetricKind, recordMetric } from "../host/calls";
import { HAS_METRICS } from "../host/gateway";
import { Writer } from "../text/writer";
import { writeNumbers } from "./identity";
import { chainHead, lastSequence } from "./record";

const SECOND: u64 = 1_000_000_000;
/** Room for `seq` in the gauge of the head, which stays below 2^53 so that JSON and Prometheus keep it exact. */
const SEQUENCE_BITS: u64 = 5;

const name: usize = memory.data(96, 16); // 24 characters, and two numbers of at most 20
const writer = new Writer();
let sequenceGauge: i32 = -1;
let headGauge: i32 = -1;
let timeGauge: i32 = -1;
let isBeating: bool = false;
/** The last `seq` that was published. */
let published: i64 = 0;

function define(label: string): i32 {
  writer.open(name, 96);
  writer.literal("glassgate.heartbeat_");
  writer.literal(label);
  writer.literal(".vm=");
  // Over a hot restart gauges of one name are added up: nobody else has this one's.
  writeNumbers(writer);
  return defineMetric(MetricKind.Gauge, name, writer.length);
}

/** Three names a VM, which Envoy forgets with it; none of a canary, which never ticks. */
function begin(): void {
  isBeating = true;
  sequenceGauge = define("seq");
  headGauge = define("head");
  timeGauge = define("at");
}

/** The chain's first 48 bits as a number, and which record of 32 it is of. */
function headNumber(sequence: i64): u64 {
  const first48 = bswap(load<u64>(chainHead())) >> 16;
  return (first48 << SEQUENCE_BITS) | (<u64>sequence & ((1 << SEQUENCE_BITS) - 1));
}

/** A tick: publishes how far the chain is, where it has grown. @param time nanoseconds */
export function tellChain(time: u64): void {
  if (!HAS_METRICS) return;
  if (!isBeating) {
    begin();
    tellAlive(time);
  }
  const sequence = lastSequence();
  if (sequence == published) return;
  published = sequence;
  recordMetric(sequenceGauge, sequence);
  recordMetric(headGauge, headNumber(sequence));
}

/** Every two seconds: it is there, whether it has records or not. @param time nanoseconds */
export function tellAlive(time: u64): void {
  if (HAS_METRICS && isBeating) recordMetric(timeGauge, time / SECOND);
}
