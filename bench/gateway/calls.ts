/**
 * What host calls cost: a filter that makes the calls which its configuration lists, and nothing else. With those of an allowed
 * grant it is the floor of any filter that decides the same: what no faster check can save.
 */

import type { Headers } from "../load/client.js";
import { compile } from "./compile.js";

/** What is called, and its one or two texts. */
type Call =
  | readonly ["pairs" | "now" | "source"]
  | readonly ["get" | "remove", string]
  | readonly ["state" | "replace", string, string];

const KINDS = ["pairs", "now", "source", "get", "remove", "state", "replace"] as const;

const SOURCE = `
@external("env", "proxy_get_buffer_bytes")
declare function getBuffer(kind: i32, start: i32, length: i32, ptr: usize, size: usize): i32;
@external("env", "proxy_get_header_map_pairs")
declare function getPairs(map: i32, ptr: usize, size: usize): i32;
@external("env", "proxy_get_current_time_nanoseconds")
declare function getTime(out: usize): i32;
@external("env", "proxy_get_property")
declare function getProperty(path: usize, length: i32, ptr: usize, size: usize): i32;
@external("env", "proxy_get_header_map_value")
declare function getHeader(map: i32, name: usize, length: i32, ptr: usize, size: usize): i32;
@external("env", "proxy_remove_header_map_value")
declare function removeHeader(map: i32, name: usize, length: i32): i32;
@external("env", "proxy_set_property")
declare function setProperty(path: usize, length: i32, value: usize, size: i32): i32;
@external("env", "proxy_replace_header_map_value")
declare function replaceHeader(map: i32, name: usize, length: i32, value: usize, size: i32): i32;

const answer: usize = memory.data(16, 16);
const address: usize = memory.data<u8>([115, 111, 117, 114, 99, 101, 0, 97, 100, 100, 114, 101, 115, 115]);
/** | kind | text | its length | second text | its length |, as u32. */
const CALL: usize = 20;
const calls: usize = memory.data(20480, 16);
let end: usize = calls;
/** | root | first call | behind the last |, as u32. */
const roots: usize = memory.data(3072, 16);
let rootCount: usize = 0;
/** The first and the last call of a stream, by its id's low bits. */
const streams: usize = memory.data(32768, 16);
const kept: usize = memory.data(262144, 16);
let keptEnd: usize = kept;

export function proxy_on_configure(root: u32, size: u32): u32 {
  if (getBuffer(7, 0, size, answer, answer + 4) != 0) return 0;
  const text = keptEnd;
  memory.copy(text, load<u32>(answer), size);
  keptEnd += size;
  const entry = roots + rootCount++ * 12;
  store<u32>(entry, root);
  store<u32>(entry, end, 4);
  let place: usize = 4;
  for (let at = text; at < text + size; at++) {
    const c = load<u8>(at);
    if (c == 30) {
      end += CALL;
      place = 4;
    } else if (c == 9) {
      store<u32>(end + place, at + 1);
      place += 8;
    } else if (place == 4) store<u32>(end, c - 97);
    else store<u32>(end + place - 4, load<u32>(end + place - 4) + 1);
  }
  store<u32>(entry, end, 8);
  return 1;
}

export function proxy_on_context_create(context: u32, root: u32): void {
  for (let i: usize = 0; i < rootCount; i++) {
    const entry = roots + i * 12;
    if (load<u32>(entry) == root) store<u64>(streams + ((<usize>context & 4095) << 3), load<u64>(entry, 4));
  }
}

export function proxy_on_request_headers(context: u32, headers: u32, isEnd: u32): i32 {
  top = arena;
  const stream = streams + ((<usize>context & 4095) << 3);
  const last = load<u32>(stream, 4);
  for (let call = load<u32>(stream); call < last; call += CALL) {
    const a = load<u32>(call, 4);
    const aLen = load<i32>(call, 8);
    const b = load<u32>(call, 12);
    const bLen = load<i32>(call, 16);
    switch (load<u32>(call)) {
      case 0: { getPairs(0, answer, answer + 4); break; }
      case 1: { getTime(answer); break; }
      case 2: { getProperty(address, 14, answer, answer + 4); break; }
      case 3: { getHeader(0, a, aLen, answer, answer + 4); break; }
      case 4: { removeHeader(0, a, aLen); break; }
      case 5: { setProperty(a, aLen, b, bLen); break; }
      default: { replaceHeader(0, a, aLen, b, bLen); break; }
    }
  }
  return 0;
}

export function proxy_on_delete(context: u32): void {}
`;

export const compileCallsFilter = (): Promise<Uint8Array> => compile("calls", SOURCE);

/** The plugin configuration: a tab before each text, RS (30) behind each call. Texts hold neither. */
export const callsConfiguration = (calls: readonly Call[]): string =>
  calls
    .map(([kind, ...texts]) => [String.fromCharCode(97 + KINDS.indexOf(kind)), ...texts].join("\t"))
    .map((call) => `${call}\x1e`)
    .join("");

/** What the release filter wrote for one allowed request. */
export interface Sample {
  /** The lines for the audit log: the record and, where the grant was new, its evidence. */
  readonly audit: string;
  readonly attestation: string;
}

/** The calls of an allowed request, in the filter's order: those that test/verdicts/host-calls.test.ts finds. */
const allowed = ({ audit, attestation }: Sample): readonly Call[] => [
  ["get", "x-break-glass"],
  ["now"],
  ["pairs"],
  ["source"],
  ["state", "glassgate.audit", audit],
  ["state", "glassgate.verdict", "allow"],
  ["remove", "x-break-glass"],
  ["replace", "x-break-glass-grant", attestation],
];

export interface CallSet {
  readonly id: string;
  readonly name: string;
  readonly calls: readonly Call[];
  readonly headers: Headers;
}

/** Each listed alone on top of the thin filter's callbacks, and all together. */
export function callSets(cached: Sample, fresh: Sample, grant: string): readonly CallSet[] {
  const reads = [":method", ":path", ":authority", "x-request-id", "x-break-glass-grant"];
  const set = (id: string, name: string, calls: readonly Call[], headers: Headers = {}): CallSet => ({
    id: `calls-${id}`,
    name,
    calls,
    headers,
  });
  const withGrant = { "x-break-glass": grant };
  return [
    set("get", "one header read", [["get", "x-break-glass"]]),
    set("two-gets", "two header reads: all that a request without a grant costs directly in the chain", [
      ["get", "x-break-glass"],
      ["get", "x-break-glass-grant"],
    ]),
    set(
      "reads",
      "five header reads",
      reads.map((name) => ["get", name]),
    ),
    set("pairs", "all headers at once", [["pairs"]]),
    set("now", "the clock", [["now"]]),
    set("source", "property source.address", [["source"]]),
    set("verdict", "the verdict into the filter state", [["state", "glassgate.verdict", "allow"]]),
    set("record", "the record into the filter state, and logged", [["state", "glassgate.audit", cached.audit]]),
    set("unlogged", "the record into the filter state, where no log reads it", [
      ["state", "glassgate.unlogged", cached.audit],
    ]),
    set("remove", "one header removed", [["remove", "x-request-id"]]),
    set("floor-cached", "all calls of a cached grant, nothing checked", allowed(cached), withGrant),
    set("floor-new", "all calls of a new grant, nothing checked", allowed(fresh), withGrant),
  ];
}
