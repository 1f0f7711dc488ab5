/** Scope, slowly and obviously. */
import type { UsedProofs } from "./proof.js";
import { type Detail, hasBadEscape } from "./shapes.js";

export interface ReferenceRequest {
  readonly method: string;
  readonly host: string;
  /** The `:path`, query included. */
  readonly path: string;
  readonly isUpgrade: boolean;
  /** The client's address as the gateway says it, with its port; none where it has none. */
  readonly source?: string;
  /** SHA-256 of the connection's client certificate, in hex. */
  readonly certificate?: string;
  /** Each `DPoP` line, and the proofs that were used before. */
  readonly proofs?: readonly string[];
  readonly used?: UsedProofs;
}

/** docs/grant-format.md, "Ambiguous paths": a path that two readers could read differently. */
export function isAmbiguous(target: string): boolean {
  if (!target.startsWith("/") || target.includes("#")) return true;
  const path = target.split("?", 1)[0] ?? "";
  if (/[;\\]/.test(path) || /[^\x21-\x7e]/.test(path) || path.includes("//")) return true;
  if (path.split("/").some((part) => part === "." || part === "..")) return true;
  return hasBadEscape(path);
}

export const plainHost = (host: string): string => host.toLowerCase().replace(/^(\[[^\]]*\]|[^:]*):(?:80|443)$/, "$1");

function matches(pattern: string, path: string): boolean {
  const expression = pattern
    .slice(1)
    .split("/")
    .map((part) =>
      part === "**" ? "(?:/.*)?" : part === "*" ? "/[^/]+" : `/${part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`,
    )
    .join("");
  return new RegExp(`^${expression}$`, "s").test(path);
}

export function judgeScope(
  details: readonly Detail[],
  request: ReferenceRequest,
): "allow" | "scope_host" | "scope_method" | "scope_path" {
  const path = request.path.split("?", 1)[0] ?? "";
  let furthest = 0;
  for (const { locations, actions, paths } of details) {
    if (!locations.some((host) => host === "*" || (request.host !== "" && plainHost(host) === plainHost(request.host))))
      continue;
    furthest = Math.max(furthest, 1);
    const has = (action: string): boolean => actions.includes("*") || actions.includes(action);
    if (!has(request.method) || (request.isUpgrade && !has("CONNECT"))) continue;
    furthest = 2;
    if (paths.some((pattern) => matches(pattern, path))) return "allow";
  }
  return furthest === 0 ? "scope_host" : furthest === 1 ? "scope_method" : "scope_path";
}
