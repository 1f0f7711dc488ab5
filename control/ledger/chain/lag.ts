/**
 * Who is catching up: after an outage the newest heartbeat and the shorter of two files come first, and what belongs to them is on its
 * way. So nothing of a gateway is called missing while its records come that are older than they need be; for an hour, and no longer.
 */
import { keep, type Shared } from "./bounded.js";
import { partsOf } from "./chains.js";
import type { Finding } from "./finding.js";
import type { AuditRecord } from "./lines.js";
import { isPast } from "./look.js";

/** A record that comes so long after its decision is behind. The same for `verify`, whatever the graces are. */
const BEHIND_MS = 120_000;
export const MAX_CATCHING_UP_MS = 3_600_000;
/** Only after so long without such a record an hour begins anew: else one late record every two minutes would hide whatever is missing. */
const RESTED_MS = 600_000;
/** Of all senders together. */
const MAX_LAGS = 4096;

/** By gateway or sender: since when, and when the last such record came. */
export type Lags = Shared<string, { readonly since: number; readonly at: number }>;

export function noteLag(lags: Lags, { vm, ts }: AuditRecord, sender: string, at: number): void {
  if (at - Date.parse(ts) < BEHIND_MS) return;
  for (const name of new Set([partsOf(vm).node, sender])) {
    const lag = lags.all.get(name);
    const since = lag === undefined || isPast(lag.at, RESTED_MS, at) ? at : lag.since;
    keep(lags, sender, name, { since, at }, MAX_LAGS);
  }
}

/** Whether that finding, which time has brought, is about somebody who is catching up. */
export function isCatchingUp(lags: Lags, { code, vm, subject }: Pick<Finding, "code" | "vm" | "subject">, now: number) {
  if (code === "silence") return false;
  const lag = lags.all.get(vm === undefined ? subject : partsOf(vm).node);
  return lag !== undefined && !isPast(lag.at, BEHIND_MS, now) && !isPast(lag.since, MAX_CATCHING_UP_MS, now);
}
