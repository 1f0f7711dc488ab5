/** Whether what was accessed is within what was opened, by the rules of docs/grant-format.md: the filter's own, from the record alone. */
import { isIP } from "node:net";
import { covers } from "../../grant/networks.js";
import type { AuditRecord } from "./lines.js";

export interface Opened {
  readonly locations: readonly string[];
  readonly actions: readonly string[];
  readonly paths: readonly string[];
}

export type Accessed = Pick<AuditRecord, "method" | "host" | "path" | "path_bytes">;

/** Without its port, as each connection has another: an IPv4 address, an IPv6 address with brackets or without. */
export const addressOf = (source: string): string => (isIP(source) === 0 ? source.replace(/:[0-9]{1,5}$/, "") : source);

/** Whether whoever asked was in one of these networks, as the gateway tells his address. */
export function isFrom(networks: readonly string[], source: string | undefined): boolean {
  const address = addressOf(source ?? "").replace(/^\[(.*)\]$/, "$1");
  return networks.some((network) => covers(network, address));
}

const hostOf = (host: string): string => host.toLowerCase().replace(/:(?:80|443)$/, "");

/** `*` is one segment that is not empty; a final `**` any rest, also none. */
function fits(pattern: string, path: string): boolean {
  const wanted = pattern.split("/");
  const segments = path.split("/");
  const isOpen = wanted.at(-1) === "**";
  if (isOpen) wanted.pop();
  if (isOpen ? segments.length < wanted.length : segments.length !== wanted.length) return false;
  return wanted.every((one, i) => (one === "*" ? segments[i] !== "" : segments[i] === one));
}

/** As the filter cuts it, in characters of JSON; an escape that does not fit any more is left out whole. */
const SHOWN_CHARACTERS = 4096;
const MAX_ESCAPE = 12;

/** Of a path that is shown in part every segment that is whole must fit: only the gateway's own log has the rest. */
function mayFit(pattern: string, shown: string): boolean {
  const wanted = pattern.split("/");
  const segments = shown.split("/");
  const last = segments.pop() ?? "";
  const isOpen = wanted.at(-1) === "**";
  if (isOpen) wanted.pop();
  if (!isOpen && segments.length >= wanted.length) return false;
  const next = wanted[segments.length];
  return (
    wanted.every((one, i) => {
      const segment = segments[i];
      return segment === undefined || (one === "*" ? segment !== "" : segment === one);
    }) &&
    (next === undefined || next === "*" || next.startsWith(last))
  );
}

/** Characters that it takes in a record, which is ASCII. */
const written = (text: string): number =>
  Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)).reduce((sum, code) => {
    if (code < 0x20 || code > 0x7e) return sum + 6;
    return sum + (code === 0x22 || code === 0x5c ? 2 : 1);
  }, 0);

/** Whether there is more of it than is shown, as it was too long. */
const isCut = (shown: string, bytes: number | undefined): boolean =>
  bytes !== undefined && bytes > shown.length && written(shown) > SHOWN_CHARACTERS - MAX_ESCAPE;

/** Whether what was accessed, as far as it is shown, is within. */
export function isWithin(details: readonly Opened[], { method = "", host = "", path = "", path_bytes }: Accessed) {
  const matches = isCut(path, path_bytes) ? mayFit : fits;
  return details.some(
    ({ locations, actions, paths }) =>
      locations.some((one) => one === "*" || hostOf(one) === hostOf(host)) &&
      (actions.includes("*") || actions.includes(method)) &&
      paths.some((pattern) => matches(pattern, path)),
  );
}
