/** A gateway's configuration read back: which filter `push` writes, where, and which Envoy it belongs to. */
import { messageOf, UserError } from "../base/errors.js";
import { isRecord, parseJson } from "../base/schema.js";
import { type ConfigurationOptions, configurationSchema } from "../trust/configuration.js";
import { WASM_TYPE } from "./config.js";
import { mergedDocument } from "./document.js";

/** The filter as a rendered configuration has it: what `push` writes with a bundle added. */
export interface RenderedFilter {
  readonly name: string;
  readonly ecdsPath: string;
  /** The Wasm extension's `config`, as JSON. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The node's id, the listeners that hold the filter, and the admin address, where the file says so. */
  readonly nodeId?: string;
  readonly listeners?: readonly string[];
  readonly adminAddress?: string;
}

/** A member by its name in the protocol's files, or in the JSON way. */
export function member(value: unknown, ...path: readonly string[]): unknown {
  let at = value;
  for (const name of path) {
    if (!isRecord(at)) return undefined;
    at = at[name] ?? at[name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())];
  }
  return at;
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

/** No gateway nests deeper. */
const MAX_DEPTH = 100;

/** Every filter that comes by ECDS from a file, at any depth, with the listener around it. */
export function* discoveredFilters(
  value: unknown,
  listener?: string,
  depth = 0,
  seen = new Set<unknown>(),
): Generator<{ name: string; ecdsPath: string; listener: string | undefined; fallback: unknown }> {
  // Each once: an alias may hold itself, in many ways.
  if (depth > MAX_DEPTH || seen.has(value)) return;
  if (typeof value === "object") seen.add(value);
  if (Array.isArray(value)) {
    for (const item of value) yield* discoveredFilters(item, listener, depth + 1, seen);
    return;
  }
  if (!isRecord(value)) return;
  const discovery = member(value, "config_discovery");
  const name = text(value.name);
  const ecdsPath = text(member(discovery, "config_source", "path_config_source", "path"));
  if (name !== undefined && ecdsPath !== undefined)
    yield { name, ecdsPath, listener, fallback: member(discovery, "default_config") };
  const isListener =
    member(value, "filter_chains") !== undefined || member(value, "default_filter_chain") !== undefined;
  for (const inner of Object.values(value))
    yield* discoveredFilters(inner, isListener ? (name ?? "") : listener, depth + 1, seen);
}

/** Every Wasm plugin that reads no ECDS file, or another than that one, at any depth: where it reads from, and its `config`. */
export function* pluginsBeside(
  ecdsPath: string,
  value: unknown,
  path?: string,
  depth = 0,
  seen = new Set<unknown>(),
): Generator<{ ecdsPath: string | undefined; config: Readonly<Record<string, unknown>> }> {
  if (depth > MAX_DEPTH || typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  const found = text(member(value, "config_discovery", "config_source", "path_config_source", "path"));
  if (found === ecdsPath) return;
  const config = member(value, "config");
  if (isWasm(value) && isRecord(config)) yield { ecdsPath: path, config };
  for (const inner of Object.values(value)) yield* pluginsBeside(ecdsPath, inner, found ?? path, depth + 1, seen);
}

function adminOf(root: unknown): string | undefined {
  const socket = member(root, "admin", "address", "socket_address");
  const address = text(member(socket, "address"));
  const port = Number(member(socket, "port_value"));
  if (address === undefined || !Number.isInteger(port) || port < 1) return undefined;
  const host = address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** What Envoy would read: aliases and merges followed. */
function parse(yaml: string, file: string): unknown {
  try {
    const document = mergedDocument(yaml);
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS({ maxAliasCount: 1000 });
  } catch (error) {
    throw new UserError(`${file} is not YAML: ${messageOf(error).split("\n", 1)[0]}`, {
      cause: error,
      hint: "`glassgate gateway render` writes a complete one.",
    });
  }
}

function isWasm(value: unknown): boolean {
  const type = member(value, "@type");
  return typeof type === "string" && type.endsWith(WASM_TYPE.slice(WASM_TYPE.lastIndexOf(".")));
}

const isOurs = (config: Readonly<Record<string, unknown>>): boolean =>
  String(member(config, "configuration", "value")).includes('"audience"');

/** Reads the filter back from a gateway's configuration. @param file names it in errors */
export function readRenderedFilter(yaml: string, file: string): RenderedFilter {
  const root = parse(yaml, file);
  const found = [...discoveredFilters(member(root, "static_resources"))].flatMap((filter) => {
    const config = member(filter.fallback, "config");
    return isWasm(filter.fallback) && isRecord(config) ? [{ ...filter, config }] : [];
  });
  const first = found.find(({ config }) => isOurs(config)) ?? found[0];
  if (first === undefined)
    throw new UserError(`${file} has no glassgate filter by ECDS with a default_config.`, {
      hint: "`glassgate gateway render` writes a complete one; `glassgate gateway verify` says what is missing.",
    });
  const { name, ecdsPath, config } = first;
  const nodeId = text(member(root, "node", "id"));
  const adminAddress = adminOf(root);
  const listeners = found
    .filter((filter) => filter.ecdsPath === ecdsPath && filter.name === name)
    .flatMap(({ listener }) => (listener === undefined || listener === "" ? [] : [listener]));
  return {
    name,
    ecdsPath,
    config,
    ...(listeners.length === 0 ? {} : { listeners }),
    ...(nodeId === undefined ? {} : { nodeId }),
    ...(adminAddress === undefined ? {} : { adminAddress }),
  };
}

/** Members of the configuration that the renderer decided, such as mode and strip: a push keeps them. */
export function keptOptions(filter: RenderedFilter, file: string): ConfigurationOptions {
  const value = member(filter.config, "configuration", "value");
  const hint = "Render it again with `glassgate gateway render`.";
  const rendered = parseJson(typeof value === "string" ? value : "", file, configurationSchema, hint);
  const { generation: _, audience: __, roots: ___, threshold: ____, bundle: _____, ...kept } = rendered;
  return kept;
}
