/** What nginx makes of a request before any filter sees it: some it refuses, and the path it decodes and normalises. */
import type { Header } from "../headers.js";

export interface NgxRequest {
  readonly method: string;
  /** As the client sent it, with its query: `$request_uri`. */
  readonly target: string;
  /** Decoded and normalised, without query: `$uri`. */
  readonly uri: string;
  /** The query; undefined where there is none. */
  readonly args: string | undefined;
  readonly scheme: string;
  /** Lines, `host` among them. */
  readonly headers: readonly Header[];
}

/** `large_client_header_buffers 4 8k`: one line, and all of them. */
const MAX_LINE_BYTES = 8 * 1024;
const MAX_LINES_BYTES = 4 * MAX_LINE_BYTES;

/** Undefined: nginx answers 400. */
export function normalise(path: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(path) || path.includes("%00")) return undefined;
  const decode = (escaped: string): string => String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
  const segments: string[] = [];
  const parts = path
    .replaceAll(/%[0-9a-f]{2}/gi, decode)
    .split("/")
    .slice(1);
  for (const part of parts) {
    if (part === ".." && segments.pop() === undefined) return undefined;
    if (part !== "" && part !== "." && part !== "..") segments.push(part);
  }
  const isFolder = ["", ".", ".."].includes(parts.at(-1) ?? "");
  return `/${segments.join("/")}${isFolder && segments.length > 0 ? "/" : ""}`;
}

/** The status of nginx's own answer to what it does not take. */
export function readRequest(given: readonly Header[]): NgxRequest | number {
  const pseudo = new Map(given.filter(([name]) => name.startsWith(":")));
  const method = pseudo.get(":method") ?? "GET";
  const target = pseudo.get(":path") ?? "/";
  const authority = pseudo.get(":authority");
  const lines = given.filter(([name]) => !name.startsWith(":"));
  const headers: Header[] = [...(authority === undefined ? [] : [["host", authority] as const]), ...lines];
  if (method.length + target.length > MAX_LINE_BYTES) return 414;
  const sizes = headers.map(([name, value]) => name.length + value.length + 4);
  if (sizes.some((size) => size > MAX_LINE_BYTES)) return 400;
  if (sizes.reduce((sum, size) => sum + size, 0) > MAX_LINES_BYTES) return 400;
  const hosts = headers.filter(([name]) => name.toLowerCase() === "host");
  if (hosts.length > 1 || hosts.some(([, value]) => !/^[!-.0-[\]-~\x80-\xff]+$/.test(value))) return 400;
  if (!/^[A-Z_-]+$/.test(method) || !/^[!-~\x80-\xff]*$/.test(target)) return 400;
  const origin = target.replace(/^https?:\/\/[^/?#]+/i, "");
  if (target !== "*" && !/^[/?#]|^$/.test(origin)) return 400;
  const [path = "", ...query] = (origin.split("#", 1)[0] ?? "").split("?");
  const uri = normalise(path === "" ? "/" : path);
  if (uri === undefined) return 400;
  const args = query.length === 0 ? undefined : query.join("?");
  return { method, target, uri, args, scheme: pseudo.get(":scheme") ?? "http", headers };
}
