/** The places that a gateway's own configuration has routes for, each as a request that the route takes. */
import { isRecord } from "../base/schema.js";
import { mergedDocument } from "../gateway/document.js";
import { member } from "../gateway/rendered.js";
import { leftOpen } from "./left-out.js";
import type { NotProbed, Route } from "./model.js";

const MAX_DEPTH = 100;

function* configurations(value: unknown, depth = 0): Generator<Record<string, unknown>> {
  if (depth > MAX_DEPTH || typeof value !== "object" || value === null) return;
  if (isRecord(value) && Array.isArray(member(value, "virtual_hosts"))) yield value;
  for (const inner of Object.values(value)) yield* configurations(inner, depth + 1);
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

/** A host that the domain takes. @param usual where it takes any */
function hostFor(domain: unknown, usual: string): string {
  const pattern = text(domain) ?? "*";
  if (pattern === "*") return usual;
  if (pattern.startsWith("*")) return `glassgate-drill${pattern.slice(1).replace(/^([^.])/, "-$1")}`;
  return pattern.endsWith("*") ? `${pattern.slice(0, -1)}glassgate-drill` : pattern;
}

/** A path that the match takes, or why none can be made. */
function pathFor(match: unknown): { path: string; name: string } | { why: string; name: string } {
  const exact = text(member(match, "path"));
  if (exact !== undefined) return { path: exact, name: exact };
  const prefix = text(member(match, "prefix")) ?? text(member(match, "path_separated_prefix"));
  if (prefix !== undefined) return { path: prefix, name: prefix };
  const regex = text(member(match, "safe_regex", "regex"));
  if (regex !== undefined)
    return { name: regex, why: "its route matches by a regular expression: name a path of it in `routes`" };
  return { name: "a route", why: "its route matches by something else than a path: name a path of it in `routes`" };
}

export interface Found {
  readonly routes: readonly Route[];
  readonly notProbed: readonly NotProbed[];
}

/** @param usual the host where a route takes any @param open paths that are meant to be open */
export function routesOf(configuration: string, usual: string, open: readonly string[]): Found {
  const document = mergedDocument(configuration);
  const root: unknown = document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 1000 });
  return routesIn(member(root, "static_resources"), usual, open);
}

export interface RunningRoutes {
  readonly fixed: Found;
  /** From where its file says that they come: no file has them. */
  readonly served: Found;
}

const SERVED = ["dynamic_listeners", "dynamic_route_configs"] as const;

/** Of what `config_dump` answers. @param usual the host where a route takes any @param open paths that are meant to be open */
export function runningRoutes(dump: unknown, usual: string, open: readonly string[]): RunningRoutes {
  const configs = list(member(dump, "configs")).filter(isRecord);
  const served = configs.flatMap((one) => SERVED.map((name) => one[name]));
  const fixed = configs.map((one) => Object.entries(one).filter(([name]) => SERVED.every((other) => other !== name)));
  return { fixed: routesIn(fixed, usual, open), served: routesIn(served, usual, open) };
}

function routesIn(root: unknown, usual: string, open: readonly string[]): Found {
  const routes: Route[] = [];
  const notProbed: NotProbed[] = [];
  for (const one of configurations(root))
    for (const virtual of list(member(one, "virtual_hosts")))
      for (const route of list(member(virtual, "routes"))) {
        const found = pathFor(member(route, "match"));
        const [domain] = list(member(virtual, "domains"));
        if ("why" in found) notProbed.push({ what: `the route ${found.name}`, why: found.why });
        else if (list(member(route, "match", "headers")).length > 0)
          notProbed.push({
            what: `the route ${found.name}`,
            why: "its route looks at headers: only a caller knows which",
          });
        else if (open.includes(found.path)) notProbed.push(leftOpen(`${hostFor(domain, usual)}${found.name}`));
        else routes.push({ host: hostFor(domain, usual), ...found });
      }
  return { routes, notProbed };
}
