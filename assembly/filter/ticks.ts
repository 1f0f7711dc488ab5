/**
 * Work outside of requests, done in ticks by one root context for its whole VM: tables of multiples are built, a bounded step each, and
 * what was counted goes to the gateway, and so does how full the VM is and how far its records are, and streams end whose grants
 * stand no more.
 */
import { buildTables, hasTableWork, setTableBudget } from "../crypto/tables";
import { now, setTickPeriod } from "../host/calls";
import { HAS_TICKS } from "../host/gateway";
import { contextAt, firstContext, largestTableMemory, RootContext } from "./contexts";
import { serveOn } from "./generations";
import { tellAlive, tellChain } from "./heartbeat";
import { tellLoad } from "./load";
import { countBuiltTable, handOverCounts } from "./metrics";
import { hasStreamWork, isEnding, watchStreams } from "./openstreams";
import { isLongAgo } from "./registry";
import { tellShares } from "./shares";

/** A tick that finds nothing costs about 1 us. */
const IDLE_MS: i32 = 500;
/** While a table is being built, some 20 steps of at most 2 ms, or grants are judged that have streams open. */
const BUSY_MS: i32 = 10;
/** While streams are to be ended: what else the worker has to do comes in between, and no time is lost. */
const ENDING_MS: i32 = 1;
/** How often a VM says that it is there (registry.ts waits six times as long): every fourth idle tick, or by the clock. */
const IDLE_TICKS: i32 = 4;
const SAY_NS: u64 = 2_000_000_000;

/** Idle ticks since this VM has said something, and the clock at that time. */
let idleTicks: i32 = 0;
let saidAt: u64 = 0;
/** Rounds in which this VM only says that it is there. */
let quietRounds: i32 = 0;

function hasWork(): bool {
  return hasTableWork() || hasStreamWork();
}

function setPeriod(context: RootContext, milliseconds: i32): void {
  if (context.tickPeriod == milliseconds) return;
  context.tickPeriod = milliseconds;
  setTickPeriod(milliseconds);
}

/** Contexts have come or gone, and with them what the tables may take. */
export function fitTables(): void {
  setTableBudget(largestTableMemory());
}

/** A context was configured: it ticks from now on. Only from its own callback. */
export function startTicks(context: RootContext): void {
  fitTables();
  if (saidAt == 0) saidAt = now();
  if (HAS_TICKS) setPeriod(context, IDLE_MS);
}

/** Tells the other VMs and the gateway what this VM serves and how full it is. */
function sayAgain(time: u64): void {
  idleTicks = 0;
  // After the clock was set, or the machine slept, everybody's word looks old until all have spoken again: for two rounds, as
  // another thread's first may come a little later than this one's second.
  if (isLongAgo(saidAt, time)) quietRounds = 2;
  const isAwake = quietRounds == 0;
  if (!isAwake) quietRounds -= 1;
  saidAt = time;
  serveOn(time, isAwake);
  tellLoad(time, isAwake, false);
  tellShares(time);
  tellAlive(time);
}

/** Where no ticks come: a step of the tables behind a request. @param now seconds, only compared with itself */
export function buildBetweenRequests(now: i64): void {
  if (buildTables(now)) countBuiltTable();
}

/** A context is about to go. Only from its own callback: a timer would outlive it in Envoy. */
export function stopTicks(context: RootContext): void {
  handOverCounts();
  setPeriod(context, 0);
}

/** `on_tick` of that context, which has that id. */
export function onTick(index: i32, id: u32): void {
  const context = contextAt(index);
  if (index != firstContext()) {
    setPeriod(context, IDLE_MS);
    return;
  }
  handOverCounts();
  const time = now();
  const isBusy = hasWork();
  // Also where there is nothing to build: by this clock a table is idle or not.
  if (buildTables(<i64>(time / 1000000000))) countBuiltTable();
  watchStreams(id, time);
  // Last of all that makes records.
  tellChain(time);
  if (isBusy ? time - saidAt >= SAY_NS : ++idleTicks >= IDLE_TICKS) sayAgain(time);
  setPeriod(context, isEnding() ? ENDING_MS : hasWork() ? BUSY_MS : IDLE_MS);
}
