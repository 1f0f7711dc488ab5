/** When a ledger has taken in all that a gateway wrote: by its own metrics. */
import { setTimeout as sleep } from "node:timers/promises";
import type { LineType } from "./lines.js";

const LOOK_MS = 100;
/** Nothing new for so long: what is missing then is found by comparing. */
const PATIENCE_MS = 60_000;

export async function entryCounts(url: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const rows = text.matchAll(/^glassgate_ledger_entries_total\{type="([a-z]+)"\} (\d+)$/gm);
  return new Map([...rows].map(([, type = "", count]) => [type, Number(count)]));
}

/** @param wanted lines by type */
export async function waitUntilFollowed(url: string, wanted: Partial<Record<LineType, number>>): Promise<void> {
  let last = "";
  let since = performance.now();
  for (;;) {
    const counts = await entryCounts(url);
    if (Object.entries(wanted).every(([type, count]) => (counts.get(type) ?? 0) >= count)) return;
    const seen = JSON.stringify(Object.keys(wanted).map((type) => counts.get(type)));
    if (seen !== last) since = performance.now();
    last = seen;
    if (performance.now() - since > PATIENCE_MS) return;
    await sleep(LOOK_MS);
  }
}
