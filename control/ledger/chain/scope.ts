/** Whether what was accessed is within what was opened, by the rules of docs/grant-format.md: the filter's own, from the record alone. */
import type { AuditRecord } from "./lines.js";

export interface Opened {
  readonly locations: readonly string[];
  readonly actions: readonly string[];
  readonly paths: readonly string[];
}

export type Accessed = Pick<AuditRecord, "method" | "host" | "path" | "path_bytes">;

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

/** A path that is shown in part is taken as it is within: only the gateway's own log has the rest of it. */
export function isWithin(details: readonly Opened[], { method = "", host = "", path = "", path_bytes }: Accessed) {
  return details.some(
    ({ locations, actions, paths }) =>
      locations.some((one) => one === "*" || hostOf(one) === hostOf(host)) &&
      (actions.includes("*") || actions.includes(method)) &&
      (path_bytes !== undefined || paths.some((pattern) => fits(pattern, path))),
  );
}
