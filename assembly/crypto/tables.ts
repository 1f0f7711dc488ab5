/**
 * Tables of multiples for the keys in use: with one, a verification costs a fraction. Bounded memory, fixed places; built a
 * few points at a time outside of requests (`buildTables`), and only for keys that have verified a signature in this VM, so
 * that forged grants cannot churn them. A table belongs to the key's bytes, not to a bundle: it stays over rotations.
 */
import { Purpose, returnMemory, takeMemory } from "../heap";
import { MAX_TABLES, MAX_WAITING_KEYS } from "../limits";
import { publicKeyLength } from "./algorithm";
import { Multiples, PublicKey } from "./pointers";
import { baseTableBytes, fillNext, isTrueTable, startTable, TABLE_BYTES } from "./tablebuild";

/** Fills of one step, 64 or 128 entries each: some 0.3 ms of optimised code, less than 2 ms of code that V8 has only just compiled. */
const FILLS_PER_STEP: i32 = 2;
/** A table that was used within so many seconds is not given up for another key's: churn would cost more than it saves. */
const KEEP_SECONDS: i64 = 60;

enum State {
  Free,
  Building,
  Ready,
  /** The proof failed: this key stays on the generic way. */
  Refused,
}

class Table {
  state: State = State.Free;
  algorithm: i32 = 0;
  /** The public key, 64 bytes; unused for a base point. */
  key: usize = 0;
  /** Starts where a cache line does, as all memory of heap.ts. */
  memory: usize = 0;
  /** Of `memory`. */
  bytes: i32 = TABLE_BYTES;
  lastUsed: i64 = 0;
}

function newTable(): Table {
  const table = new Table();
  table.key = heap.alloc(64);
  return table;
}

const tables: StaticArray<Table> = new StaticArray<Table>(MAX_TABLES);
for (let i = 0; i < MAX_TABLES; i++) unchecked((tables[i] = newTable()));
const bases: StaticArray<Table> = new StaticArray<Table>(2);
for (let i = 0; i < 2; i++) unchecked((bases[i] = newTable()));
for (let i = 0; i < 2; i++) {
  const base = unchecked(bases[i]);
  base.algorithm = i;
  base.bytes = baseTableBytes(i);
}

let budget: i32 = 0;
let used: i32 = 0;
let clock: i64 = 0;
let building: Table = changetype<Table>(0);
let waiting: i32 = 0;
let ready: i32 = 0;

/** The base point's table, or 0 while there is none. */
export function baseTable(algorithm: i32): Multiples {
  const base = unchecked(bases[algorithm]);
  return base.state == State.Ready ? base.memory : 0;
}

function isOf(table: Table, algorithm: i32, publicKey: PublicKey): bool {
  if (table.state == State.Free || table.algorithm != algorithm) return false;
  return (
    load<u64>(table.key) == load<u64>(publicKey) &&
    memory.compare(table.key, publicKey, publicKeyLength(algorithm)) == 0
  );
}

function find(algorithm: i32, publicKey: PublicKey): Table {
  for (let i = 0; i < MAX_TABLES; i++) {
    const table = unchecked(tables[i]);
    if (isOf(table, algorithm, publicKey)) return table;
  }
  return changetype<Table>(0);
}

/** The key's table, or 0. With it the base point's is there too. */
export function findTable(algorithm: i32, publicKey: PublicKey): Multiples {
  if (ready == 0) return 0;
  const table = find(algorithm, publicKey);
  return changetype<usize>(table) != 0 && table.state == State.Ready ? table.memory : 0;
}

/** Keys that wait, oldest first: algorithm and key. */
const waitingKeys: usize = memory.data(1152, 16); // MAX_WAITING_KEYS x WAITING_BYTES
const WAITING_BYTES: usize = 72;

function waitingAt(index: i32): usize {
  return waitingKeys + <usize>index * WAITING_BYTES;
}

function isWaiting(algorithm: i32, publicKey: PublicKey): bool {
  for (let i = 0; i < waiting; i++) {
    const at = waitingAt(i);
    if (load<i32>(at) != algorithm) continue;
    if (memory.compare(at + 8, publicKey, publicKeyLength(algorithm)) == 0) return true;
  }
  return false;
}

/** This key has verified a signature: it may have a table. On the hot path, so it only takes a note. */
export function noteVerified(algorithm: i32, publicKey: PublicKey): void {
  const table = find(algorithm, publicKey);
  if (changetype<usize>(table) != 0) {
    // Only here: forged signatures do not keep a table from being given up.
    table.lastUsed = clock;
    return;
  }
  if (budget == 0 || waiting >= MAX_WAITING_KEYS || isWaiting(algorithm, publicKey)) return;
  const at = waitingAt(waiting);
  store<i32>(at, algorithm);
  memory.copy(at + 8, publicKey, publicKeyLength(algorithm));
  waiting += 1;
}

/** What is kept free for the base points' tables that are still to come, so that keys of one algorithm cannot starve the other's. */
function reserved(): i32 {
  let bytes = 0;
  for (let i = 0; i < 2; i++) if (unchecked(bases[i]).memory == 0) bytes += unchecked(bases[i]).bytes;
  return bytes;
}

/** Memory for a table. False when there is none left within the budget. */
function giveMemory(table: Table): bool {
  if (table.memory != 0) return true;
  const kept = isBase(table) ? 0 : reserved();
  if (used + table.bytes + kept > budget) return false;
  table.memory = takeMemory(table.bytes, Purpose.Tables);
  if (table.memory == 0) return false;
  used += table.bytes;
  return true;
}

/** A place for one more key: a free one, or that of the table that was not used for the longest time. */
function makeRoom(): Table {
  let oldest = changetype<Table>(0);
  for (let i = 0; i < MAX_TABLES; i++) {
    const table = unchecked(tables[i]);
    if (table.state == State.Free && giveMemory(table)) return table;
    if (table.state != State.Ready || clock - table.lastUsed < KEEP_SECONDS) continue;
    if (changetype<usize>(oldest) == 0 || table.lastUsed < oldest.lastUsed) oldest = table;
  }
  if (changetype<usize>(oldest) != 0) {
    oldest.state = State.Free;
    ready -= 1;
  }
  return oldest;
}

function begin(table: Table, publicKey: PublicKey): void {
  if (startTable(table.algorithm, publicKey, table.memory)) {
    table.state = State.Building;
    building = table;
  } else {
    table.state = State.Refused;
  }
}

/** Begins the table of the key that waits longest; that of its base point first. */
function startNext(): void {
  const algorithm = load<i32>(waitingKeys);
  const base = unchecked(bases[algorithm]);
  if (base.state == State.Free) {
    // None is of use without room for one key.
    if (unchecked(bases[0]).bytes + unchecked(bases[1]).bytes + TABLE_BYTES <= budget && giveMemory(base)) {
      begin(base, 0);
      return;
    }
  } else if (base.state == State.Ready) {
    const table = makeRoom();
    if (changetype<usize>(table) != 0) {
      table.algorithm = algorithm;
      memory.copy(table.key, waitingKeys + 8, publicKeyLength(algorithm));
      begin(table, table.key);
    }
  }
  waiting -= 1;
  memory.copy(waitingKeys, waitingAt(1), <usize>waiting * WAITING_BYTES);
}

function isBase(table: Table): bool {
  return table == unchecked(bases[0]) || table == unchecked(bases[1]);
}

/** True when it is a key's and serves from now on. */
function finish(table: Table): bool {
  building = changetype<Table>(0);
  table.lastUsed = clock;
  table.state = State.Ready;
  if (isBase(table)) return false;
  if (!isTrueTable(table.algorithm, table.key, baseTable(table.algorithm), table.memory)) {
    table.state = State.Refused;
    return false;
  }
  ready += 1;
  return true;
}

/** Whether `buildTables` has something to do. */
export function hasTableWork(): bool {
  return waiting > 0 || changetype<usize>(building) != 0;
}

/**
 * Builds on, a bounded step. Call it outside of requests.
 * @param now seconds, only compared with itself
 * @returns true when one more key has its table
 */
export function buildTables(now: i64): bool {
  clock = now;
  if (changetype<usize>(building) == 0) {
    if (waiting > 0) startNext();
    return false;
  }
  for (let i = 0; i < FILLS_PER_STEP; i++) {
    if (!fillNext()) continue;
    return finish(building);
  }
  return false;
}

function drop(table: Table): void {
  if (table.memory != 0) {
    returnMemory(table.memory, table.bytes, Purpose.Tables);
    used -= table.bytes;
  }
  table.memory = 0;
  table.state = State.Free;
}

/** Sets the memory that all tables may hold together. A smaller one than before drops them all. */
export function setTableBudget(bytes: i32): void {
  budget = bytes;
  if (used <= budget) return;
  for (let i = 0; i < MAX_TABLES; i++) drop(unchecked(tables[i]));
  for (let i = 0; i < 2; i++) drop(unchecked(bases[i]));
  building = changetype<Table>(0);
  waiting = 0;
  ready = 0;
}
