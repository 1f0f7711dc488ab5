/** A filter's own answer as the gateway completes it: lengths, types, and for gRPC a status in place of the HTTP one. */
import { type Header, HeaderMap } from "./headers.js";

export interface LocalReply {
  readonly status: number;
  readonly details: string;
  readonly headers: readonly Header[];
  /** Read as UTF-8. */
  readonly body: string;
}

export interface ReplyRequest {
  readonly status: number;
  readonly details: string;
  readonly headers: readonly Header[];
  readonly body: Buffer;
  /** Outside 0-16: none. */
  readonly grpcStatus: number;
}

const GRPC_UNKNOWN = 2;
const MAX_GRPC_STATUS = 16;
const GRPC_OF_HTTP: ReadonlyMap<number, number> = new Map([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [502, 14],
  [503, 14],
  [504, 14],
]);

function percentEncode(bytes: Buffer): string {
  return bytes
    .toString("latin1")
    .replaceAll(/[^ -$&-~]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

function grpcReply({ status, details, headers, body, grpcStatus }: ReplyRequest): LocalReply {
  const map = new HeaderMap(headers);
  map.replace("content-type", "application/grpc");
  const isKnown = grpcStatus >= 0 && grpcStatus <= MAX_GRPC_STATUS;
  map.add("grpc-status", String(isKnown ? grpcStatus : (GRPC_OF_HTTP.get(status) ?? GRPC_UNKNOWN)));
  if (body.length > 0) map.add("grpc-message", percentEncode(body));
  return { status: 200, details, headers: map.all, body: "" };
}

export function completeReply(request: ReplyRequest, requestHeaders: HeaderMap): LocalReply {
  if (/^application\/grpc(?:\+|$)/.test(requestHeaders.get("content-type") ?? "")) return grpcReply(request);
  const { status, details, headers, body } = request;
  const map = new HeaderMap(headers);
  map.remove("content-length");
  if (body.length === 0) map.remove("content-type");
  else {
    map.add("content-length", String(body.length));
    if (map.get("content-type") === undefined) map.add("content-type", "text/plain");
  }
  const isHead = requestHeaders.get(":method") === "HEAD";
  return { status, details, headers: map.all, body: isHead ? "" : body.toString("utf8") };
}
