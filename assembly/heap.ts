/**
 * All memory that is asked for while the filter runs: settings, bundles, the stream table, tables of multiples,
 * grants with a stream open. The runtime's
 * allocator traps where memory ends, and a trap takes every plugin of the VM along; so nobody uses it after start
 * (test/verdicts/hot-path.test.ts), and this one refuses. It never asks for more than `maximumMemory` (asconfig.json).
 *
 * Linear memory is a row of granules with a byte of state each; the first run that is long enough is taken:
 *
 *   | static data, the runtime's heap: not ours | granules from memory.grow: free or taken | not there yet |
 */
import { CONFIGURATION_MEMORY, MAX_MEMORY_PAGES, OPEN_GRANT_MEMORY, STREAM_MEMORY, TABLE_MEMORY } from "./limits";

/** What memory is for. Each has a budget of its own, so that one cannot starve another. */
export enum Purpose {
  Configurations = 0,
  Streams = 1,
  Tables = 2,
  OpenGrants = 3,
}
const PURPOSES: i32 = 4;

enum State {
  NotOurs = 0,
  Free = 1,
  Taken = 2,
}

/** 16 KiB: the settings of one configuration. */
const GRANULE_SHIFT: i32 = 14;
/** A page of WebAssembly is 64 KiB. */
const GRANULES_PER_PAGE: i32 = 4;
const states: usize = memory.data(16384, 16); // MAX_MEMORY_PAGES x GRANULES_PER_PAGE
/** The first granule behind all that is ours. */
let end: i32 = 0;
const used: StaticArray<i32> = new StaticArray<i32>(PURPOSES);

/** The budget of a purpose, in bytes. */
export function memoryLimit(purpose: i32): i32 {
  if (purpose == Purpose.Configurations) return CONFIGURATION_MEMORY;
  if (purpose == Purpose.OpenGrants) return OPEN_GRANT_MEMORY;
  return purpose == Purpose.Streams ? STREAM_MEMORY : TABLE_MEMORY;
}

/** What is taken for a purpose, in bytes of whole granules. */
export function memoryUsed(purpose: i32): i32 {
  return unchecked(used[purpose]) << GRANULE_SHIFT;
}

function granulesOf(bytes: i32): i32 {
  return (bytes + (1 << GRANULE_SHIFT) - 1) >> GRANULE_SHIFT;
}

function mark(first: i32, count: i32, state: State): void {
  memory.fill(states + <usize>first, <u8>state, <usize>count);
}

/** The first of `count` free granules in a row, or -1. */
function findRun(count: i32): i32 {
  let run = 0;
  for (let i = 0; i < end; i++) {
    run = load<u8>(states + <usize>i) == State.Free ? run + 1 : 0;
    if (run == count) return i - count + 1;
  }
  return -1;
}

/** Free granules at the very end of memory, which what is grown joins. */
function freeAtEnd(): i32 {
  if (memory.size() * GRANULES_PER_PAGE != end) return 0;
  let count = 0;
  while (count < end && load<u8>(states + <usize>(end - 1 - count)) == State.Free) count += 1;
  return count;
}

/** Makes memory longer, so that it ends with `count` free granules. */
function grow(count: i32): bool {
  const pages = (count - freeAtEnd() + GRANULES_PER_PAGE - 1) / GRANULES_PER_PAGE;
  const before = memory.size();
  if (before + pages > MAX_MEMORY_PAGES || memory.grow(pages) < 0) return false;
  mark(before * GRANULES_PER_PAGE, pages * GRANULES_PER_PAGE, State.Free);
  end = (before + pages) * GRANULES_PER_PAGE;
  return true;
}

/** `bytes` of memory with anything in it, 16-aligned, or 0 when the budget is spent or memory ends. */
export function takeMemory(bytes: i32, purpose: i32): usize {
  if (bytes <= 0 || bytes > memoryLimit(purpose)) return 0;
  const count = granulesOf(bytes);
  if (count > granulesOf(memoryLimit(purpose)) - unchecked(used[purpose])) return 0;
  let first = findRun(count);
  if (first < 0 && grow(count)) first = findRun(count);
  if (first < 0) return 0;
  mark(first, count, State.Taken);
  unchecked((used[purpose] += count));
  return (<usize>first) << GRANULE_SHIFT;
}

/** Gives back what `takeMemory` gave. */
export function returnMemory(ptr: usize, bytes: i32, purpose: i32): void {
  shrinkMemory(ptr, bytes, 0, purpose);
}

/** Gives back all but the first `smaller` bytes. */
export function shrinkMemory(ptr: usize, bytes: i32, smaller: i32, purpose: i32): void {
  const kept = granulesOf(smaller);
  const count = granulesOf(bytes) - kept;
  if (count <= 0) return;
  mark(<i32>(ptr >> GRANULE_SHIFT) + kept, count, State.Free);
  unchecked((used[purpose] -= count));
}
