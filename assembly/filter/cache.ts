/**
 * Grants that were accepted, parsed: the same bytes under the same context need no parsing and no signature checks again.
 * Fixed memory. Only an accepted grant enters, and only one evicts another, so forged grants cannot churn it. Everything
 * but the signatures is judged on each request all the same.
 *
 * A grant is found by a keyed hash of its bytes, which stand side by side, and is then compared byte by byte. So a grant that
 * is not here touches no other's memory, and the time that it takes tells nothing about those that are.
 */
import { sha256 } from "../crypto/sha256";
import { sipHash } from "../crypto/siphash";
import { Grant, newGrant } from "../grant/grant";
import { GRANT_REGION_BYTES } from "../grant/read";
import { equalBytes } from "../text/bytes";
import { Region } from "../text/region";

/** Entries of a VM, plus the one that is being read into. 65 x 28 KiB. */
const ENTRIES: i32 = 65;

class Entry {
  /** The serial of the root context that accepted it; 0 while free. */
  serial: u32 = 0;
  lastUsed: u64 = 0;
  memory: usize = 0;
  grant: Grant = changetype<Grant>(0);
}

const memoryOfEntries: usize = memory.data(1863680, 16); // ENTRIES x GRANT_REGION_BYTES
const entries: StaticArray<Entry> = new StaticArray<Entry>(ENTRIES);
for (let i = 0; i < ENTRIES; i++) {
  const entry = new Entry();
  entry.memory = memoryOfEntries + <usize>i * GRANT_REGION_BYTES;
  unchecked((entries[i] = entry));
}
/** The hash of each entry's grant. */
const hashes: usize = memory.data(520, 8); // ENTRIES x u64
const key: usize = memory.data(32, 8);
let hasKey: bool = false;
/** The hash of the grant that was looked for last, which is the one that may be kept. */
let lookedFor: u64 = 0;
let spare: i32 = 0;
let clock: u64 = 0;
const region = new Region();

function hashAt(index: i32): usize {
  return hashes + ((<usize>index) << 3);
}

/** The accepted grant of exactly these bytes under that context, or 0. */
export function findCached(serial: u32, ptr: usize, len: i32): Grant {
  if (!hasKey) return changetype<Grant>(0);
  lookedFor = sipHash(key, ptr, len);
  for (let i = 0; i < ENTRIES; i++) {
    if (load<u64>(hashAt(i)) != lookedFor) continue;
    const entry = unchecked(entries[i]);
    if (entry.serial != serial || !equalBytes(entry.grant.textPtr, entry.grant.textLen, ptr, len)) continue;
    entry.lastUsed = ++clock;
    return entry.grant;
  }
  return changetype<Grant>(0);
}

/** Memory for reading a new grant: the spare entry. */
export function spareRegion(): Region {
  region.open(unchecked(entries[spare]).memory, GRANT_REGION_BYTES);
  return region;
}

/** An empty grant in the region. */
export function spareGrant(into: Region): Grant {
  const grant = newGrant(into);
  unchecked(entries[spare]).grant = grant;
  return grant;
}

/**
 * The key of the hash: from the first accepted grant, whose requester's signature nobody knows but its holder, and from the
 * nanosecond of its arrival. No host call gives random bytes on every host.
 */
function makeKey(grant: Grant, nowNs: u64): void {
  sha256(grant.textPtr, grant.textLen, key);
  store<u64>(key, load<u64>(key) ^ nowNs);
  hasKey = true;
  lookedFor = sipHash(key, grant.textPtr, grant.textLen);
}

/** The grant in the spare entry, looked for last, was accepted under that context: keep it. The least recently used one makes room. */
export function keepSpare(serial: u32, nowNs: u64): void {
  const kept = unchecked(entries[spare]);
  if (!hasKey) makeKey(kept.grant, nowNs);
  kept.serial = serial;
  kept.lastUsed = ++clock;
  store<u64>(hashAt(spare), lookedFor);
  let oldest = spare == 0 ? 1 : 0;
  for (let i = 0; i < ENTRIES; i++) {
    if (i != spare && unchecked(entries[i]).lastUsed < unchecked(entries[oldest]).lastUsed) oldest = i;
  }
  spare = oldest;
  free(unchecked(entries[oldest]));
}

/** Drops everything accepted under that context. */
export function dropCached(serial: u32): void {
  for (let i = 0; i < ENTRIES; i++) {
    const entry = unchecked(entries[i]);
    if (entry.serial == serial) free(entry);
  }
}

/** No serial of a context is 0, so its hash finds it no more. */
function free(entry: Entry): void {
  entry.serial = 0;
  entry.lastUsed = 0;
}
