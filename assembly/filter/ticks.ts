/**
 * Work outside of requests, done in ticks by one root for its whole VM: tables of multiples are built, a bounded step each, and
 * what was counted goes to the gateway.
 */
import { buildTables, hasTableWork, setTableBudget } from "../crypto/tables";
import { now, setTickPeriod } from "../host/calls";
import { countBuiltTable, handOverCounts } from "./metrics";
import { firstRoot, largestTableMemory, Root, rootAt } from "./roots";

/** A tick that finds nothing costs about 1 us. */
const IDLE_MS: i32 = 500;
/** While a table is being built: some 20 steps of at most 2 ms. */
const BUSY_MS: i32 = 10;

function setPeriod(root: Root, milliseconds: i32): void {
  if (root.tickPeriod == milliseconds) return;
  root.tickPeriod = milliseconds;
  setTickPeriod(milliseconds);
}

/** A root was configured: it ticks from now on. Only from its own callback. */
export function startTicks(root: Root): void {
  setTableBudget(largestTableMemory());
  setPeriod(root, IDLE_MS);
}

/** A root is about to go. Only from its own callback: a timer would outlive it in Envoy. */
export function stopTicks(root: Root): void {
  handOverCounts();
  setPeriod(root, 0);
}

/** `on_tick` of that root. */
export function onTick(index: i32): void {
  const root = rootAt(index);
  if (index != firstRoot()) {
    setPeriod(root, IDLE_MS);
    return;
  }
  handOverCounts();
  // Also where there is nothing to build: by this clock a table is idle or not.
  if (buildTables(<i64>(now() / 1000000000))) countBuiltTable();
  setPeriod(root, hasTableWork() ? BUSY_MS : IDLE_MS);
}
