/**
 * How full the fullest grant's share of used proofs is (replays.ts), as a gauge: the most that any VM of the process has seen in
 * the last minute or two, so that no collector misses it. A gateway that has seen no proof says nothing, and calls nobody.
 *
 *   said: | largest share i32 | unused 20 |
 */
import { ascii } from "../host/ascii";
import { defineMetric, MetricKind, recordMetric } from "../host/calls";
import { vmNumber } from "./identity";
import { createRegistry, SAID_BYTES, saidBy, say, sayers } from "./registry";

const KEY = ascii("glassgate.shares");
const GAUGE = ascii("glassgate.proofs_of_grant");
const said: usize = memory.data(24, 8); // SAID_BYTES
/** The largest that this VM has seen in this window of time and in the one before, and what it has said. */
const WINDOW_NS: u64 = 60_000_000_000;
let largest: i32 = 0;
let before: i32 = 0;
let began: u64 = 0;
let told: i32 = 0;
let gauge: i32 = -1;

/** On the hot path: a proof was used, and its grant has so many now. */
export function noteShare(count: i32): void {
  largest = max(largest, count);
}

/** With the table: first of all on the canary. */
export function prepareShares(): void {
  createRegistry(KEY.ptr, KEY.len);
}

/** Tells the others and the gateway. Outside of requests. */
export function tellShares(time: u64): void {
  // Also where the clock was set back: the difference is large then.
  if (time - began >= WINDOW_NS) {
    before = largest;
    largest = 0;
    began = time;
  }
  const own = max(largest, before);
  if (own == 0 && told == 0) return;
  if (gauge < 0) gauge = defineMetric(MetricKind.Gauge, GAUGE.ptr, GAUGE.len);
  memory.fill(said, 0, SAID_BYTES);
  store<i32>(said, own);
  told = own;
  if (!say(KEY.ptr, KEY.len, vmNumber(), time, said, false)) return;
  let most = 0;
  for (let i = 0; i < sayers(); i++) most = max(most, load<i32>(saidBy(i)));
  recordMetric(gauge, most);
}
