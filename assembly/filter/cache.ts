/**
 * Grants that were accepted, parsed: the same bytes under the same context need no parsing and no signature checks again.
 * Fixed memory. Only an accepted grant enters, and only one evicts another, so forged grants cannot churn it. Everything
 * but the signatures is judged on each request all the same.
 *
 * `lookUp` gives the entry of the bytes: either accepted, with the grant, or empty, to read them into; `keep` accepts that
 * entry. An entry is found by a hash of its bytes under the VM's secret. The hashes stand side by side, and what they find is
 * then compared byte by byte: a grant that is not here touches no other's memory, and the time that it takes tells nothing
 * about those that are.
 *
 * A grant is its payload (`grant_sha256`). Whoever holds it can spell it in many ways: with its approvals in another order, with
 * some of them, with ES256 signatures of the other sign. Each is other bytes and is verified anew, but they have one entry: a
 * further spelling takes the place of the one before, and never that of another's grant.
 */
import { sipHash } from "../crypto/siphash";
import { Grant, newGrant } from "../grant/grant";
import { GRANT_REGION_BYTES } from "../grant/read";
import { MAX_CACHED_GRANTS } from "../limits";
import { equalBytes } from "../text/bytes";
import { Region } from "../text/region";
import { vmSecret } from "./secret";
import { SHOWN_BYTES, ShownKeys } from "./shownkeys";

/** One of them is always empty: 65 x 28 KiB. */
const ENTRIES: i32 = MAX_CACHED_GRANTS + 1;

/** One grant under one context. */
export class Entry {
  /** The grant was accepted: it is parsed and its signatures hold. Else the entry is one to read into. */
  isAccepted: bool = false;
  /** What the grant lives in; open for reading it while it is not accepted. */
  region: Region = new Region();
  grant: Grant = changetype<Grant>(0);
  /** The serial of the root context that it is looked for, or was accepted, under. */
  serial: u32 = 0;
  lastUsed: u64 = 0;
  /** Good proofs that came with it, while its key is one without a table (proofs.ts). */
  proofs: i32 = 0;
  memory: usize = 0;
  /** Where the hash of its bytes stands, and where that of its payload. */
  hash: usize = 0;
  payloadHash: usize = 0;
  /** Approvers that the evidence of this grant has shown, in this spelling or in earlier ones. */
  shown: ShownKeys = new ShownKeys();
  /** What its grant is found by among those with a stream open (opengrants.ts); 0 until it is asked for. */
  standing: u64 = 0;
}

const NO_ENTRY = changetype<Entry>(0);
const memoryOfEntries: usize = memory.data(1863680, 16); // ENTRIES x GRANT_REGION_BYTES
const hashes: usize = memory.data(520, 8); // ENTRIES x u64
const payloadHashes: usize = memory.data(520, 8); // ENTRIES x u64
const memoryOfShown: usize = memory.data(16640, 8); // ENTRIES x SHOWN_BYTES
const entries: StaticArray<Entry> = new StaticArray<Entry>(ENTRIES);
for (let i = 0; i < ENTRIES; i++) {
  const entry = new Entry();
  entry.memory = memoryOfEntries + <usize>i * GRANT_REGION_BYTES;
  entry.hash = hashes + ((<usize>i) << 3);
  entry.payloadHash = payloadHashes + ((<usize>i) << 3);
  entry.shown.open(memoryOfShown + <usize>i * SHOWN_BYTES);
  unchecked((entries[i] = entry));
}
/** Never accepted: what the next new grant is read into. */
let empty: Entry = unchecked(entries[0]);
let clock: u64 = 0;

/** The entry of exactly these bytes under that context: accepted, or else empty and good until the next look-up. */
export function lookUp(serial: u32, ptr: usize, len: i32): Entry {
  const hash = sipHash(vmSecret(), ptr, len);
  for (let i = 0; i < ENTRIES; i++) {
    if (load<u64>(hashes + ((<usize>i) << 3)) != hash) continue;
    const entry = unchecked(entries[i]);
    if (!entry.isAccepted || entry.serial != serial) continue;
    if (equalBytes(entry.grant.textPtr, entry.grant.textLen, ptr, len)) return entry;
  }
  empty.serial = serial;
  empty.standing = 0;
  empty.proofs = 0;
  store<u64>(empty.hash, hash);
  empty.region.open(empty.memory, GRANT_REGION_BYTES);
  empty.grant = newGrant(empty.region);
  return empty;
}

/** The accepted entry of the same grant under the same context in another spelling, or 0. */
function otherSpelling(entry: Entry): Entry {
  const request = entry.grant.request;
  const hash = sipHash(vmSecret(), request.bodyPtr, request.bodyLen);
  store<u64>(entry.payloadHash, hash);
  for (let i = 0; i < ENTRIES; i++) {
    if (load<u64>(payloadHashes + ((<usize>i) << 3)) != hash) continue;
    const other = unchecked(entries[i]);
    if (!other.isAccepted || other.serial != entry.serial || other == entry) continue;
    if (equalBytes(other.grant.request.bodyPtr, other.grant.request.bodyLen, request.bodyPtr, request.bodyLen)) {
      return other;
    }
  }
  return NO_ENTRY;
}

/** Whether the evidence of the entry's grant would show something: the grant itself, or an approval of which there was none yet. */
export function provesSomethingNew(entry: Entry): bool {
  if (entry.isAccepted) return false;
  const other = otherSpelling(entry);
  return changetype<usize>(other) == 0 || !other.shown.hasAllOf(entry.grant);
}

/**
 * The grant that was read into this entry, or that has it, was accepted, and what it proves is on record. Where it is new, the
 * entry of its last spelling is free for the next grant, or else the least recently used one. Only this is use: a grant that is
 * denied now, as one that has expired, holds no place by being shown again and again.
 */
export function keep(entry: Entry): void {
  entry.lastUsed = ++clock;
  if (entry.isAccepted) return;
  const other = otherSpelling(entry);
  const isKnown = changetype<usize>(other) != 0;
  if (isKnown) entry.shown.copyFrom(other.shown);
  else entry.shown.clear();
  entry.shown.addAllOf(entry.grant);
  entry.isAccepted = true;
  empty = isKnown ? other : leastRecentlyUsed(entry);
  free(empty);
}

function leastRecentlyUsed(except: Entry): Entry {
  let oldest = except;
  for (let i = 0; i < ENTRIES; i++) {
    const entry = unchecked(entries[i]);
    if (entry != except && (oldest == except || entry.lastUsed < oldest.lastUsed)) oldest = entry;
  }
  return oldest;
}

/** Drops everything accepted under that context. */
export function dropCached(serial: u32): void {
  for (let i = 0; i < ENTRIES; i++) {
    const entry = unchecked(entries[i]);
    if (entry.serial == serial) free(entry);
  }
}

function free(entry: Entry): void {
  entry.isAccepted = false;
  entry.lastUsed = 0;
}
