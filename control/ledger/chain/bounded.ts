/** Memory with a bound: maps that forget what was put in longest ago. */

/** Puts it in as the newest, and forgets the oldest beyond `max`. Returns what was forgotten. */
export function remember<K, V>(map: Map<K, V>, key: K, value: V, max: number): readonly [K, V] | undefined {
  map.delete(key);
  map.set(key, value);
  if (map.size <= max) return undefined;
  const oldest = map.entries().next();
  if (oldest.done === true) return undefined;
  map.delete(oldest.value[0]);
  return oldest.value;
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
