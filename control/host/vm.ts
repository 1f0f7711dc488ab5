/**
 * One VM: an instance of the filter with the host calls that Envoy offers it (Proxy-Wasm 0.2.1). A trap ends it for every
 * plugin in it, as in Envoy. No pointer of the guest's makes the host throw: it gets InvalidMemoryAccess.
 */
import { UserError } from "../base/errors.js";
import { parse, serialise } from "./pairs.js";
import type { Metrics, SharedData } from "./shared.js";
import type { Stream } from "./stream.js";

/** Status codes of host calls. */
const enum Status {
  Ok = 0,
  NotFound = 1,
  BadArgument = 2,
  InvalidMemoryAccess = 6,
  CasMismatch = 8,
}

type Callback = (...args: number[]) => number | undefined;
function isCallback(value: unknown): value is Callback {
  return typeof value === "function";
}

/** The VM has trapped. Envoy answers 503 from then on. */
export class Trap extends Error {}
class OutOfBounds extends Error {}

export interface VmEnvironment {
  readonly vmId: string;
  readonly shared: SharedData;
  readonly metrics: Metrics;
  /** Nanoseconds since 1970. */
  readonly clock: () => bigint;
  readonly log: (level: number, text: string) => void;
  readonly nodeId: string;
}

const REQUEST_HEADERS = 0;
const PLUGIN_CONFIGURATION = 7;

export class Vm {
  private readonly instance: WebAssembly.Instance;
  private readonly memory: WebAssembly.Memory;
  private readonly allocate: Callback;
  private started = false;
  private dead = false;
  /** What host calls refer to while a callback runs. */
  private stream: Stream | undefined;
  private configuration: Buffer = Buffer.alloc(0);
  /** Host calls made, by name: tests count the hot path's. */
  readonly calls = new Map<string, number>();

  constructor(
    module: WebAssembly.Module,
    private readonly environment: VmEnvironment,
  ) {
    const table = this.hostCalls();
    const env: Record<string, (...args: never[]) => number> = {};
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
      const call = table[name];
      if (from !== "env" || kind !== "function" || call === undefined) {
        throw new UserError(`The filter imports ${from}.${name} (${kind}), which no gateway offers.`, { hint: "Build it with `npm run build`." });
      }
      env[name] = this.guarded(name, call);
    }
    this.instance = new WebAssembly.Instance(module, { env });
    const { memory, malloc, proxy_on_memory_allocate: onAllocate, proxy_abi_version_0_2_1: abi } = this.instance.exports;
    const allocate = malloc ?? onAllocate;
    if (!(memory instanceof WebAssembly.Memory) || !isCallback(allocate) || !isCallback(abi)) {
      throw new UserError("This is no Proxy-Wasm 0.2.1 filter: memory, allocator or ABI marker is missing.");
    }
    this.memory = memory;
    this.allocate = allocate;
    this.call("_initialize");
    this.started = true;
  }

  get isDead(): boolean {
    return this.dead;
  }

  /** Bytes of linear memory. */
  get memoryBytes(): number {
    return this.memory.buffer.byteLength;
  }

  /** Calls an export if it is there; a trap kills the VM. */
  call(name: string, args: readonly number[] = [], scope: { stream?: Stream; configuration?: Buffer } = {}): number | undefined {
    if (this.dead) throw new Trap("the VM is dead");
    const callback = this.instance.exports[name];
    if (callback === undefined) return undefined;
    if (!isCallback(callback)) throw new UserError(`The filter's export ${name} is no function.`);
    const before = { stream: this.stream, configuration: this.configuration };
    this.stream = scope.stream;
    this.configuration = scope.configuration ?? Buffer.alloc(0);
    try {
      return callback(...args);
    } catch (error) {
      this.dead = true;
      throw new Trap(`the filter trapped in ${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    } finally {
      this.stream = before.stream;
      this.configuration = before.configuration;
    }
  }

  /** Copies bytes to where the guest's allocator says; 0 when it refuses. For the tool exports. */
  put(bytes: Uint8Array): number {
    const ptr = (this.allocate(bytes.length) ?? 0) >>> 0;
    if (ptr !== 0) Buffer.from(this.memory.buffer).set(bytes, ptr);
    return ptr;
  }

  /** A copy of guest memory. */
  bytes(ptr: number, length: number): Buffer {
    const memory = Buffer.from(this.memory.buffer);
    const start = ptr >>> 0;
    const size = length >>> 0;
    if (start + size > memory.length) throw new OutOfBounds();
    return Buffer.from(memory.subarray(start, start + size));
  }

  private text(ptr: number, length: number): string {
    return this.bytes(ptr, length).toString("latin1");
  }

  private writeU32(ptr: number, value: number): void {
    const memory = Buffer.from(this.memory.buffer);
    if ((ptr >>> 0) + 4 > memory.length) throw new OutOfBounds();
    memory.writeUInt32LE(value >>> 0, ptr >>> 0);
  }

  /** Hands a value to the guest: the guest owns the buffer. An allocator that refuses is InvalidMemoryAccess; the VM lives. */
  private answer(value: Buffer, ptrOut: number, lengthOut: number): Status {
    let ptr = 0;
    if (value.length > 0) {
      ptr = this.put(value);
      if (ptr === 0) return Status.InvalidMemoryAccess;
    }
    this.writeU32(ptrOut, ptr);
    this.writeU32(lengthOut, value.length);
    return Status.Ok;
  }

  private guarded(name: string, call: (...args: never[]) => number): (...args: never[]) => number {
    return (...args) => {
      // Envoy has no memory pointer yet while the module's start function runs.
      if (!this.started) throw new Error(`host call ${name} during _initialize`);
      this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
      try {
        return call(...args);
      } catch (error) {
        if (error instanceof OutOfBounds) return Status.InvalidMemoryAccess;
        throw error;
      }
    };
  }

  private property(path: string): string | undefined {
    if (path === "xds\0node\0id") return this.environment.nodeId;
    const own = /^filter_state\0(wasm\..+)$/.exec(path)?.[1];
    return own === undefined ? this.stream?.properties.get(path.replaceAll("\0", ".")) : this.stream?.filterState.get(own);
  }

  private headerCalls(): Record<string, (...args: never[]) => number> {
    const withStream = (map: number, then: (stream: Stream) => Status): Status => {
      if (map !== REQUEST_HEADERS || this.stream === undefined) return Status.BadArgument;
      return then(this.stream);
    };
    return {
      proxy_get_header_map_value: (map: number, name: number, nameLen: number, ptr: number, len: number) =>
        withStream(map, (stream) => {
          const value = stream.get(this.text(name, nameLen));
          return value === undefined ? Status.NotFound : this.answer(Buffer.from(value, "latin1"), ptr, len);
        }),
      proxy_get_header_map_pairs: (map: number, ptr: number, len: number) =>
        withStream(map, (stream) => this.answer(serialise(stream.headers), ptr, len)),
      proxy_replace_header_map_value: (map: number, name: number, nameLen: number, value: number, valueLen: number) =>
        withStream(map, (stream) => {
          stream.set(this.text(name, nameLen), this.text(value, valueLen));
          return Status.Ok;
        }),
      proxy_remove_header_map_value: (map: number, name: number, nameLen: number) =>
        withStream(map, (stream) => {
          stream.remove(this.text(name, nameLen));
          return Status.Ok;
        }),
      proxy_send_local_response: (
        status: number,
        details: number,
        detailsLen: number,
        body: number,
        bodyLen: number,
        headers: number,
        headersLen: number,
        _grpc: number,
      ) => {
        const pairs = parse(this.bytes(headers, headersLen));
        if (pairs === undefined || this.stream === undefined) return Status.BadArgument;
        this.stream.reply ??= {
          status,
          details: this.text(details, detailsLen).replaceAll(/\s/g, "_"),
          headers: pairs,
          body: this.text(body, bodyLen),
        };
        return Status.Ok;
      },
    };
  }

  private sharedCalls(): Record<string, (...args: never[]) => number> {
    const { shared, vmId, metrics } = this.environment;
    return {
      proxy_get_shared_data: (key: number, keyLen: number, ptr: number, len: number, cas: number) => {
        const entry = shared.get(vmId, this.text(key, keyLen));
        if (entry === undefined) return Status.NotFound;
        this.writeU32(cas, entry.cas);
        return this.answer(entry.value, ptr, len);
      },
      proxy_set_shared_data: (key: number, keyLen: number, ptr: number, len: number, cas: number) =>
        shared.set(vmId, this.text(key, keyLen), this.bytes(ptr, len), cas >>> 0) ? Status.Ok : Status.CasMismatch,
      proxy_define_metric: (kind: number, name: number, nameLen: number, id: number) => {
        if (kind < 0 || kind > 2) return Status.BadArgument;
        this.writeU32(id, metrics.define(kind, this.text(name, nameLen)));
        return Status.Ok;
      },
      proxy_increment_metric: (id: number, by: bigint) => {
        const metric = metrics.get(id);
        if (metric === undefined) return Status.NotFound;
        metric.value += by;
        return Status.Ok;
      },
      proxy_record_metric: (id: number, value: bigint) => {
        const metric = metrics.get(id);
        if (metric === undefined) return Status.NotFound;
        metric.value = value;
        return Status.Ok;
      },
    };
  }

  private hostCalls(): Record<string, (...args: never[]) => number> {
    return {
      ...this.headerCalls(),
      ...this.sharedCalls(),
      proxy_log: (level: number, ptr: number, len: number) => {
        this.environment.log(level, this.text(ptr, len));
        return Status.Ok;
      },
      proxy_get_current_time_nanoseconds: (out: number) => {
        const nanoseconds = this.environment.clock();
        this.writeU32(out, Number(nanoseconds & 0xffffffffn));
        this.writeU32(out + 4, Number(nanoseconds >> 32n));
        return Status.Ok;
      },
      proxy_get_property: (path: number, pathLen: number, ptr: number, len: number) => {
        const value = this.property(this.text(path, pathLen));
        return value === undefined ? Status.NotFound : this.answer(Buffer.from(value, "latin1"), ptr, len);
      },
      proxy_set_property: (path: number, pathLen: number, ptr: number, len: number) => {
        this.stream?.filterState.set(`wasm.${this.text(path, pathLen)}`, this.text(ptr, len));
        return this.stream === undefined ? Status.BadArgument : Status.Ok;
      },
      proxy_get_buffer_bytes: (kind: number, start: number, max: number, ptr: number, len: number) => {
        if (kind !== PLUGIN_CONFIGURATION) return Status.BadArgument;
        const from = start >>> 0;
        if (from > this.configuration.length) return Status.BadArgument;
        return this.answer(this.configuration.subarray(from, from + (max >>> 0)), ptr, len);
      },
    };
  }
}
