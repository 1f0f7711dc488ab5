/**
 * Properties (`source.address`): a tree that a path of segments walks. Numbers are 8 bytes little endian, booleans one byte,
 * as Envoy serialises them.
 */
import { Status } from "./abi.js";
import type { Context } from "./context.js";
import { HeaderMap, serialisePairs } from "./headers.js";
import type { PropertyValue, Stream } from "./stream.js";

type Branch = (segment: string) => Value | undefined;
type Value = PropertyValue | Branch | HeaderMap;

export interface Surroundings {
  readonly nodeId: string;
  readonly vmId: string;
}

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

function serialise(value: Value): Buffer | Status {
  switch (typeof value) {
    case "string":
      return latin1(value);
    case "bigint": {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
      return bytes;
    }
    case "boolean":
      return Buffer.from([value ? 1 : 0]);
    case "function":
      return Status.SerializationFailure;
    default:
      return value instanceof HeaderMap ? serialisePairs(value.all) : Buffer.from(value);
  }
}

const fields =
  (table: Readonly<Record<string, () => Value | undefined>>): Branch =>
  (segment) =>
    Object.hasOwn(table, segment) ? table[segment]?.() : undefined;

function portOf(address: string): bigint | undefined {
  const port = /:([0-9]{1,5})$/.exec(address)?.[1];
  return port === undefined ? undefined : BigInt(port);
}

function requestFields(stream: Stream): Branch {
  const { headers } = stream;
  const header = (name: string) => () => headers.joined(name);
  return (segment) => {
    if (segment === "time") return stream.startedAt;
    if (segment === "protocol") return "HTTP/1.1";
    if (!stream.areHeadersReadable) return undefined;
    return fields({
      headers: () => headers,
      path: header(":path"),
      url_path: () => headers.get(":path")?.split(/[?#]/, 1)[0],
      query: () => /\?([^#]*)/.exec(headers.get(":path") ?? "")?.[1] ?? "",
      host: header(":authority"),
      method: header(":method"),
      scheme: header(":scheme"),
      id: header("x-request-id"),
      referer: header("referer"),
      useragent: header("user-agent"),
    })(segment);
  };
}

function streamFields(stream: Stream): Branch {
  return fields({
    request: () => requestFields(stream),
    source: () => fields({ address: () => stream.sourceAddress, port: () => portOf(stream.sourceAddress) }),
    connection: () => fields({ id: () => stream.connectionId, mtls: () => false }),
    filter_state: () => (key) => stream.filterState.get(key),
    connection_id: () => stream.connectionId,
  });
}

function below(value: Value | undefined, segment: string): Value | undefined {
  if (value instanceof HeaderMap) return value.joined(segment);
  return typeof value === "function" ? value(segment) : undefined;
}

/** The bytes of the property at the path, whose segments NUL separates; or a status. */
export function readProperty(path: string, context: Context, surroundings: Surroundings): Buffer | Status {
  const { stream, plugin } = context;
  // A closing NUL ends the last segment: it does not begin another.
  const segments = path.replace(/\0$/, "").split("\0");
  const first = segments[0];
  if (path === "" || first === undefined) return Status.SerializationFailure;
  const given = stream?.properties.get(segments.join("."));
  if (given !== undefined) return serialise(given);
  const top = fields({
    xds: () => fields({ node: () => fields({ id: () => surroundings.nodeId, cluster: () => surroundings.nodeId }) }),
    plugin_name: () => plugin?.name,
    plugin_root_id: () => plugin?.rootId ?? "",
    plugin_vm_id: () => surroundings.vmId,
  });
  let value = top(first) ?? (stream && (streamFields(stream)(first) ?? stream.filterState.get(`wasm.${first}`)));
  for (const segment of segments.slice(1)) value = below(value, segment);
  return value === undefined ? Status.NotFound : serialise(value);
}
