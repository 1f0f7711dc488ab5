/** Host calls that change a request's headers or answer it: their arguments, which every gateway reads alike. What they do is its own. */
import type { Status } from "./abi.js";
import type { GuestMemory } from "./guest.js";
import type { Header } from "./headers.js";
import type { HostCalls } from "./instance.js";
import type { ReplyRequest } from "./reply.js";

/** Headers as far as a filter may change them. */
export interface Changeable {
  readonly add: (name: string, value: string) => void;
  readonly replace: (name: string, value: string) => void;
  readonly remove: (name: string) => void;
  /** These instead of all that are there. */
  readonly set: (pairs: readonly Header[]) => void;
}

export interface RequestActions {
  /** Pairs as the filter hands them over. */
  readonly readPairs: (bytes: Buffer) => Header[];
  readonly change: (kind: number, call: string, apply: (headers: Changeable) => void) => Status;
  readonly reply: (reply: ReplyRequest) => Status;
}

export function requestCalls(memory: GuestMemory, { readPairs, change, reply }: RequestActions): HostCalls {
  return {
    proxy_add_header_map_value: (kind: number, name: number, nameLen: number, value: number, valueLen: number) => {
      const [key, text] = [memory.text(name, nameLen), memory.text(value, valueLen)];
      return change(kind, "proxy_add_header_map_value", (headers) => headers.add(key, text));
    },
    proxy_replace_header_map_value: (kind: number, name: number, nameLen: number, value: number, valueLen: number) => {
      const [key, text] = [memory.text(name, nameLen), memory.text(value, valueLen)];
      return change(kind, "proxy_replace_header_map_value", (headers) => headers.replace(key, text));
    },
    proxy_remove_header_map_value: (kind: number, name: number, nameLen: number) => {
      const key = memory.text(name, nameLen);
      return change(kind, "proxy_remove_header_map_value", (headers) => headers.remove(key));
    },
    proxy_set_header_map_pairs: (kind: number, ptr: number, len: number) => {
      const pairs = readPairs(memory.bytes(ptr, len));
      return change(kind, "proxy_set_header_map_pairs", (headers) => headers.set(pairs));
    },
    proxy_send_local_response: (
      status: number,
      details: number,
      detailsLen: number,
      body: number,
      bodyLen: number,
      headers: number,
      headersLen: number,
      grpcStatus: number,
    ) =>
      reply({
        status: status >>> 0,
        details: memory.text(details, detailsLen),
        body: memory.bytes(body, bodyLen),
        headers: readPairs(memory.bytes(headers, headersLen)),
        grpcStatus,
      }),
  };
}
