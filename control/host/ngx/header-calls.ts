/** Host calls about one request's headers, and the reply. */
import { HeaderMapKind, Status } from "../abi.js";
import type { Header } from "../headers.js";
import type { HostCalls } from "../instance.js";
import type { ReplyRequest } from "../reply.js";
import { type Changeable, requestCalls } from "../request-calls.js";
import { streamOf, trap } from "./calls.js";
import { WorkerDied } from "./died.js";
import type { NgxHeaders } from "./headers.js";
import type { NgxInstance } from "./instance.js";
import type { NgxStream } from "./stream.js";

/** Their values; by these names exactly. `:authority` is the server block's name and the port that the request came in on. */
function pseudoHeaders(vm: NgxInstance, stream: NgxStream): Map<string, string> {
  const { request, overrides } = stream;
  const { serverName, hostname, port } = vm.surroundings;
  const path = request === undefined ? "" : request.uri + (request.args ? `?${request.args}` : "");
  return new Map([
    [":path", overrides.get(":path") ?? path],
    [":method", overrides.get(":method") ?? request?.method ?? ""],
    [":scheme", request?.scheme ?? ""],
    [":authority", `${serverName === "" ? hostname : serverName}:${port}`],
  ]);
}

/** Pairs as a filter hands them over. The host does not look whether they fit: it reads on in its own memory. */
function readPairs(bytes: Buffer): Header[] {
  if (bytes.length === 0) return [];
  const read = (at: number): number => {
    if (at + 4 > bytes.length) throw new WorkerDied("pairs that do not fit their lengths");
    return bytes.readUInt32LE(at);
  };
  const count = read(0);
  const pairs: Header[] = [];
  let at = 4 + 8 * count;
  for (let i = 0; i < count; i++) {
    const [nameLen, valueLen] = [read(4 + 8 * i), read(8 + 8 * i)];
    if (at + nameLen + valueLen + 2 > bytes.length) throw new WorkerDied("pairs that do not fit their lengths");
    const value = at + nameLen + 1;
    pairs.push([bytes.toString("latin1", at, at + nameLen), bytes.toString("latin1", value, value + valueLen)]);
    at = value + valueLen + 1;
  }
  return pairs;
}

const { Request, Response } = HeaderMapKind;

/** Undefined: there is no such map, or not now. */
function mapOf(stream: NgxStream, kind: number): NgxHeaders | undefined {
  if (kind === Request) return stream.headers;
  return kind === Response ? stream.responseHeaders : undefined;
}

/** Path and method change for the filter; the other pseudo-headers are read-only, which is no error either. */
function requestHeaders({ headers, overrides }: NgxStream): Changeable {
  const isPseudo = (name: string, value: string): boolean => {
    if (name === ":path" || name === ":method") overrides.set(name, value);
    return [":path", ":method", ":scheme", ":authority"].includes(name);
  };
  return {
    add: (name, value) => {
      if (!isPseudo(name, value)) headers.add(name, value);
    },
    replace: (name, value) => {
      if (!isPseudo(name, value)) headers.replace(name, value);
    },
    remove: (name) => headers.remove(name),
    set: (pairs) => headers.set(pairs.filter(([name, value]) => !isPseudo(name, value))),
  };
}

/** Request headers can be changed until the response is there, its own until they are sent. */
function change(vm: NgxInstance, kind: number, call: string, apply: (headers: Changeable) => void): Status {
  const stream = streamOf(vm.context, call);
  const headers = mapOf(stream, kind);
  if (headers === undefined) return Status.InternalFailure;
  if (stream.step !== "request" && !(kind === Response && stream.step === "response headers"))
    trap(`can only set ${kind === Request ? "request" : "response"} headers before they are sent`);
  apply(kind === Request ? requestHeaders(stream) : headers);
  return Status.Ok;
}

/** Its details are the reason phrase of the status line. */
function sendReply(vm: NgxInstance, reply: ReplyRequest): Status {
  const stream = streamOf(vm.context, "proxy_send_local_response");
  if (stream.step !== "request") trap("response already sent");
  if (stream.reply !== undefined) trap("local response already stashed");
  if (reply.status < 100 || reply.status > 999) return Status.BadArgument;
  stream.sendLocalReply(reply);
  return Status.Ok;
}

function readCalls(vm: NgxInstance): HostCalls {
  const { memory } = vm;
  return {
    proxy_get_header_map_value: (kind: number, name: number, nameLen: number, ptr: number, len: number) => {
      const key = memory.text(name, nameLen);
      vm.out(ptr);
      vm.out(len);
      const stream = streamOf(vm.context, "proxy_get_header_map_value");
      const pseudo = kind === Request ? (pseudoHeaders(vm, stream).get(key) ?? "") : "";
      const value = pseudo === "" ? mapOf(stream, kind)?.get(key) : pseudo;
      return value === undefined ? Status.NotFound : vm.give(Buffer.from(value, "latin1"), ptr, len);
    },
    proxy_get_header_map_pairs: (kind: number, ptr: number, len: number) => {
      vm.out(ptr);
      vm.out(len);
      const stream = streamOf(vm.context, "proxy_get_header_map_pairs");
      const headers = mapOf(stream, kind);
      if (headers === undefined) return Status.BadArgument;
      const pseudo = kind === Request ? [...pseudoHeaders(vm, stream)].filter(([, value]) => value !== "") : [];
      const { bytes, size } = headers.pairs(pseudo);
      const status = vm.give(bytes, ptr, len, size);
      return status === Status.InternalFailure ? Status.InvalidMemoryAccess : status;
    },
  };
}

export function headerCalls(vm: NgxInstance): HostCalls {
  return {
    ...readCalls(vm),
    ...requestCalls(vm.memory, {
      readPairs,
      change: (kind, call, apply) => change(vm, kind, call, apply),
      reply: (reply) => sendReply(vm, reply),
    }),
    // Without a callout the request is not waiting for anything.
    proxy_continue_stream: (kind: number) => {
      if (kind !== 0 && kind !== 1) return Status.InternalFailure;
      streamOf(vm.context, "proxy_continue_stream");
      return Status.Ok;
    },
    // No upstream of that name.
    proxy_http_call: () => {
      streamOf(vm.context, "proxy_http_call");
      return Status.InternalFailure;
    },
  };
}
