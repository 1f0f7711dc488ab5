/**
 * The requests by which a scope is judged: every method on every host and path. A wildcard stands for endlessly many; those
 * taken are enough, as nothing that is matched by name can match them: whatever covers them covers all.
 */
import { randomBytes } from "node:crypto";
import type { Detail } from "../trust/names.js";

export interface Sample {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** A WebSocket or the like, which needs the action CONNECT as well. */
  readonly isUpgrade: boolean;
}

const UNNAMED = "a-segment-that-nothing-names";
const segmentsOf = (pattern: string): string[] => pattern.slice(1).split("/");
const withoutDefaultPort = (host: string): string => host.toLowerCase().replace(/:(?:80|443)$/, "");

/** Paths for a pattern. @param depth more segments than any other pattern has, so that what fits them fits deeper ones too */
function pathsFor(pattern: string, depth: number, unnamed: string): string[] {
  const segments = segmentsOf(pattern).map((segment) => (segment === "*" ? unnamed : segment));
  if (segments.at(-1) !== "**") return [`/${segments.join("/")}`];
  const before = segments.slice(0, -1);
  const paths = before.length === 0 ? [] : [`/${before.join("/")}`];
  for (let more = 0; before.length + more <= Math.max(depth, before.length + 1); more++) {
    const path = `/${[...before, ...Array.from({ length: more }, () => unnamed)].join("/")}`;
    if (more > 0) paths.push(path);
    paths.push(path === "/" ? path : `${path}/`);
  }
  return paths;
}

/** Of names that the other side never names only the first: they are all alike to it, covered by `*` or not at all. */
function distinct(names: readonly string[], named: ReadonlySet<string>, key: (name: string) => string): string[] {
  const unnamed = names.find((name) => !named.has(key(name)));
  return [...new Set(names)].filter((name) => name === unnamed || named.has(key(name)));
}

/** @param against the details of the entitlement that must cover them */
export function* samplesOf(details: readonly Detail[], against: readonly Detail[]): Generator<Sample> {
  const methods = new Set(against.flatMap(({ actions }) => actions));
  const hosts = new Set(against.flatMap(({ locations }) => locations.map(withoutDefaultPort)));
  const depth = 1 + Math.max(1, ...against.flatMap(({ paths }) => paths.map((path) => segmentsOf(path).length)));
  const unnamed = `${UNNAMED}-${randomBytes(8).toString("hex")}`;
  const seen = new Set<string>();
  for (const { actions, locations, paths } of details) {
    const samplePaths = paths.flatMap((path) => pathsFor(path, depth, unnamed));
    const ways = actions.includes("CONNECT") ? [false, true] : [false];
    for (const method of distinct(actions, methods, (name) => name)) {
      for (const host of distinct(locations, hosts, withoutDefaultPort)) {
        for (const path of samplePaths) {
          for (const isUpgrade of ways) {
            if (isUpgrade && method === "CONNECT") continue;
            const key = `${method} ${host}${path} ${isUpgrade}`;
            if (seen.has(key)) continue;
            seen.add(key);
            yield { method, host, path, isUpgrade };
          }
        }
      }
    }
  }
}

/** As a person reads it: `POST api.example.com/orders/42`. */
export function showSample({ method, host, path, isUpgrade }: Sample): string {
  const shown = path.replace(new RegExp(`${UNNAMED}-[0-9a-f]{16}`, "g"), "...");
  return `${method} ${host}${shown}${isUpgrade ? " (upgrade)" : ""}`;
}
