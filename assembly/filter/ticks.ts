/**
 * Work outside of requests, done in ticks by one root context for its whole VM: tables of multiples are built, a bounded step each, and
 * what was counted goes to the gateway.
 */
import { buildTables, hasTableWork, setTableBudget } from "../crypto/tables";
import { now, setTickPeriod } from "../host/calls";
import { contextAt, firstContext, largestTableMemory, RootContext } from "./contexts";
import { countBuiltTable, handOverCounts } from "./metrics";

/** A tick that finds nothing costs about 1 us. */
const IDLE_MS: i32 = 500;
/** While a table is being built: some 20 steps of at most 2 ms. */
const BUSY_MS: i32 = 10;

function setPeriod(context: RootContext, milliseconds: i32): void {
  if (context.tickPeriod == milliseconds) return;
  context.tickPeriod = milliseconds;
  setTickPeriod(milliseconds);
}

/** A context was configured: it ticks from now on. Only from its own callback. */
export function startTicks(context: RootContext): void {
  setTableBudget(largestTableMemory());
  setPeriod(context, IDLE_MS);
}

/** A context is about to go. Only from its own callback: a timer would outlive it in Envoy. */
export function stopTicks(context: RootContext): void {
  handOverCounts();
  setPeriod(context, 0);
}

/** `on_tick` of that context. */
export function onTick(index: i32): void {
  const context = contextAt(index);
  if (index != firstContext()) {
    setPeriod(context, IDLE_MS);
    return;
  }
  handOverCounts();
  // Also where there is nothing to build: by this clock a table is idle or not.
  if (buildTables(<i64>(now() / 1000000000))) countBuiltTable();
  setPeriod(context, hasTableWork() ? BUSY_MS : IDLE_MS);
}
