/**
 * Tables of multiples for the keys in use: with one, a verification costs a fraction. Bounded memory, fixed places; built a
 * few points at a time outside of requests (`buildTables`), and only for keys that have verified a signature in this VM, so
 * that forged grants cannot churn them. A table belongs to the key's bytes, not to a bundle: it stays over rotations.
 */
import { Algorithm, publicKeyLength } from "./algorithm";
import { fillNextRow, isTrueTable, startTable, TABLE_BYTES } from "./tablebuild";

/** Places for keys' tables, at most. */
const MAX_TABLES: i32 = 64;
/** Rows of 128 points filled in one go: about 0.3 ms of optimised code, less than 2 ms of code that V8 has only just compiled. */
const ROWS_PER_STEP: i32 = 2;
/** Keys that wait for a table; further ones ask again with their next signature. */
const MAX_WAITING: i32 = 16;
/** A table that was used within so many seconds is not given up for another key's: churn would cost more than it saves. */
const KEEP_SECONDS: i64 = 60;

enum State {
  Free,
  Waiting,
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
  memory: usize = 0;
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
unchecked((bases[1].algorithm = Algorithm.Es256));

let budget: i32 = 0;
let used: i32 = 0;
let clock: i64 = 0;
let building: Table = changetype<Table>(0);
let waiting: i32 = 0;
let ready: i32 = 0;

/** How many keys have a table now. */
export function tableCount(): i32 {
  return ready;
}

/** Bytes that tables hold now. */
export function tableMemory(): i32 {
  return used;
}

/** The base point's table, or 0 while there is none. */
export function baseTable(algorithm: i32): usize {
  const base = unchecked(bases[algorithm]);
  return base.state == State.Ready ? base.memory : 0;
}

function isOf(table: Table, algorithm: i32, publicKey: usize): bool {
  if (table.state == State.Free || table.algorithm != algorithm) return false;
  return (
    load<u64>(table.key) == load<u64>(publicKey) &&
    memory.compare(table.key, publicKey, publicKeyLength(algorithm)) == 0
  );
}

function find(algorithm: i32, publicKey: usize): Table {
  for (let i = 0; i < MAX_TABLES; i++) {
    const table = unchecked(tables[i]);
    if (isOf(table, algorithm, publicKey)) return table;
  }
  return changetype<Table>(0);
}

/** The key's table, or 0. With it the base point's is there too. */
export function findTable(algorithm: i32, publicKey: usize): usize {
  if (ready == 0) return 0;
  const table = find(algorithm, publicKey);
  if (changetype<usize>(table) == 0 || table.state != State.Ready) return 0;
  table.lastUsed = clock;
  return table.memory;
}

/** A place for one more key: a free one, or that of the table that was not used for the longest time. */
function makeRoom(): Table {
  let oldest = changetype<Table>(0);
  for (let i = 0; i < MAX_TABLES; i++) {
    const table = unchecked(tables[i]);
    if (table.state == State.Free && (table.memory != 0 || used + TABLE_BYTES <= budget)) return table;
    if (table.state != State.Ready || clock - table.lastUsed < KEEP_SECONDS) continue;
    if (changetype<usize>(oldest) == 0 || table.lastUsed < oldest.lastUsed) oldest = table;
  }
  if (changetype<usize>(oldest) != 0) {
    oldest.state = State.Free;
    ready -= 1;
  }
  return oldest;
}

function takeMemory(table: Table): void {
  used += TABLE_BYTES;
  table.memory = heap.alloc(<usize>TABLE_BYTES);
}

/** This key has verified a signature the generic way: it may have a table. */
export function noteVerified(algorithm: i32, publicKey: usize): void {
  if (budget == 0 || waiting >= MAX_WAITING) return;
  if (changetype<usize>(find(algorithm, publicKey)) != 0) return;
  const base = unchecked(bases[algorithm]);
  if (base.state == State.Free) {
    // It is of no use without room for one key.
    if (used + 2 * TABLE_BYTES > budget) return;
    takeMemory(base);
    base.state = State.Waiting;
  }
  const table = makeRoom();
  if (changetype<usize>(table) == 0) return;
  if (table.memory == 0) takeMemory(table);
  table.state = State.Waiting;
  table.algorithm = algorithm;
  memory.copy(table.key, publicKey, publicKeyLength(algorithm));
  waiting += 1;
}

/** The next table to build: a base point's before the keys'. */
function startNext(): bool {
  for (let i = 0; i < 2; i++) {
    const base = unchecked(bases[i]);
    if (base.state != State.Waiting) continue;
    base.state = State.Building;
    building = base;
    return startTable(base.algorithm, 0, base.memory);
  }
  for (let i = 0; i < MAX_TABLES; i++) {
    const table = unchecked(tables[i]);
    if (table.state != State.Waiting) continue;
    waiting -= 1;
    // Without the base point's table a key's is of no use.
    if (baseTable(table.algorithm) == 0 || !startTable(table.algorithm, table.key, table.memory)) {
      table.state = State.Refused;
      continue;
    }
    table.state = State.Building;
    building = table;
    return true;
  }
  return false;
}

function isBase(table: Table): bool {
  return table == unchecked(bases[0]) || table == unchecked(bases[1]);
}

function finish(table: Table): void {
  building = changetype<Table>(0);
  table.lastUsed = clock;
  table.state = State.Ready;
  if (isBase(table)) return;
  if (isTrueTable(table.algorithm, table.key, baseTable(table.algorithm), table.memory)) ready += 1;
  else table.state = State.Refused;
}

/** Whether `buildTables` has something to do. */
export function hasTableWork(): bool {
  return waiting > 0 || changetype<usize>(building) != 0;
}

/** Builds on, a bounded step. Call it outside of requests. `now`: seconds, only compared with itself. */
export function buildTables(now: i64): void {
  clock = now;
  if (changetype<usize>(building) == 0) {
    startNext();
    return;
  }
  for (let i = 0; i < ROWS_PER_STEP; i++) {
    if (!fillNextRow()) continue;
    finish(building);
    return;
  }
}

function drop(table: Table): void {
  if (table.memory != 0) {
    heap.free(table.memory);
    used -= TABLE_BYTES;
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
