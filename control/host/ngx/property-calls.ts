/** Properties: dotted names (NUL is a dot), and every value is text. Some stand for nginx's variables, some are Kong's own. */
import { Status } from "../abi.js";
import type { PropertyValue } from "../exchange.js";
import { type HostCalls, HostTrap } from "../instance.js";
import type { NgxContext, NgxInstance } from "./instance.js";
import type { NgxStream } from "./stream.js";

const KONG = "kong.";
const KONG_SHARED = "kong.ctx.shared.";
const VARIABLE = "ngx.";
const HEADER = "request.headers.";
/** What the Lua of this version answers. */
const KONG_VERSION = "3.9.0";

/** nginx's variables by their names; undefined: not found. */
function variable(vm: NgxInstance, stream: NgxStream, name: string): string | undefined {
  const { request, headers, sourceAddress, sourcePort } = stream;
  const table: Readonly<Record<string, string | undefined>> = {
    request_uri: request?.target,
    uri: request?.uri,
    args: request?.args,
    hostname: vm.surroundings.hostname,
    host: headers.get("host")?.toLowerCase().replace(/:\d+$/, ""),
    scheme: request?.scheme,
    request_method: request?.method,
    server_protocol: "HTTP/1.1",
    remote_addr: sourceAddress,
    remote_port: sourcePort,
    content_length: headers.get("content-length"),
    kong_request_id: stream.requestId,
  };
  if (name.startsWith("http_")) return headers.get(name.slice("http_".length).replaceAll("_", "-"));
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Properties that stand for a variable. */
const VARIABLE_OF: ReadonlyMap<string, string> = new Map([
  ["request.path", "request_uri"],
  ["request.url_path", "uri"],
  ["request.host", "hostname"],
  ["request.scheme", "scheme"],
  ["request.method", "request_method"],
  ["request.useragent", "http_user_agent"],
  ["request.protocol", "server_protocol"],
  ["request.query", "args"],
  ["request.size", "content_length"],
  ["source.address", "remote_addr"],
  ["source.port", "remote_port"],
]);

function ownProperty(vm: NgxInstance, stream: NgxStream, name: string): string | undefined {
  if (name.startsWith(HEADER)) return stream.headers.get(name.slice(HEADER.length));
  switch (name) {
    case "request.id":
      return stream.headers.get("x-request-id");
    case "request.referer":
      return stream.headers.get("referer");
    case "request.time":
      return stream.startedAt;
    case "connection.id":
      return stream.connectionId.toString();
    case "kong.node.id":
      return vm.environment.process.nodeId;
    case "kong.version":
      return KONG_VERSION;
    case "kong.nginx.subsystem":
      return "http";
    default:
      return undefined;
  }
}

function textOf(value: PropertyValue): Buffer {
  return typeof value === "string" || typeof value === "bigint" || typeof value === "boolean"
    ? Buffer.from(String(value), "latin1")
    : Buffer.from(value);
}

function read(vm: NgxInstance, { filter, stream }: NgxContext, name: string): Buffer | Status {
  // "cannot get scoped properties outside of a request"
  if (stream === undefined) {
    if (name.includes(".")) return Status.InternalFailure;
    return name === "plugin_name" && filter !== undefined ? Buffer.from(filter.name) : Status.NotFound;
  }
  const given = stream.properties.get(name) ?? stream.set.get(name);
  if (given !== undefined) return textOf(given);
  if (name === "plugin_name") return Buffer.from(filter?.name ?? "");
  const of = name.startsWith(VARIABLE) ? name.slice(VARIABLE.length) : VARIABLE_OF.get(name);
  const value = of === undefined ? ownProperty(vm, stream, name) : variable(vm, stream, of);
  return value === undefined ? Status.NotFound : Buffer.from(value, "latin1");
}

function write(vm: NgxInstance, { stream }: NgxContext, name: string, value: Buffer): Status {
  if (stream === undefined) return name.includes(".") ? Status.InternalFailure : Status.NotFound;
  if (name.startsWith(VARIABLE)) {
    const own = name.slice(VARIABLE.length);
    if (vm.surroundings.variables.has(own)) {
      stream.set.set(name, value);
      return Status.Ok;
    }
    return variable(vm, stream, own) === undefined ? Status.NotFound : Status.InternalFailure;
  }
  // They are there, but nobody may change them.
  if (VARIABLE_OF.has(name)) return Status.InternalFailure;
  if (name.startsWith(KONG_SHARED)) {
    stream.set.set(name, value);
    return Status.Ok;
  }
  if (name.startsWith(KONG)) throw new HostTrap(`host trap (internal error): could not set "${name}": unknown error`);
  return Status.NotFound;
}

export function propertyCalls(vm: NgxInstance): HostCalls {
  const { memory } = vm;
  const nameAt = (ptr: number, len: number): string => memory.text(ptr, len).replaceAll("\0", ".");
  return {
    proxy_get_property: (path: number, pathLen: number, ptr: number, len: number) => {
      const name = nameAt(path, pathLen);
      vm.out(ptr);
      vm.out(len);
      const value = read(vm, vm.context, name);
      return typeof value === "number" ? value : vm.give(value, ptr, len);
    },
    proxy_set_property: (path: number, pathLen: number, ptr: number, len: number) =>
      write(vm, vm.context, nameAt(path, pathLen), memory.bytes(ptr, len)),
  };
}
