/** The host calls of ngx_wasm_module. What it does not know, or not now, is a trap and not a status. */
import { randomBytes } from "node:crypto";
import { BufferKind, LOG_LEVELS, Status } from "../abi.js";
import { OutOfBounds } from "../guest.js";
import { type HostCall, type HostCalls, HostTrap } from "../instance.js";
import { NOT_IMPLEMENTED } from "./abi.js";
import { WorkerDied } from "./died.js";
import { headerCalls } from "./header-calls.js";
import type { NgxContext, NgxInstance } from "./instance.js";
import { propertyCalls } from "./property-calls.js";
import { sharedCalls } from "./shared-calls.js";
import type { NgxStream } from "./stream.js";

/** What a bad usage is answered with. */
export function trap(reason: string): never {
  throw new HostTrap(`host trap (bad usage): ${reason}`);
}

/** Calls about a request, made for a root context, read through a null pointer. */
export function streamOf(context: NgxContext, call: string): NgxStream {
  if (context.stream === undefined) throw new WorkerDied(`${call} outside of a request`);
  return context.stream;
}

const isBodyReadable = ({ step }: NgxStream): boolean => step === "request" || step === "log";

/** There are no bodies here, and no answers to callouts. */
function bufferOf({ filter, stream }: NgxContext, kind: number): Buffer | Status {
  switch (kind) {
    case BufferKind.VmConfiguration:
      return Buffer.alloc(0);
    case BufferKind.PluginConfiguration:
      return filter?.configuration ?? Buffer.alloc(0);
    case BufferKind.RequestBody:
      return stream !== undefined && isBodyReadable(stream)
        ? Status.NotFound
        : trap("can only get request body during on_request_body, on_log");
    case BufferKind.ResponseBody:
      return stream?.step === "response body"
        ? Status.NotFound
        : trap("can only get response body during on_response_body");
    case BufferKind.HttpCallResponseBody:
      return stream?.step === "log"
        ? Status.BadArgument
        : trap("can only get dispatch response body during on_http_dispatch_response");
    default:
      return Status.BadArgument;
  }
}

function vmCalls(vm: NgxInstance): HostCalls {
  const { memory } = vm;
  return {
    proxy_log: (level: number, ptr: number, len: number) => {
      const text = memory.bytes(ptr, len).toString("utf8");
      const name = LOG_LEVELS[level];
      if (name === undefined) return Status.BadArgument;
      vm.log(name, text);
      return Status.Ok;
    },
    proxy_get_current_time_nanoseconds: (out: number) => {
      memory.u64(out, vm.environment.process.clock());
      return Status.Ok;
    },
    // It says Ok to whatever id, and the context stays the callback's.
    proxy_set_effective_context: () => Status.Ok,
    proxy_set_tick_period_milliseconds: (milliseconds: number) => {
      const { context } = vm;
      if (context.filter === undefined || context.stream !== undefined)
        trap("can only set tick_period in root context");
      const period = milliseconds >>> 0;
      if (period > 0 && context.tickMilliseconds > 0) trap("tick_period already set");
      context.tickMilliseconds = period;
      if (period > 0) vm.onTimer(context.filter);
      return Status.Ok;
    },
    // `start` is not used: the bytes are always the first ones. Nothing is written where there is nothing.
    proxy_get_buffer_bytes: (kind: number, _start: number, max: number, ptr: number, len: number) => {
      vm.out(ptr);
      vm.out(len);
      const buffer = bufferOf(vm.context, kind);
      if (typeof buffer === "number") return buffer;
      const bytes = buffer.subarray(0, max >>> 0);
      return bytes.length === 0 ? Status.Ok : vm.give(bytes, ptr, len);
    },
    proxy_set_buffer_bytes: (kind: number, _start: number, _length: number, ptr: number, len: number) => {
      memory.bytes(ptr, len);
      const { stream } = vm.context;
      if (kind === BufferKind.RequestBody)
        return stream?.step === "request" ? Status.Ok : trap("can only set request body during on_request_body");
      if (kind === BufferKind.ResponseBody)
        return stream?.step === "response body"
          ? Status.Ok
          : trap("can only set response body during on_response_body");
      return Status.BadArgument;
    },
    proxy_call_foreign_function: (
      name: number,
      nameLen: number,
      args: number,
      argsLen: number,
      ptr: number,
      len: number,
    ) => {
      memory.bytes(name, nameLen);
      memory.bytes(args, argsLen);
      vm.out(ptr);
      vm.out(len);
      return trap("unknown foreign function");
    },
    // WASI: an errno, which is always 0.
    random_get: (ptr: number, len: number) => {
      memory.bytes(ptr, len);
      memory.write(ptr, randomBytes(len >>> 0));
      return 0;
    },
  };
}

function notImplemented(name: string): HostCall {
  return () => {
    throw new HostTrap(`host trap (function not yet implemented): ${name}`);
  };
}

/** An address outside memory is a trap as well. */
function trapping(call: HostCall): HostCall {
  return (...args) => {
    try {
      return call(...args);
    } catch (error) {
      if (error instanceof OutOfBounds) trap("invalid slice pointer passed to host function");
      throw error;
    }
  };
}

export function ngxCalls(vm: NgxInstance): HostCalls {
  const calls: HostCalls = {
    ...vmCalls(vm),
    ...headerCalls(vm),
    ...propertyCalls(vm),
    ...sharedCalls(vm),
    ...Object.fromEntries(NOT_IMPLEMENTED.map((name) => [name, notImplemented(name)])),
  };
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, trapping(call)]));
}
