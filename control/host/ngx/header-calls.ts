/** Host calls about one request's headers, and the reply. */
import { HeaderMapKind, Status } from "../abi.js";
import type { Header } from "../headers.js";
import type { HostCalls } from "../instance.js";
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

/** Request headers can be changed until the response is there, its own until they are sent. */
function change(
  vm: NgxInstance,
  kind: number,
  call: string,
  apply: (headers: NgxHeaders, stream: NgxStream) => void,
): Status {
  const stream = streamOf(vm.context, call);
  const headers = mapOf(stream, kind);
  if (headers === undefined) return Status.InternalFailure;
  if (stream.step !== "request" && !(kind === Response && stream.step === "response headers"))
    trap(`can only set ${kind === Request ? "request" : "response"} headers before they are sent`);
  apply(headers, stream);
  return Status.Ok;
}

/** Of a request's map: sets path or method, where the name is theirs. */
function setOne(headers: NgxHeaders, stream: NgxStream, name: string, value: string): void {
  if (headers !== stream.headers || !changePseudo(stream, name, value)) headers.replace(name, value);
}

/** False: no pseudo-header. Path and method change for the filter; the others are read-only, which is no error either. */
function changePseudo({ overrides }: NgxStream, name: string, value: string): boolean {
  if (name === ":path" || name === ":method") overrides.set(name, value);
  return [":path", ":method", ":scheme", ":authority"].includes(name);
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

function writeCalls(vm: NgxInstance): HostCalls {
  const { memory } = vm;
  return {
    proxy_add_header_map_value: (kind: number, name: number, nameLen: number, value: number, valueLen: number) => {
      const [key, text] = [memory.text(name, nameLen), memory.text(value, valueLen)];
      return change(vm, kind, "proxy_add_header_map_value", (headers, stream) => {
        if (headers !== stream.headers || !changePseudo(stream, key, text)) headers.add(key, text);
      });
    },
    proxy_replace_header_map_value: (kind: number, name: number, nameLen: number, value: number, valueLen: number) => {
      const [key, text] = [memory.text(name, nameLen), memory.text(value, valueLen)];
      return change(vm, kind, "proxy_replace_header_map_value", (headers, stream) =>
        setOne(headers, stream, key, text),
      );
    },
    proxy_remove_header_map_value: (kind: number, name: number, nameLen: number) => {
      const key = memory.text(name, nameLen);
      return change(vm, kind, "proxy_remove_header_map_value", (headers) => headers.remove(key));
    },
    proxy_set_header_map_pairs: (kind: number, ptr: number, len: number) => {
      const pairs = readPairs(memory.bytes(ptr, len));
      return change(vm, kind, "proxy_set_header_map_pairs", (headers, stream) => {
        headers.clear();
        for (const [name, value] of pairs) setOne(headers, stream, name, value);
      });
    },
  };
}

function replyCalls(vm: NgxInstance): HostCalls {
  const { memory } = vm;
  return {
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
      const stream = streamOf(vm.context, "proxy_send_local_response");
      const reply = {
        status,
        // The reason phrase of the status line.
        details: memory.text(details, detailsLen),
        body: memory.bytes(body, bodyLen),
        headers: readPairs(memory.bytes(headers, headersLen)),
        grpcStatus,
      };
      if (stream.step !== "request") trap("response already sent");
      if (stream.reply !== undefined) trap("local response already stashed");
      if (status < 100 || status > 999) return Status.BadArgument;
      stream.sendLocalReply(reply);
      return Status.Ok;
    },
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

export function headerCalls(vm: NgxInstance): HostCalls {
  return { ...readCalls(vm), ...writeCalls(vm), ...replyCalls(vm) };
}
