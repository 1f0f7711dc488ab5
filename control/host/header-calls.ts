/** Host calls about one request: its headers, its properties, the reply. */
import { HeaderMapKind, Status } from "./abi.js";
import type { HeaderMap } from "./headers.js";
import { parsePairs, serialisePairs } from "./headers.js";
import type { HostCalls } from "./instance.js";
import { readProperty } from "./properties.js";
import type { ReplyRequest } from "./reply.js";
import { requestCalls } from "./request-calls.js";
import type { Vm } from "./vm.js";

const isKind = (kind: number): boolean => kind >= 0 && kind <= HeaderMapKind.Max;

/** Undefined: no such map, or not now. */
function readable(vm: Vm, kind: number): HeaderMap | undefined {
  const { stream } = vm.context;
  if (kind === HeaderMapKind.HttpCallResponse) return stream === undefined ? vm.calloutAnswer?.headers : undefined;
  return kind === HeaderMapKind.Request && stream?.areHeadersReadable === true ? stream.headers : undefined;
}

function writable(vm: Vm, kind: number): HeaderMap | undefined {
  return vm.context.stream?.hasHeaders === true ? readable(vm, kind) : undefined;
}

function change(vm: Vm, kind: number, apply: (headers: HeaderMap) => void): Status {
  if (!isKind(kind)) return Status.BadArgument;
  const headers = writable(vm, kind);
  const { stream } = vm.context;
  if (headers === undefined || stream === undefined) return Status.BadArgument;
  apply(headers);
  stream.routeCacheClears += 1;
  return Status.Ok;
}

function readCalls(vm: Vm): HostCalls {
  const { memory } = vm;
  return {
    proxy_get_header_map_value: (kind: number, name: number, nameLen: number, ptr: number, len: number) => {
      if (!isKind(kind)) return Status.BadArgument;
      const key = memory.text(name, nameLen);
      const headers = readable(vm, kind);
      if (headers === undefined) return vm.context.stream?.isLogging === true ? Status.NotFound : Status.BadArgument;
      const value = headers.get(key);
      return value === undefined ? Status.NotFound : vm.answer(Buffer.from(value, "latin1"), ptr, len);
    },
    proxy_get_header_map_pairs: (kind: number, ptr: number, len: number) => {
      if (!isKind(kind)) return Status.BadArgument;
      // A map that is not there has no pairs, and no pairs are no bytes at all.
      const pairs = readable(vm, kind)?.all ?? [];
      return vm.answer(pairs.length === 0 ? Buffer.alloc(0) : serialisePairs(pairs), ptr, len);
    },
    proxy_get_header_map_size: (kind: number, out: number) => {
      const headers = isKind(kind) ? writable(vm, kind) : undefined;
      if (headers === undefined) return Status.BadArgument;
      memory.u32(out, headers.byteSize);
      return Status.Ok;
    },
    proxy_get_property: (path: number, pathLen: number, ptr: number, len: number) => {
      const { nodeId } = vm.environment.process;
      const value = readProperty(memory.text(path, pathLen), vm.context, { nodeId, vmId: vm.environment.vmId });
      return typeof value === "number" ? value : vm.answer(value, ptr, len);
    },
  };
}

/** Sent when the callback has returned, whatever it returns then. */
function sendReply(vm: Vm, given: ReplyRequest): Status {
  const { stream } = vm.context;
  const reply = { ...given, details: given.details.replaceAll(/[\t\n\v\f\r ]/g, "_") };
  if (stream !== undefined && vm.isElsewhere) {
    stream.beginEnding();
    vm.afterCall(() => stream.end(reply));
  } else if (stream !== undefined) vm.afterCall(() => stream.sendLocalReply(reply));
  vm.stopIteration();
  return Status.Ok;
}

export function headerCalls(vm: Vm): HostCalls {
  const { memory } = vm;
  return {
    ...readCalls(vm),
    ...requestCalls(memory, {
      readPairs: parsePairs,
      change: (kind, _call, apply) => change(vm, kind, apply),
      reply: (reply) => sendReply(vm, reply),
    }),
    proxy_set_property: (path: number, pathLen: number, ptr: number, len: number) => {
      const key = memory.text(path, pathLen);
      const value = memory.bytes(ptr, len);
      const { stream } = vm.context;
      if (stream === undefined) return Status.NotFound;
      stream.filterState.set(`wasm.${key}`, value);
      return Status.Ok;
    },
  };
}
