/** Memory with a bound: maps that forget what was put in longest ago, and maps that all senders share, with a room for each. */

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

/**
 * A map that all senders share. What is in anybody's room is in the map. When the rooms together are full, the oldest of the fullest one
 * goes: a flood pushes out what it brought itself, and whoever has little is never pushed out by who has much.
 */
export interface Shared<K, V> {
  readonly all: Map<K, V>;
  /** By sender, the longest untouched first. */
  readonly rooms: Map<string, Map<K, true>>;
  /** In whose rooms it is. */
  readonly owners: Map<K, string[]>;
  /** What is in all rooms together. */
  taken: number;
}

export const newShared = <K, V>(): Shared<K, V> => ({
  all: new Map(),
  rooms: new Map(),
  owners: new Map(),
  taken: 0,
});

export interface Forgotten<K, V> {
  readonly key: K;
  readonly value: V;
  /** Whose room was the fullest. */
  readonly owner: string;
}

function vacate<K, V>(shared: Shared<K, V>): Forgotten<K, V> | undefined {
  let [owner, fullest]: readonly [string, Map<K, true> | undefined] = ["", undefined];
  for (const [name, room] of shared.rooms) if (room.size > (fullest?.size ?? 0)) [owner, fullest] = [name, room];
  const oldest = fullest && dropOldest(fullest);
  if (oldest === undefined) return undefined;
  const [key] = oldest;
  shared.taken -= 1;
  if (fullest?.size === 0) shared.rooms.delete(owner);
  const others = (shared.owners.get(key) ?? []).filter((name) => name !== owner);
  if (others.length > 0) {
    shared.owners.set(key, others);
    return undefined;
  }
  const value = shared.all.get(key);
  shared.owners.delete(key);
  shared.all.delete(key);
  return value === undefined ? undefined : { key, value, owner };
}

/** Puts it into the room of that owner as his newest. Returns what was forgotten for it, beyond `max` in all rooms. */
export function keep<K, V>(
  shared: Shared<K, V>,
  owner: string,
  key: K,
  value: V,
  max: number,
): Forgotten<K, V> | undefined {
  const room = taken(shared.rooms, owner, () => new Map<K, true>());
  if (!room.has(key)) {
    taken(shared.owners, key, () => []).push(owner);
    shared.taken += 1;
  }
  remember(room, key, true, Number.POSITIVE_INFINITY);
  shared.all.delete(key);
  shared.all.set(key, value);
  return shared.taken > max ? vacate(shared) : undefined;
}

/** Nobody has it any more. */
export function drop<K, V>(shared: Shared<K, V>, key: K): void {
  for (const owner of shared.owners.get(key) ?? []) {
    const room = shared.rooms.get(owner);
    if (room?.delete(key) === true) shared.taken -= 1;
    if (room?.size === 0) shared.rooms.delete(owner);
  }
  shared.owners.delete(key);
  shared.all.delete(key);
}
