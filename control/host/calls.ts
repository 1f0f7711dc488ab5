/** Host calls about the VM itself: time, chance, log, contexts, buffers, and what a gateway without queues answers. */
import { randomBytes } from "node:crypto";
import { BufferKind, EFAULT, EINVAL, LOG_LEVELS, Status, StreamKind } from "./abi.js";
import { calloutCalls } from "./callouts.js";
import type { Context } from "./context.js";
import { OutOfBounds } from "./guest.js";
import { headerCalls } from "./header-calls.js";
import type { HostCalls } from "./instance.js";
import { sharedCalls } from "./shared-calls.js";
import type { Vm } from "./vm.js";

function bufferOf(vm: Vm, context: Context, kind: number): Buffer | Status {
  if (kind < 0 || kind > BufferKind.Max) return Status.BadArgument;
  if (kind === BufferKind.VmConfiguration) return vm.environment.vmConfiguration;
  if (kind === BufferKind.PluginConfiguration) return context.configuring?.configuration ?? Status.NotFound;
  return kind === BufferKind.HttpCallResponseBody ? (vm.calloutAnswer?.body ?? Status.NotFound) : Buffer.alloc(0);
}

function bufferCalls(vm: Vm): HostCalls {
  return {
    proxy_get_buffer_bytes: (kind: number, start: number, max: number, ptr: number, len: number) => {
      const buffer = bufferOf(vm, vm.context, kind);
      if (typeof buffer === "number") return buffer;
      const from = start >>> 0;
      return vm.answer(buffer.subarray(from, from + (max >>> 0)), ptr, len);
    },
    proxy_get_buffer_status: (kind: number, length: number, flags: number) => {
      const buffer = bufferOf(vm, vm.context, kind);
      if (typeof buffer === "number") return buffer;
      vm.memory.u32(length, buffer.length);
      vm.memory.u32(flags, 0);
      return Status.Ok;
    },
    proxy_set_buffer_bytes: (kind: number, _start: number, _length: number, ptr: number, len: number) => {
      const buffer = bufferOf(vm, vm.context, kind);
      if (typeof buffer === "number") return buffer;
      vm.memory.bytes(ptr, len);
      return Status.BadArgument; // What can be had here cannot be changed.
    },
  };
}

function streamCalls(vm: Vm): HostCalls {
  return {
    proxy_continue_stream: (kind: number) => {
      const { stream } = vm.context;
      if (kind < 0 || kind > StreamKind.Upstream) return Status.BadArgument;
      if (kind === StreamKind.Upstream) return Status.Unimplemented;
      if (kind === StreamKind.Downstream || stream === undefined) return Status.Ok;
      stream.hasHeaders = false;
      if (kind === StreamKind.Request) vm.afterCall(() => stream.proceed());
      return Status.Ok;
    },
    proxy_close_stream: (kind: number) => {
      const { stream } = vm.context;
      if (kind < 0 || kind > StreamKind.Upstream) return Status.BadArgument;
      // The kinds of network filters do nothing to a request.
      if (kind <= StreamKind.Response && stream !== undefined) {
        if (vm.isElsewhere) stream.beginEnding();
        vm.afterCall(() => stream.reset());
      }
      return Status.Ok;
    },
    proxy_set_effective_context: (id: number) => (vm.setEffectiveContext(id >>> 0) ? Status.Ok : Status.BadArgument),
    proxy_done: () => vm.done(vm.context),
  };
}

/** No queue, no foreign function, no gRPC: what Envoy answers to a name that it does not know. */
function absentCalls(vm: Vm): HostCalls {
  return {
    proxy_call_foreign_function: (name: number, nameLen: number, args: number, argsLen: number) => {
      vm.memory.bytes(name, nameLen);
      vm.memory.bytes(args, argsLen);
      return Status.NotFound;
    },
    proxy_get_status: (code: number, ptr: number, len: number) => {
      vm.memory.u32(code, 0);
      return vm.answer(Buffer.alloc(0), ptr, len);
    },
    proxy_grpc_call: () => Status.ParseFailure,
    proxy_grpc_stream: () => Status.ParseFailure,
    proxy_grpc_send: () => Status.BadArgument,
    proxy_grpc_close: () => Status.BadArgument,
    proxy_grpc_cancel: () => Status.BadArgument,
    // Nobody registers a queue here.
    proxy_register_shared_queue: () => Status.Unimplemented,
    proxy_resolve_shared_queue: () => Status.NotFound,
    proxy_dequeue_shared_queue: () => Status.NotFound,
    proxy_enqueue_shared_queue: () => Status.NotFound,
    envoy_resolve_dns: () => Status.Unimplemented,
    pthread_equal: (left: number, right: number) => (left === right ? 1 : 0),
    emscripten_notify_memory_growth: () => 0,
  };
}

function vmCalls(vm: Vm): HostCalls {
  return {
    proxy_log: (level: number, ptr: number, len: number) => {
      const name = LOG_LEVELS[level];
      if (name === undefined) return Status.BadArgument;
      vm.log(name, vm.memory.bytes(ptr, len).toString("utf8"));
      return Status.Ok;
    },
    proxy_get_log_level: (out: number) => {
      vm.memory.u32(out, LOG_LEVELS.indexOf("info"));
      return Status.Ok;
    },
    proxy_get_current_time_nanoseconds: (out: number) => {
      vm.memory.u64(out, vm.environment.process.clock());
      return Status.Ok;
    },
    proxy_set_tick_period_milliseconds: (milliseconds: number) => {
      vm.context.rootContext.tickMilliseconds = milliseconds >>> 0;
      return Status.Ok;
    },
  };
}

/** The most that Envoy gives in one call. */
const MAX_RANDOM_BYTES = 64 * 1024;

/** WASI: what it answers is an errno, no status. */
function wasiCalls(vm: Vm): HostCalls {
  return {
    random_get: (ptr: number, len: number) => {
      if (len >>> 0 > MAX_RANDOM_BYTES) return EINVAL;
      try {
        vm.memory.write(ptr, randomBytes(len >>> 0));
        return 0;
      } catch (error) {
        if (error instanceof OutOfBounds) return EFAULT;
        throw error;
      }
    },
  };
}

export function hostCalls(vm: Vm): HostCalls {
  return {
    ...vmCalls(vm),
    ...bufferCalls(vm),
    ...streamCalls(vm),
    ...absentCalls(vm),
    ...calloutCalls(vm),
    ...headerCalls(vm),
    ...sharedCalls(vm),
    ...wasiCalls(vm),
  };
}
