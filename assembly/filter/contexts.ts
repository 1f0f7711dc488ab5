/**
 * Root contexts: one per configuration. During a rotation the old and the new one live side by side in one VM until the
 * last stream of the old one has ended, so nothing here is "the current configuration": each stream names its context.
 */
import { freeBlock } from "./blocks";
import { HeldTrust, release } from "./bundles";
import { Settings } from "./settings";

/** Configurations that can live side by side: listeners times generations with streams still open. */
const MAX_CONTEXTS: i32 = 256;

export class RootContext {
  /** The gateway's context id; 0 while the place is free. */
  id: u32 = 0;
  /** Rises with each configuration: cached grants carry it, so that none outlives its root or its bundle. */
  serial: u32 = 0;
  /** 0 when this context has no usable configuration: every grant is denied with `no_trust`. */
  settings: Settings = changetype<Settings>(0);
  settingsBytes: i32 = 0;
  /** 0 when it has no usable bundle. */
  held: HeldTrust = changetype<HeldTrust>(0);
  /** Milliseconds between ticks; 0 for none. */
  tickPeriod: i32 = 0;
}

const contexts: StaticArray<RootContext> = new StaticArray<RootContext>(MAX_CONTEXTS);
for (let i = 0; i < MAX_CONTEXTS; i++) unchecked((contexts[i] = new RootContext()));
let lastSerial: u32 = 0;

/** The index of the root of that context id, or -1. */
export function findContext(id: u32): i32 {
  if (id == 0) return -1;
  for (let i = 0; i < MAX_CONTEXTS; i++) if (unchecked(contexts[i]).id == id) return i;
  return -1;
}

export function contextAt(index: i32): RootContext {
  return unchecked(contexts[index]);
}

/** The root that does what is done once for the whole VM: the first that is configured. -1 without any. */
export function firstContext(): i32 {
  for (let i = 0; i < MAX_CONTEXTS; i++) {
    const context = unchecked(contexts[i]);
    if (context.id != 0 && context.tickPeriod != 0) return i;
  }
  return -1;
}

/** The most memory for tables that a configuration of this VM allows, in bytes. */
export function largestTableMemory(): i32 {
  let largest: i64 = 0;
  for (let i = 0; i < MAX_CONTEXTS; i++) {
    const context = unchecked(contexts[i]);
    if (context.id != 0 && changetype<usize>(context.settings) != 0) largest = max(largest, context.settings.tableKib);
  }
  return <i32>(largest * 1024);
}

/** Makes room for a new root context. -1 when there is none left: its requests are then denied or pass without a grant. */
export function createContext(id: u32): i32 {
  for (let i = 0; i < MAX_CONTEXTS; i++) {
    const context = unchecked(contexts[i]);
    if (context.id != 0) continue;
    context.id = id;
    context.tickPeriod = 0;
    renew(context);
    return i;
  }
  return -1;
}

/** Drops the configuration, and with the new serial every grant cached under it. */
export function renew(context: RootContext): void {
  release(context.held);
  context.held = changetype<HeldTrust>(0);
  if (changetype<usize>(context.settings) != 0) freeBlock(changetype<usize>(context.settings), context.settingsBytes);
  context.settings = changetype<Settings>(0);
  context.settingsBytes = 0;
  lastSerial += 1;
  context.serial = lastSerial;
}

/** The root context is gone. Returns its serial, so that its cached grants can be dropped. */
export function deleteContext(index: i32): u32 {
  const context = unchecked(contexts[index]);
  const serial = context.serial;
  renew(context);
  context.id = 0;
  return serial;
}
