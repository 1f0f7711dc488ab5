/** One request as the gateway holds it. Strings are byte strings (latin1), as headers are. */
export type Header = readonly [name: string, value: string];

export interface LocalReply {
  readonly status: number;
  readonly details: string;
  readonly headers: readonly Header[];
  readonly body: string;
}

export class Stream {
  headers: Header[];
  /** `wasm.<key>` -> value. */
  readonly filterState = new Map<string, string>();
  readonly properties: ReadonlyMap<string, string>;
  reply: LocalReply | undefined;
  /** Changing request headers makes Envoy choose the route anew (ABI 0.2.1 and older). */
  routeCacheClears = 0;

  /** @param headers names in any case: Envoy lower-cases them. `host` becomes `:authority`. */
  constructor(
    readonly id: number,
    readonly rootId: number,
    headers: readonly Header[],
    properties: ReadonlyMap<string, string>,
  ) {
    this.headers = headers.map(([name, value]) => {
      const lower = name.toLowerCase();
      return [lower === "host" ? ":authority" : lower, value];
    });
    this.properties = properties;
  }

  /** The first of several equal headers only, as Envoy's get does. */
  get(name: string): string | undefined {
    const wanted = name.toLowerCase() === "host" ? ":authority" : name.toLowerCase();
    return this.headers.find(([candidate]) => candidate === wanted)?.[1];
  }

  /** Replaces the first and drops the rest, or adds. */
  set(name: string, value: string): void {
    const wanted = name.toLowerCase() === "host" ? ":authority" : name.toLowerCase();
    const at = this.headers.findIndex(([candidate]) => candidate === wanted);
    const changed: Header = [wanted, value];
    if (at < 0) this.headers.push(changed);
    else this.headers = this.headers.flatMap((header, i): Header[] => (i === at ? [changed] : header[0] === wanted ? [] : [header]));
    this.routeCacheClears += 1;
  }

  remove(name: string): void {
    this.headers = this.headers.filter(([candidate]) => candidate !== name.toLowerCase());
    this.routeCacheClears += 1;
  }
}
