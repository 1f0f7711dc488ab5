/** Memory with a bound: maps that forget what was put in longest ago. */

/**
 * Where the oldest of a full map stands. A new iterator has to step over all that was deleted before it, half a map on average; one that
 * goes on stands there already, as everything before it was forgotten.
 */
interface Front<K, V> {
  readonly entries: Iterator<[K, V]>;
  /** Calls since it moved last. */
  idle: number;
}

/** An iterator that does not move keeps old tables of a map that changes: it is let go of before that. */
const MAX_IDLE = 1024;

/** For each map its own. */
interface Fronts {
  get<K, V>(map: Map<K, V>): Front<K, V> | undefined;
  set<K, V>(map: Map<K, V>, front: Front<K, V>): unknown;
  delete(map: object): boolean;
}
const table = new WeakMap();
const fronts: Fronts = table;

function dropOldest<K, V>(map: Map<K, V>): readonly [K, V] | undefined {
  const there = fronts.get(map);
  const front = there ?? { entries: map.entries(), idle: 0 };
  if (there === undefined) fronts.set(map, front);
  front.idle = 0;
  const oldest = front.entries.next();
  if (oldest.done === true) return undefined;
  map.delete(oldest.value[0]);
  return oldest.value;
}

/** Puts it in as the newest, and forgets the oldest beyond `max`. Returns what was forgotten. */
export function remember<K, V>(map: Map<K, V>, key: K, value: V, max: number): readonly [K, V] | undefined {
  map.delete(key);
  map.set(key, value);
  if (map.size > max) return dropOldest(map);
  const front = fronts.get(map);
  if (front !== undefined && ++front.idle > MAX_IDLE) fronts.delete(map);
  return undefined;
}

/** The value of a key, made where there is none. */
export function taken<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const there = map.get(key);
  if (there !== undefined) return there;
  const made = make();
  map.set(key, made);
  return made;
}

/** Adds to the list of a key, unless it is full. */
export function push<K, V>(map: Map<K, V[]>, key: K, value: V, maxKeys: number, maxEach: number): boolean {
  const list = map.get(key);
  if (list !== undefined) {
    if (list.length >= maxEach) return false;
    list.push(value);
    return true;
  }
  if (map.size >= maxKeys) return false;
  map.set(key, [value]);
  return true;
}
