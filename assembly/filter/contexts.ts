/**
 * Root contexts: one per configuration. During a rotation the old and the new one live side by side in one VM until the
 * last stream of the old one has ended, so nothing here is "the current configuration": each stream names its context.
 */
import { Purpose, returnMemory, takeMemory } from "../heap";
import { MAX_CONTEXTS } from "../limits";
import { HeldTrust, hold, release } from "./bundles";
import { dropCached } from "./cache";
import { Domain, leaveDomain } from "./domains";
import { Settings } from "./settings";

export class RootContext {
  /**
   * What its streams remember, and nobody had before: | 0 | contexts that have stood in this place, 19 bits | place, 12 bits |.
   * The place alone would hand an old stream over to whoever comes next. The first bit is opengrants.ts's.
   */
  handle: u32 = 0;
  /** Rises with each configuration: cached grants carry it, so that none outlives its context or its bundle. */
  serial: u32 = 0;
  /** 0 when this context has no usable configuration: every grant is denied with `no_trust`. */
  settings: Settings = changetype<Settings>(0);
  settingsBytes: i32 = 0;
  /** 0 when it has no usable settings, or when the VM serves as many domains as it can. */
  domain: Domain = changetype<Domain>(0);
  /** 0 when it has no usable bundle. */
  held: HeldTrust = changetype<HeldTrust>(0);
  /** A bit for each text of its domain that counts under `held`, as of the texts' revision; 0 where it was never asked. */
  inForce: u32 = 0;
  textsRevision: u32 = 0;
  /** Milliseconds between ticks; 0 for none. */
  tickPeriod: i32 = 0;
}

const PLACE_MASK: u32 = MAX_CONTEXTS - 1;
/** A place that so many contexts have stood in is never used again: 2,000 million configurations, and no handle twice. */
const MAX_USES: u32 = (1 << 19) - 1;

/** Places come in blocks, so that only a VM with many contexts pays for them. They are never given back. */
const BLOCK_PLACES: i32 = 256;
const PLACE_BYTES: i32 = 64;
const firstBlock: usize = memory.data(16384, 16); // BLOCK_PLACES x PLACE_BYTES
const blocks: StaticArray<usize> = new StaticArray<usize>(MAX_CONTEXTS / BLOCK_PLACES);
unchecked((blocks[0] = firstBlock));
/** The gateway's id of each place, side by side: every stream's beginning looks for one. 0 while free. */
const ids: usize = memory.data(16384, 16); // MAX_CONTEXTS x u32
/** All places from here on are free. */
let end: i32 = 0;
/** The place that was found last: most streams begin under the same root context as the one before. */
let lastFound: i32 = 0;
let lastSerial: u32 = 0;
let count: i32 = 0;

function idAt(index: i32): u32 {
  return load<u32>(ids + ((<usize>index) << 2));
}

function setId(index: i32, id: u32): void {
  store<u32>(ids + ((<usize>index) << 2), id);
}

/** How many root contexts this VM has. */
export function contextCount(): i32 {
  return count;
}

/** The index of the root context of that id, or -1. */
export function findContext(id: u32): i32 {
  if (id == 0) return -1;
  if (idAt(lastFound) == id) return lastFound;
  for (let i = 0; i < end; i++) {
    if (idAt(i) != id) continue;
    lastFound = i;
    return i;
  }
  return -1;
}

/** The index of the root context of that handle, or -1 when it is gone. */
export function findHandle(handle: u32): i32 {
  const index = <i32>(handle & PLACE_MASK);
  return idAt(index) != 0 && contextAt(index).handle == handle ? index : -1;
}

/** All places from here on are free. */
export function contextEnd(): i32 {
  return end;
}

export function isTaken(index: i32): bool {
  return idAt(index) != 0;
}

/** @param index of a place that is or was taken */
export function contextAt(index: i32): RootContext {
  const block = unchecked(blocks[index / BLOCK_PLACES]);
  return changetype<RootContext>(block + <usize>((index % BLOCK_PLACES) * PLACE_BYTES));
}

/** The root context that does what is done once for the whole VM: the first that is configured. -1 without any. */
export function firstContext(): i32 {
  for (let i = 0; i < end; i++) if (idAt(i) != 0 && contextAt(i).tickPeriod != 0) return i;
  return -1;
}

/** The most memory for tables that a configuration with a bundle allows, in bytes: without one, no signature is ever checked. */
export function largestTableMemory(): i32 {
  let largest: i64 = 0;
  for (let i = 0; i < end; i++) {
    if (idAt(i) == 0) continue;
    const context = contextAt(i);
    if (changetype<usize>(context.held) != 0) largest = max(largest, context.settings.tableKib);
  }
  return <i32>(largest * 1024);
}

/** Whether the place may be used: its block is there, and its handles are not used up. */
function isUsable(index: i32): bool {
  const which = index / BLOCK_PLACES;
  if (unchecked(blocks[which]) == 0) {
    const block = takeMemory(BLOCK_PLACES * PLACE_BYTES, Purpose.Configurations);
    if (block == 0) return false;
    memory.fill(block, 0, BLOCK_PLACES * PLACE_BYTES);
    unchecked((blocks[which] = block));
  }
  return contextAt(index).handle / MAX_CONTEXTS < MAX_USES;
}

/** Makes room for a new root context. -1 when there is none left: what becomes of its requests is said in index.ts. */
export function createContext(id: u32): i32 {
  for (let i = 0; i < MAX_CONTEXTS; i++) {
    if (idAt(i) != 0 || !isUsable(i)) continue;
    const context = contextAt(i);
    setId(i, id);
    end = max(end, i + 1);
    context.handle = (context.handle & ~PLACE_MASK) + MAX_CONTEXTS + i;
    context.tickPeriod = 0;
    count += 1;
    renew(context);
    return i;
  }
  return -1;
}

/** Drops the configuration, and with the new serial every grant cached under it. */
export function renew(context: RootContext): void {
  release(context.held);
  context.held = changetype<HeldTrust>(0);
  if (changetype<usize>(context.domain) != 0) leaveDomain(context.domain);
  context.domain = changetype<Domain>(0);
  const settings = changetype<usize>(context.settings);
  if (settings != 0) returnMemory(settings, context.settingsBytes, Purpose.Configurations);
  context.settings = changetype<Settings>(0);
  context.settingsBytes = 0;
  context.textsRevision = 0;
  lastSerial += 1;
  context.serial = lastSerial;
}

/**
 * Before each request: a newer bundle of the domain takes over, where it may govern this context. The gateway may come back to a
 * context that an open stream has kept alive: the same bytes, offered again, are not configured again, and what was
 * revoked since would be allowed. Also the context of another listener, whose own push is still to come, is never behind. So it is
 * with urgent revocations, whichever context's configuration brought them.
 */
export function keepUp(context: RootContext): void {
  if (changetype<usize>(context.held) == 0) return;
  takeNewest(context);
  const texts = context.domain.texts;
  if (context.textsRevision == texts.revision) return;
  context.inForce = texts.inForce(context.held.trust);
  context.textsRevision = texts.revision;
}

/**
 * Before the domain's newest bundle gives way to a newer one, which fewer roots may have signed: a context that asks for more signatures
 * could then follow neither, and one that an open stream has kept alive would come back with a bundle from before both.
 */
export function keepUpAll(domain: Domain): void {
  for (let i = 0; i < end; i++) if (isTaken(i) && contextAt(i).domain == domain) keepUp(contextAt(i));
}

function takeNewest(context: RootContext): void {
  const held = context.held;
  const newest = context.domain.newest;
  if (newest == held || newest.trust.version <= held.trust.version) return;
  if (newest.trust.signerCount < context.settings.anchors.threshold) return;
  release(held);
  context.held = hold(newest);
  context.textsRevision = 0;
  dropCached(context.serial);
  lastSerial += 1;
  context.serial = lastSerial;
}

/** The root context is gone. Returns its serial, so that its cached grants can be dropped. */
export function deleteContext(index: i32): u32 {
  const context = contextAt(index);
  const serial = context.serial;
  renew(context);
  setId(index, 0);
  count -= 1;
  while (end > 0 && idAt(end - 1) == 0) end -= 1;
  return serial;
}
