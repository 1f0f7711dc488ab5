/**
 * The host calls that the filter makes, as the Node host answers them (control/host), for one request at a time. What they answer is
 * held to that host again and again: twin.ts.
 */
import { randomBytes } from "node:crypto";
import { LOG_LEVELS, Status } from "../../control/host/abi.js";
import { type Header, parsePairs } from "../../control/host/headers.js";
import type { ReplyRequest } from "../../control/host/reply.js";
import type { MetricTable, SharedData } from "../../control/host/shared.js";
import type { LeanMemory } from "./lean-memory.js";

export const NODE_ID = "node-host";
const VM_ID = "glassgate";
const REFUSED = "glassgate: configuration refused: ";
const NS_PER_MS = 1_000_000n;

/** What the calls of one VM work on. */
export class LeanState {
  /** As the request has them: names in lower case, none twice. */
  headers: readonly Header[] = [];
  source = "";
  certificate: string | undefined;
  configuration: Buffer = Buffer.alloc(0);
  verdict = "";
  /** As bytes one a character; only where `keeps`. */
  audit = "";
  reply: ReplyRequest | undefined;
  /** The details of its reply; undefined: it went on. */
  details: string | undefined;
  /** Why the last configuration was refused. */
  refusal = "";

  constructor(
    readonly clock: { readonly milliseconds: number },
    readonly shared: SharedData,
    readonly metrics: MetricTable,
    /** Everything is kept of what the filter does, to be compared. */
    readonly keeps: boolean,
    /** The probes that were reached, of a filter that has some. */
    readonly reached: Set<number> = new Set(),
  ) {}

  header(name: string): string | undefined {
    for (const header of this.headers) if (header[0] === name) return header[1];
    return undefined;
  }

  remove(name: string): void {
    if (this.header(name) !== undefined) this.headers = this.headers.filter(([key]) => key !== name);
  }

  property(path: string): string | undefined {
    if (path === "source\0address") return this.source;
    if (path === "connection\0sha256_peer_certificate_digest") return this.certificate;
    if (path === "xds\0node\0id") return NODE_ID;
    return undefined;
  }

  setState(key: string, value: () => string): void {
    if (key === "glassgate.verdict") this.verdict = value();
    else if (key === "glassgate.audit") this.audit = this.keeps ? value() : "";
    else throw new Error(`filter state ${key}`);
  }
}

type Call = (...args: never[]) => number;

function requestCalls(state: LeanState, memory: () => LeanMemory): Readonly<Record<string, Call>> {
  const found = (isThere: boolean): Status => (isThere ? Status.Ok : Status.InvalidMemoryAccess);
  return {
    proxy_get_header_map_value: (_kind: number, name: number, nameLen: number, ptr: number, len: number) => {
      const value = state.header(memory().text(name, nameLen));
      return value === undefined ? Status.NotFound : found(memory().answer(value, ptr, len));
    },
    proxy_get_header_map_pairs: (_kind: number, ptr: number, len: number) =>
      found(memory().answerPairs(state.headers, ptr, len)),
    proxy_replace_header_map_value: (_kind: number, name: number, nameLen: number, ptr: number, len: number) => {
      const key = memory().text(name, nameLen);
      state.remove(key);
      state.headers = [...state.headers, [key, memory().text(ptr, len)]];
      return Status.Ok;
    },
    proxy_remove_header_map_value: (_kind: number, name: number, nameLen: number) => {
      state.remove(memory().text(name, nameLen));
      return Status.Ok;
    },
    proxy_get_property: (path: number, pathLen: number, ptr: number, len: number) => {
      const value = state.property(memory().text(path, pathLen));
      return value === undefined ? Status.NotFound : found(memory().answer(value, ptr, len));
    },
    proxy_set_property: (path: number, pathLen: number, ptr: number, len: number) => {
      state.setState(memory().text(path, pathLen), () => memory().text(ptr, len));
      return Status.Ok;
    },
    proxy_send_local_response: (
      status: number,
      details: number,
      detailsLen: number,
      body: number,
      bodyLen: number,
      headers: number,
      headersLen: number,
      grpcStatus: number,
    ) => {
      state.details = memory().text(details, detailsLen);
      if (!state.keeps) return Status.Ok;
      const pairs = parsePairs(memory().bytes(headers, headersLen));
      state.reply = { status, details: state.details, body: memory().bytes(body, bodyLen), headers: pairs, grpcStatus };
      return Status.Ok;
    },
  };
}

function vmCalls(state: LeanState, memory: () => LeanMemory): Readonly<Record<string, Call>> {
  const { shared, metrics } = state;
  return {
    proxy_log: (level: number, ptr: number, len: number) => {
      // No level of a log line: scripts/instrument/probe.mjs.
      if (level >= LOG_LEVELS.length) state.reached.add(ptr);
      else {
        const line = memory().text(ptr, len);
        if (line.startsWith(REFUSED)) state.refusal = line.slice(REFUSED.length);
      }
      return Status.Ok;
    },
    proxy_get_current_time_nanoseconds: (out: number) => {
      memory().u64(out, BigInt(state.clock.milliseconds) * NS_PER_MS);
      return Status.Ok;
    },
    proxy_set_tick_period_milliseconds: () => Status.Ok,
    proxy_get_buffer_bytes: (_kind: number, start: number, max: number, ptr: number, len: number) => {
      const bytes = state.configuration.subarray(start, start + max);
      return memory().answerBytes(bytes, ptr, len) ? Status.Ok : Status.InvalidMemoryAccess;
    },
    proxy_get_shared_data: (key: number, keyLen: number, ptr: number, len: number, cas: number) => {
      const entry = shared.get(VM_ID, memory().text(key, keyLen));
      if (entry === undefined) return Status.NotFound;
      if (!memory().answerBytes(entry.value, ptr, len)) return Status.InvalidMemoryAccess;
      memory().u32(cas, entry.cas);
      return Status.Ok;
    },
    proxy_set_shared_data: (key: number, keyLen: number, ptr: number, len: number, cas: number) =>
      shared.set(VM_ID, memory().text(key, keyLen), memory().bytes(ptr, len), cas >>> 0),
    proxy_define_metric: (kind: number, name: number, nameLen: number, out: number) => {
      const id = metrics.define(kind, memory().text(name, nameLen));
      if (id === undefined) return Status.BadArgument;
      memory().u32(out, id);
      return Status.Ok;
    },
    proxy_increment_metric: (id: number, by: bigint) => metrics.increment(id >>> 0, by),
    proxy_record_metric: (id: number, value: bigint) => metrics.record(id >>> 0, value),
    // No stream stays open here.
    proxy_set_effective_context: (id: number) => {
      throw new Error(`the filter turns to the context ${id}`);
    },
    // No ledger either, and so nothing that waits for one.
    proxy_http_call: () => Status.BadArgument,
    proxy_continue_stream: (kind: number) => {
      throw new Error(`the filter lets a stream go on: ${kind}`);
    },
    random_get: (ptr: number, len: number) => {
      memory().write(ptr, randomBytes(len >>> 0));
      return 0;
    },
  };
}

export const leanCalls = (state: LeanState, memory: () => LeanMemory): Readonly<Record<string, Call>> => ({
  ...requestCalls(state, memory),
  ...vmCalls(state, memory),
});
