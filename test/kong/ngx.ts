/**
 * As much of ngx_wasm_module as the Kong build may call, and not a call more: whatever else it asks for fails the test. Calls are
 * answered as that module does, its own traps included.
 */
import { readFileSync } from "node:fs";
import { type ImportEntry, readModule } from "../../control/host/module.js";

export type Line = readonly [name: string, value: string];

export interface Reply {
  readonly status: number;
  readonly reason: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Sent {
  readonly lines?: readonly Line[];
  readonly method?: string;
  /** As sent. */
  readonly path?: string;
  /** As nginx has decoded it; by default so. */
  readonly uri?: string;
  readonly source?: string;
  readonly requestId?: string;
}

export interface Seen {
  readonly reply: Reply | undefined;
  readonly action: number;
  /** What the upstream gets: a removed header is still among them. */
  readonly upstream: readonly Line[];
  /** `kong.ctx.shared`. */
  readonly shared: ReadonlyMap<string, string>;
  /** Up to the decision, and behind it. */
  readonly calls: readonly string[];
  readonly later: readonly string[];
}

const OK = 0;
const NOT_FOUND = 1;
const INTERNAL_FAILURE = 10;
const MAX_PAIRS = 100;
const WASM = new URL("../../build/glassgate-kong.wasm", import.meta.url);
export interface Filter {
  readonly module: WebAssembly.Module;
  readonly imports: readonly ImportEntry[];
}
export function kongFilter(): Filter {
  const bytes = readFileSync(WASM);
  return { module: new WebAssembly.Module(bytes), imports: readModule(bytes).imports };
}

type Call = (...args: number[]) => number;

interface Request {
  readonly sent: Sent;
  readonly lines: { name: string; value: string; isRemoved: boolean }[];
  readonly shared: Map<string, string>;
  reply: Reply | undefined;
}

function decoded(path: string): string {
  const [before = "", ...after] = path.split("?");
  const uri = Buffer.from(decodeURIComponent(before)).toString("latin1");
  return after.length === 0 ? uri : `${uri}?${after.join("?")}`;
}

/** One worker's instance of the filter. */
export class Ngx {
  /** Milliseconds since 1970. */
  now = Date.now();
  readonly log: string[] = [];
  /** A header or a property that it does not take. */
  refuses: string | undefined;
  private exports: Record<string, unknown> = {};
  private request: Request | undefined;
  private configuration = Buffer.alloc(0);
  private calls: string[] = [];
  private lastId = 1000;
  private isConfiguring = false;

  constructor(private readonly filter: Filter) {
    this.instantiate();
  }

  private instantiate(): void {
    const table = this.hostCalls();
    const imports: Record<string, Record<string, Call>> = {};
    for (const { module, name } of this.filter.imports) {
      const call = table[name];
      if (call === undefined) throw new Error(`the filter imports ${name}`);
      imports[module] = {
        ...imports[module],
        [name]: (...args) => {
          this.calls.push(name);
          return call(...args);
        },
      };
    }
    this.exports = new WebAssembly.Instance(this.filter.module, imports).exports;
    this.calls = [];
    this.call("_initialize");
    if (this.calls.length > 0) throw new Error(`the filter calls ${this.calls.join(", ")} before it may: nginx dies`);
  }

  private call(name: string, ...args: number[]): number {
    const callee = this.exports[name];
    if (typeof callee !== "function") throw new Error(`the filter does not export ${name}`);
    const result: unknown = callee(...args);
    return typeof result === "number" ? result : 0;
  }

  private get bytes(): Buffer {
    const { memory } = this.exports;
    if (!(memory instanceof WebAssembly.Memory)) throw new Error("the filter does not export its memory");
    return Buffer.from(memory.buffer);
  }

  private text(ptr: number, len: number): string {
    return this.bytes.toString("latin1", ptr, ptr + len);
  }

  private give(value: Buffer, ptr: number, len: number): number {
    const at = this.call("malloc", value.length) >>> 0;
    if (at === 0) return INTERNAL_FAILURE;
    value.copy(this.bytes, at);
    this.bytes.writeUInt32LE(at, ptr);
    this.bytes.writeUInt32LE(value.length, len);
    return OK;
  }

  private current(): Request {
    if (this.request === undefined || this.isConfiguring) throw new Error("headers outside of a request: nginx dies");
    return this.request;
  }

  /** Bytes of linear memory. */
  get memory(): number {
    return this.bytes.length;
  }

  private special(name: string): string | undefined {
    const { sent } = this.current();
    const { path = "/", method = "GET" } = sent;
    return new Map([
      [":path", sent.uri ?? decoded(path)],
      [":method", method],
      [":scheme", "http"],
      [":authority", "kong"],
    ]).get(name);
  }

  private pairs(): Buffer {
    const special = [":path", ":method", ":scheme", ":authority"].map((name): Line => [name, this.special(name) ?? ""]);
    const all = [
      ...special,
      ...this.current()
        .lines.filter(({ isRemoved }) => !isRemoved)
        .map(({ name, value }): Line => [name, value]),
    ];
    const cut = all.slice(0, MAX_PAIRS).map((pair) => pair.map((text) => Buffer.from(text, "latin1")));
    const head = Buffer.alloc(4 + cut.length * 8);
    head.writeUInt32LE(cut.length);
    for (const [i, [name, value]] of cut.entries()) {
      head.writeUInt32LE(name?.length ?? 0, 4 + i * 8);
      head.writeUInt32LE(value?.length ?? 0, 8 + i * 8);
    }
    const nul = Buffer.from([0]);
    return Buffer.concat([head, ...cut.flat().flatMap((bytes) => [bytes, nul])]);
  }

  private readPairs(ptr: number, len: number): Record<string, string> {
    const map = this.bytes.subarray(ptr, ptr + len);
    const count = len === 0 ? 0 : map.readUInt32LE(0);
    let at = 4 + count * 8;
    const found: Record<string, string> = {};
    for (let i = 0; i < count; i++) {
      const [nameLen, valueLen] = [map.readUInt32LE(4 + i * 8), map.readUInt32LE(8 + i * 8)];
      found[map.toString("latin1", at, at + nameLen)] = map.toString(
        "latin1",
        at + nameLen + 1,
        at + nameLen + 1 + valueLen,
      );
      at += nameLen + valueLen + 2;
    }
    return found;
  }

  private property(name: string): string | undefined {
    const { sent } = this.current();
    return new Map([
      ["request.path", sent.path ?? "/"],
      ["source.address", sent.source ?? "192.0.2.1"],
      ["kong.node.id", "node-1"],
      ...(sent.requestId === undefined ? [] : [["ngx.kong_request_id", sent.requestId] as const]),
    ]).get(name);
  }

  private hostCalls(): Record<string, Call> {
    const path = (ptr: number, len: number): string => this.text(ptr, len).replaceAll("\0", ".");
    return {
      random_get: (ptr = 0, len = 0) => {
        for (let i = 0; i < len; i++) this.bytes[ptr + i] = Math.floor(Math.random() * 256);
        return OK;
      },
      proxy_log: (_level = 0, ptr = 0, len = 0) => {
        this.log.push(this.text(ptr, len));
        return OK;
      },
      proxy_get_current_time_nanoseconds: (out = 0) => {
        // In whole milliseconds.
        this.bytes.writeBigUInt64LE(BigInt(Math.floor(this.now)) * 1_000_000n, out);
        return OK;
      },
      proxy_get_buffer_bytes: (kind = 0, _start = 0, max = 0, ptr = 0, len = 0) => {
        if (kind !== 7) throw new Error(`buffer ${kind}`);
        return this.give(this.configuration.subarray(0, max), ptr, len);
      },
      proxy_get_header_map_value: (map = 0, name = 0, nameLen = 0, ptr = 0, len = 0) => {
        if (map !== 0) throw new Error(`map ${map}`);
        const key = this.text(name, nameLen).toLowerCase();
        const line = this.current().lines.find((line) => line.name.toLowerCase() === key);
        const value = this.special(key) ?? line?.value;
        return value === undefined ? NOT_FOUND : this.give(Buffer.from(value, "latin1"), ptr, len);
      },
      proxy_get_header_map_pairs: (map = 0, ptr = 0, len = 0) => {
        if (map !== 0) throw new Error(`map ${map}`);
        return this.give(this.pairs(), ptr, len);
      },
      proxy_replace_header_map_value: (map = 0, name = 0, nameLen = 0, value = 0, valueLen = 0) => {
        if (map !== 0) throw new Error(`map ${map}`);
        const key = this.text(name, nameLen);
        const text = this.text(value, valueLen);
        const { lines } = this.current();
        if (key === this.refuses) return INTERNAL_FAILURE;
        const same = lines.filter((line) => line.name.toLowerCase() === key.toLowerCase());
        const [first, ...others] = same;
        if (first === undefined) lines.push({ name: key, value: text, isRemoved: false });
        else Object.assign(first, { name: key, value: text });
        // Hidden from filters; the upstream gets them as they came.
        for (const line of others) line.isRemoved = true;
        return OK;
      },
      proxy_get_property: (name = 0, nameLen = 0, ptr = 0, len = 0) => {
        const value = this.property(path(name, nameLen));
        return value === undefined ? NOT_FOUND : this.give(Buffer.from(value, "latin1"), ptr, len);
      },
      proxy_set_property: (name = 0, nameLen = 0, ptr = 0, len = 0) => {
        const key = /^kong\.ctx\.shared\.(.+)$/.exec(path(name, nameLen))?.[1];
        if (key === undefined) throw new Error(`trap: set ${path(name, nameLen)}`);
        if (key === this.refuses) return INTERNAL_FAILURE;
        this.current().shared.set(key, this.text(ptr, len));
        return OK;
      },
      proxy_send_local_response: (
        status = 0,
        reason = 0,
        reasonLen = 0,
        body = 0,
        bodyLen = 0,
        headers = 0,
        headersLen = 0,
        grpc = 0,
      ) => {
        const request = this.current();
        if (request.reply !== undefined) throw new Error("trap: local response already stashed");
        if (grpc !== -1) throw new Error("a gRPC status");
        request.reply = {
          status,
          reason: this.text(reason, reasonLen),
          body: this.text(body, bodyLen),
          headers: this.readPairs(headers, headersLen),
        };
        return OK;
      },
    };
  }

  /** A worker starts, or a chain is loaded: `on_vm_start` comes with a root context of its own module. Its answers. */
  configure(text: string, root = 7): number {
    this.configuration = Buffer.from(text, "latin1");
    this.isConfiguring = true;
    this.calls = [];
    this.call("proxy_on_context_create", root, 0);
    const started = this.call("proxy_on_vm_start", root, 0);
    const configured = this.call("proxy_on_configure", root, this.configuration.length);
    this.isConfiguring = false;
    return started === 1 ? configured : -1;
  }

  /** After a trap: a new instance, which gets no `on_vm_start`. */
  replaceInstance(text: string, root = 7): number {
    this.instantiate();
    this.configuration = Buffer.from(text, "latin1");
    this.isConfiguring = true;
    this.call("proxy_on_context_create", root, 0);
    const configured = this.call("proxy_on_configure", root, this.configuration.length);
    this.isConfiguring = false;
    return configured;
  }

  /** The response and the end of a stream that began in an instance before this one. */
  endStranger(id: number): void {
    this.call("proxy_on_response_headers", id, 3, 0);
    this.call("proxy_on_response_body", id, 0, 1);
    this.call("proxy_on_done", id);
    this.call("proxy_on_log", id);
    this.call("proxy_on_delete", id);
  }

  /** One request from its headers to its log line. @param root 0: a stream of a root context that this instance does not know */
  send(sent: Sent, root = 7): Seen {
    const id = ++this.lastId;
    const lines = (sent.lines ?? []).map(([name, value]) => ({ name, value, isRemoved: false }));
    const request: Request = { sent, lines, shared: new Map(), reply: undefined };
    this.request = request;
    this.calls = [];
    this.call("proxy_on_context_create", id, root);
    const action = this.call("proxy_on_request_headers", id, lines.length, 0);
    const calls = [...this.calls];
    const upstream = request.lines.map(({ name, value }): Line => [name, value]);
    this.call("proxy_on_response_headers", id, 3, 0);
    this.call("proxy_on_response_body", id, 0, 1);
    this.call("proxy_on_done", id);
    this.call("proxy_on_log", id);
    this.call("proxy_on_delete", id);
    this.request = undefined;
    return {
      reply: request.reply,
      action,
      upstream,
      shared: request.shared,
      calls,
      later: this.calls.slice(calls.length),
    };
  }
}
