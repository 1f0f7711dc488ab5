/** A configuration as Envoy's protobuf reader sees it: texts, numbers, booleans, lists and maps, each with its line. */

export type Data = string | number | boolean | null | readonly Value[] | ReadonlyMap<string, Value>;

export class Value {
  /**
   * @param size how many values it holds, itself included, each alias counted where it stands
   * @param file where it stands when that is not the file that was asked about
   */
  constructor(
    readonly data: Data,
    readonly line: number,
    readonly size: number,
    readonly file?: string,
  ) {}

  get map(): ReadonlyMap<string, Value> | undefined {
    return this.data instanceof Map ? this.data : undefined;
  }

  get list(): readonly Value[] | undefined {
    return Array.isArray(this.data) ? this.data : undefined;
  }

  /** Scalars as text, as protobuf's JSON takes `"5"` for 5 and `"true"` for true. */
  get text(): string | undefined {
    const { data } = this;
    return typeof data === "string" || typeof data === "number" || typeof data === "boolean" ? String(data) : undefined;
  }

  /** Plain JSON, for what is opaque to Envoy and for Envoy's own opinion. */
  toJson(replace: (value: Value, key: string) => unknown = () => undefined, key = ""): unknown {
    const replaced = replace(this, key);
    if (replaced !== undefined) return replaced;
    if (this.map !== undefined)
      return Object.fromEntries([...this.map].map(([name, value]) => [name, value.toJson(replace, name)]));
    return this.list === undefined ? this.data : this.list.map((value) => value.toJson(replace, key));
  }
}

export const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `type.googleapis.com/envoy.x.v3.Y` -> `envoy.x.v3.Y`. */
export const typeName = (url: string): string => url.slice(url.lastIndexOf("/") + 1);

/** Every value below, each once, with the key that it stands under. */
export function* everyValue(root: Value, key = "", seen = new Set<Value>()): Generator<{ value: Value; key: string }> {
  if (seen.has(root)) return;
  seen.add(root);
  yield { value: root, key };
  for (const [name, value] of root.map ?? []) yield* everyValue(value, name, seen);
  for (const value of root.list ?? []) yield* everyValue(value, key, seen);
}
