/** When a gateway has nothing left to do. */
import { setTimeout as sleep } from "node:timers/promises";
import type { RunningEnvoy } from "../../control/gateway/run.js";

/** Longer than an idle tick of the filter (500 ms) and the building of the table that it may begin (assembly/filter/ticks.ts). */
const QUIET_MS = 1000;
/** Once might be a pause of a machine that is busy with something else. */
const QUIET_TIMES = 2;

/** Tables of multiples that the VMs have built. */
export async function tablesBuilt({ admin }: RunningEnvoy): Promise<number> {
  return [...(await admin.stats("glassgate.tables_built")).values()][0] ?? 0;
}

/** Waits until nothing is done any more: connections idle, counts handed over, every table of multiples built. */
export async function becomeQuiet(envoy: RunningEnvoy): Promise<void> {
  let before = await tablesBuilt(envoy);
  for (let times = 0; times < QUIET_TIMES; ) {
    await sleep(QUIET_MS);
    const now = await tablesBuilt(envoy);
    times = now === before ? times + 1 : 0;
    before = now;
  }
}
