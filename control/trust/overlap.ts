/**
 * Whether two scopes can open the same request. A drill's must not: else its grant, whose approvals cost nothing, would be a real one
 * (docs/drills.md). Decided over the patterns themselves, with a request that shows it.
 */
import type { Detail } from "./names.js";

const plainHost = (host: string): string => host.replace(/:(?:80|443)$/, "");

/** A member of both lists; `*` in one is any of the other. */
function common(a: readonly string[], b: readonly string[], unnamed: string): string | undefined {
  const shared = a.find((one) => one !== "*" && (b.includes(one) || b.includes("*")));
  if (shared !== undefined) return shared;
  if (!a.includes("*")) return undefined;
  return b.find((one) => one !== "*") ?? (b.includes("*") ? unnamed : undefined);
}

/** A segment that both take; `*` takes any but the empty one, which is there at the end of `/a/`. */
function segment(a: string, b: string): string | undefined {
  if (a === b) return a === "*" ? "any" : a;
  if (a === "*" && b !== "") return b;
  return b === "*" && a !== "" ? a : undefined;
}

/** A path that both patterns fit, as the filter matches them; undefined where there is none. */
export function commonPath(a: string, b: string): string | undefined {
  const [x, y] = [a, b].map((pattern) => {
    const segments = pattern.slice(1).split("/");
    const isOpen = segments.at(-1) === "**";
    return { fixed: isOpen ? segments.slice(0, -1) : segments, isOpen };
  });
  if (x === undefined || y === undefined) return undefined;
  const [short, long] = x.fixed.length <= y.fixed.length ? [x, y] : [y, x];
  if (long.fixed.length > short.fixed.length && !short.isOpen) return undefined;
  const path: string[] = [];
  for (const [i, one] of long.fixed.entries()) {
    const other = short.fixed[i];
    const both = other === undefined ? segment(one, one) : segment(one, other);
    if (both === undefined) return undefined;
    path.push(both);
  }
  return `/${path.join("/")}`;
}

/** `GET api.example.com/orders/7`: a request that both open; undefined where there is none. */
export function overlapOf(a: Detail, b: Detail): string | undefined {
  const host = common(a.locations.map(plainHost), b.locations.map(plainHost), "any.example");
  const method = host === undefined ? undefined : common(a.actions, b.actions, "GET");
  if (method === undefined) return undefined;
  for (const one of a.paths)
    for (const other of b.paths) {
      const path = commonPath(one, other);
      if (path !== undefined) return `${method} ${host}${path}`;
    }
  return undefined;
}
