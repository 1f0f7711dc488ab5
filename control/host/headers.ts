/**
 * Headers as Envoy keeps them: names in lower case, `host` is `:authority`, pseudo-headers first, and a few names are joined
 * into one line. Strings are byte strings (latin1): raw bytes 0x80-0xff pass.
 */

export type Header = readonly [name: string, value: string];

/**
 * A second line of one of these is joined to the first, measured on Envoy 1.40. Not so the grant's header: its duplicates
 * stay apart, and a get shows the first only.
 */
const JOINED: ReadonlySet<string> = new Set(
  `:authority :method :path :protocol :scheme accept accept-encoding access-control-request-headers access-
  control-request-method authorization cache-control connection content-encoding content-length content-type
  expect grpc-accept-encoding grpc-timeout if-match if-modified-since if-none-match if-range if-unmodified-since
  keep-alive origin pragma proxy-connection referer te transfer-encoding upgrade user-agent via x-client-trace-
  id x-envoy-attempt-count x-envoy-decorator-operation x-envoy-downstream-service-cluster x-envoy-downstream-
  service-node x-envoy-expected-rq-timeout-ms x-envoy-external-address x-envoy-force-trace x-envoy-hedge-on-per-
  try-timeout x-envoy-internal x-envoy-ip-tags x-envoy-max-retries x-envoy-original-path x-envoy-original-url
  x-envoy-retry-grpc-on x-envoy-retry-on x-envoy-upstream-alt-stat-name x-envoy-upstream-rq-per-try-timeout-ms
  x-envoy-upstream-rq-timeout-ms x-forwarded-client-cert x-forwarded-for x-forwarded-host x-forwarded-port
  x-forwarded-proto x-request-id`.split(/\s+/),
);

export function canonicalName(name: string): string {
  const lower = name.toLowerCase();
  return lower === "host" ? ":authority" : lower;
}

export class HeaderMap {
  private entries: Header[] = [];

  constructor(headers: readonly Header[] = []) {
    this.set(headers);
  }

  get all(): readonly Header[] {
    return this.entries;
  }

  get count(): number {
    return this.entries.length;
  }

  /** Length of all names and values. */
  get byteSize(): number {
    return this.entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  }

  /** The first of several equal ones. */
  get(name: string): string | undefined {
    const wanted = canonicalName(name);
    return this.entries.find(([key]) => key === wanted)?.[1];
  }

  /** All of that name, joined by commas. */
  joined(name: string): string | undefined {
    const wanted = canonicalName(name);
    const values = this.entries.filter(([key]) => key === wanted).map(([, value]) => value);
    return values.length === 0 ? undefined : values.join(",");
  }

  add(name: string, value: string): void {
    const key = canonicalName(name);
    const at = JOINED.has(key) ? this.entries.findIndex(([other]) => other === key) : -1;
    const present = this.entries[at];
    if (present !== undefined) {
      this.entries[at] = [key, `${present[1]},${value}`];
      return;
    }
    if (!key.startsWith(":")) {
      this.entries.push([key, value]);
      return;
    }
    const end = this.entries.findIndex(([other]) => !other.startsWith(":"));
    this.entries.splice(end < 0 ? this.entries.length : end, 0, [key, value]);
  }

  remove(name: string): void {
    const wanted = canonicalName(name);
    this.entries = this.entries.filter(([key]) => key !== wanted);
  }

  /** Instead of all that are there. */
  replace(name: string, value: string): void {
    this.remove(name);
    this.add(name, value);
  }

  /** Instead of everything. */
  set(headers: readonly Header[]): void {
    this.entries = [];
    for (const [name, value] of headers) this.add(name, value);
  }
}

/** Limits of what a host reads back. */
const MAX_PAIRS_BYTES = 1024 * 1024;
const MAX_PAIRS = 1024;

/** For each pair 8 bytes of lengths, and a NUL behind name and value. */
export const sizeOfPairs = (pairs: readonly Header[]): number =>
  pairs.reduce((sum, [name, value]) => sum + 10 + name.length + value.length, 4);

/**
 * Pairs on the wire, little endian:
 * | count u32 | { name length u32 | value length u32 } * count | { name 0x00 value 0x00 } * count |
 */
export function serialisePairs(pairs: readonly Header[]): Buffer {
  const bytes = Buffer.alloc(sizeOfPairs(pairs));
  bytes.writeUInt32LE(pairs.length, 0);
  let at = 4;
  for (const [name, value] of pairs) {
    bytes.writeUInt32LE(name.length, at);
    bytes.writeUInt32LE(value.length, at + 4);
    at += 8;
  }
  for (const [name, value] of pairs) {
    at += bytes.write(name, at, "latin1") + 1;
    at += bytes.write(value, at, "latin1") + 1;
  }
  return bytes;
}

/** What does not fit its own lengths to the byte is read as no pairs at all, without an error. */
export function parsePairs(bytes: Buffer): Header[] {
  if (bytes.length < 4 || bytes.length > MAX_PAIRS_BYTES) return [];
  const count = bytes.readUInt32LE(0);
  let at = 4 + 8 * count;
  if (count > MAX_PAIRS || at > bytes.length) return [];
  const pairs: Header[] = [];
  for (let i = 0; i < count; i++) {
    const nameEnd = at + bytes.readUInt32LE(4 + 8 * i);
    const valueEnd = nameEnd + 1 + bytes.readUInt32LE(8 + 8 * i);
    if (valueEnd >= bytes.length || bytes[nameEnd] !== 0 || bytes[valueEnd] !== 0) return [];
    pairs.push([bytes.toString("latin1", at, nameEnd), bytes.toString("latin1", nameEnd + 1, valueEnd)]);
    at = valueEnd + 1;
  }
  return at === bytes.length ? pairs : [];
}
