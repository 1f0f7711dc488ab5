/**
 * A Kong that is none: its Admin API as far as a push uses it, with Kong's own validations and answers (written after the public source
 * of 3.4 to 3.9), and a proxy port where the break-glass route is judged as the stored configuration lets it. No whole Kong runs here.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import { isRecord } from "../../control/base/schema.js";
import { draft4Fault } from "./draft4.js";

type Row = Record<string, unknown>;
type Rows = Record<string, Row[]>;

const META: unknown = JSON.parse(
  readFileSync(fileURLToPath(new URL("../../config/kong/glassgate.meta.json", import.meta.url)), "utf8"),
);
/** Kind -> members that Kong has for it (its timestamps and tags included). */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  services: [
    ...["host", "port", "protocol", "path", "retries", "connect_timeout", "write_timeout", "read_timeout", "enabled"],
    ...["tls_verify", "tls_verify_depth", "ca_certificates", "client_certificate", "name", "url"],
  ],
  routes: [
    ...[
      "name",
      "protocols",
      "https_redirect_status_code",
      "strip_path",
      "preserve_host",
      "request_buffering",
      "service",
    ],
    ...[
      "response_buffering",
      "snis",
      "sources",
      "destinations",
      "methods",
      "hosts",
      "paths",
      "headers",
      "regex_priority",
    ],
    "path_handling",
  ],
  plugins: ["name", "instance_name", "config", "enabled", "protocols", "route", "service", "consumer"],
  consumers: ["username", "custom_id"],
  keyauth_credentials: ["key", "consumer", "ttl"],
  acls: ["group", "consumer"],
  upstreams: ["name", "host_header", "algorithm", "slots", "hash_on", "healthchecks"],
  targets: ["target", "weight", "upstream"],
  filter_chains: ["name", "enabled", "route", "service", "filters"],
};
const ALWAYS = ["id", "created_at", "updated_at", "tags"];
const NESTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  services: { routes: "service", plugins: "service", filter_chains: "service" },
  routes: { plugins: "route", filter_chains: "route" },
  consumers: { plugins: "consumer", keyauth_credentials: "consumer", acls: "consumer" },
  upstreams: { targets: "upstream" },
};
const PLURAL: Readonly<Record<string, string>> = {
  service: "services",
  route: "routes",
  consumer: "consumers",
  upstream: "upstreams",
};

const rowsOf = (value: unknown): Row[] =>
  Array.isArray(value) ? value.filter((one): one is Row => isRecord(one)) : [];

export class FakeKong {
  readonly admin: Server;
  readonly proxy: Server;
  version = "3.9.1";
  workers = 2;
  /** Kong 3.4 knows no meta.json: then a configuration is a text. */
  hasMeta = true;
  filters: readonly string[] = ["glassgate"];
  settings: Row = { wasm: true, untrusted_lua: "sandbox", untrusted_lua_sandbox_environment: ["kong.ctx"] };
  /** The proxy takes up what is stored; else it serves what it served. */
  takesUp = true;
  /** Answers in Kong's place. */
  answer: ((method: string, path: string, response: ServerResponse) => boolean) | undefined;
  readonly asked: string[] = [];
  /** As records name it. */
  readonly nodeId = randomUUID();
  /** Serves callers in the place of the answers below: kong-front.ts. */
  serve: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  rows: Rows = {};
  private serving: Rows = {};

  constructor(readonly database: "off" | "postgres") {
    this.admin = createServer((request, response) => void this.handle(request, response));
    this.proxy = createServer((request, response) => this.proxied(request, response));
  }

  /** What its workers have taken up. */
  get served(): Readonly<Rows> {
    return this.serving;
  }

  get url(): string {
    return `http://127.0.0.1:${portOf(this.admin)}`;
  }

  get proxyPort(): number {
    return portOf(this.proxy);
  }

  async listen(): Promise<void> {
    for (const server of [this.admin, this.proxy])
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  }

  close(): void {
    for (const server of [this.admin, this.proxy]) {
      server.closeAllConnections();
      server.close();
    }
  }

  /** As Kong reads its declarative file at its start. */
  boot(text: string): void {
    const fault = this.load(text);
    if (fault !== undefined) throw new Error(fault);
  }

  get keys(): string[] {
    return (this.rows.keyauth_credentials ?? []).map(({ key }) => String(key));
  }

  get configuration(): Row {
    const config = rowsOf(this.rows.filter_chains?.[0]?.filters)[0]?.config;
    const read: unknown = typeof config === "string" ? JSON.parse(config) : config;
    return isRecord(read) ? read : {};
  }

  private load(text: string): string | undefined {
    const root: unknown = parse(text);
    if (!isRecord(root)) return "expected an object";
    if (root._format_version !== "3.0" && root._format_version !== "1.1")
      return "declarative config is invalid: _format_version";
    const rows: Rows = Object.fromEntries(Object.keys(FIELDS).map((kind) => [kind, []]));
    for (const [name, list] of Object.entries(root)) {
      if (name.startsWith("_")) continue;
      if (!Object.hasOwn(FIELDS, name)) return `declarative config is invalid: {${name}="unknown field"}`;
      const fault = this.enter(rows, name, rowsOf(list));
      if (fault !== undefined) return fault;
    }
    const fault = this.resolve(rows);
    if (fault !== undefined) return fault;
    this.rows = rows;
    this.takeUp();
    return undefined;
  }

  private enter(rows: Rows, kind: string, list: Row[], by?: string, owner?: string): string | undefined {
    for (const given of list) {
      const filled = Object.entries(given).filter(([name, value]) => value !== null && name !== "ws_id");
      const row: Row = { id: randomUUID(), ...Object.fromEntries(filled) };
      if (by !== undefined) row[by] = owner;
      for (const [child, own] of Object.entries(NESTED[kind] ?? {})) {
        const inner = rowsOf(row[child]);
        delete row[child];
        const fault = this.enter(rows, child, inner, own, String(row.id));
        if (fault !== undefined) return fault;
      }
      const fault = this.fault(kind, row);
      if (fault !== undefined) return `declarative config is invalid: ${fault}`;
      rows[kind]?.push(row);
    }
    return undefined;
  }

  private fault(kind: string, row: Row): string | undefined {
    const stranger = Object.keys(row).find((name) => ![...ALWAYS, ...(FIELDS[kind] ?? [])].includes(name));
    if (stranger !== undefined) return `{${kind}={${stranger}="unknown field"}}`;
    return kind === "filter_chains" ? this.filtersFault(row.filters) : undefined;
  }

  private filtersFault(filters: unknown): string | undefined {
    if (this.settings.wasm === false) return "wasm support is not enabled";
    if (!Array.isArray(filters) || filters.length === 0) return "filters: length must be at least 1";
    for (const filter of rowsOf(filters)) {
      const stranger = Object.keys(filter).find((name) => !["name", "enabled", "config"].includes(name));
      if (stranger !== undefined) return `filters: {${stranger}: unknown field}`;
      if (!this.filters.includes(String(filter.name))) return "schema violation (filters.1.name: no such filter)";
      if (!this.hasMeta && typeof filter.config !== "string" && filter.config != null)
        return `schema violation (filters.1.config: wrong type: expected one of string, null, got ${typeof filter.config})`;
      const fault = this.hasMeta && isRecord(META) ? draft4Fault(META.config_schema, filter.config) : undefined;
      if (fault !== undefined) return `schema violation (filters.1.${fault})`;
    }
    return undefined;
  }

  /** References by name or id become ids; keys are unique. */
  private resolve(rows: Rows): string | undefined {
    for (const [kind, list] of Object.entries(rows))
      for (const row of list)
        for (const [by, plural] of Object.entries(PLURAL)) {
          const named = row[by];
          if (named === undefined || named === null) continue;
          const wanted = isRecord(named) ? (named.id ?? named.name) : named;
          const found = rows[plural]?.find((one) => [one.id, one.name, one.username].includes(wanted));
          if (found === undefined)
            return `declarative config is invalid: ${kind}: invalid reference '${by}: ${String(wanted)}'`;
          row[by] = found.id;
        }
    const keys = (rows.keyauth_credentials ?? []).map(({ key }) => key);
    return new Set(keys).size === keys.length
      ? undefined
      : `uniqueness violation: 'keyauth_credentials' entity with key set to '${String(keys[0])}' already declared`;
  }

  private takeUp(): void {
    if (this.takesUp) this.serving = structuredClone(this.rows);
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ""] = (request.url ?? "").split("?");
    const method = request.method ?? "";
    this.asked.push(`${method} ${path}`);
    let text = "";
    for await (const chunk of request) text += String(chunk);
    if (this.answer?.(method, path, response) === true) return;
    const body: unknown = text === "" ? {} : JSON.parse(text);
    const [status, answer] = this.answerTo(method, path, isRecord(body) ? body : {});
    response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
    response.end(status === 204 ? "" : JSON.stringify(answer));
  }

  private answerTo(method: string, path: string, body: Row): readonly [status: number, answer: unknown] {
    if (path === "/") return [200, this.root()];
    if (path === "/config") return this.config(method, body);
    const [, kind, name = "", nested, id] = path.split("/").map(decodeURIComponent);
    if (method !== "GET" && this.database === "off")
      return [
        405,
        {
          code: 12,
          name: "operation unsupported",
          message: `cannot create or update '${kind}' entities when not using a database`,
        },
      ];
    if (method === "GET" && name === "") return this.list(kind);
    if (method === "GET" && kind === "upstreams" && nested === "targets") return this.list("targets", name);
    if (kind === "filter-chains") return this.chain(method, name, body);
    if (kind === "consumers" && nested === "key-auth") return this.credentials(method, name, id, body);
    return [404, { message: "Not found" }];
  }

  /** As its Admin API calls the kinds. */
  private list(kind = "", upstream?: string): readonly [number, unknown] {
    const rows = this.rows[kind === "key-auths" ? "keyauth_credentials" : kind.replaceAll("-", "_")];
    if (rows === undefined) return [404, { message: "Not found" }];
    const own = rows.filter((row) => upstream === undefined || row.upstream === upstream);
    const referred = (row: Row): Row =>
      Object.fromEntries(Object.keys(PLURAL).flatMap((by) => (row[by] == null ? [] : [[by, { id: row[by] }]])));
    return [200, { data: own.map((row) => ({ ...exported(kind, row), ...referred(row) })), next: null }];
  }

  private root(): unknown {
    const modules = this.filters.map((name) => ({ name, path: `/filters/${name}.wasm` }));
    return {
      tagline: "Welcome to kong",
      version: this.version,
      hostname: "kong-1",
      node_id: this.nodeId,
      pids: { master: 1, workers: Array.from({ length: this.workers }, (_, i) => 10 + i) },
      configuration: {
        ...{
          database: this.database,
          role: "traditional",
          wasm_modules_parsed: modules,
          worker_state_update_frequency: 0.2,
        },
        ...this.settings,
      },
    };
  }

  private config(method: string, body: Row): readonly [number, unknown] {
    if (this.database !== "off")
      return [400, { message: "this endpoint is only available when Kong is configured to not use a database" }];
    if (method === "GET") {
      const filled = Object.entries(this.rows)
        .filter(([, list]) => list.length > 0)
        .map(([kind, list]) => [kind, list.map((row) => exported(kind, row))]);
      return [200, { config: stringify({ _format_version: "3.0", _transform: false, ...Object.fromEntries(filled) }) }];
    }
    const fault = this.load(String(body.config));
    return fault === undefined
      ? [201, this.rows]
      : [400, { code: 14, name: "invalid declarative configuration", message: fault }];
  }

  private chain(method: string, name: string, body: Row): readonly [number, unknown] {
    const chain = this.rows.filter_chains?.find((one) => one.name === name || one.id === name);
    if (chain === undefined) return [404, { message: "Not found" }];
    if (method === "GET") return [200, { ...chain, route: chain.route == null ? null : { id: chain.route } }];
    const stranger = Object.keys(body).find((member) => ![...ALWAYS, ...(FIELDS.filter_chains ?? [])].includes(member));
    const fault =
      stranger === undefined
        ? this.filtersFault(body.filters ?? chain.filters)
        : `schema violation (${stranger}: unknown field)`;
    if (fault !== undefined) return [400, { code: 2, name: "schema violation", message: fault }];
    Object.assign(chain, structuredClone(body));
    this.takeUp();
    return [200, chain];
  }

  private credentials(method: string, consumer: string, id: string | undefined, body: Row): readonly [number, unknown] {
    const owner = this.rows.consumers?.find((one) => one.username === consumer || one.id === consumer);
    const all = this.rows.keyauth_credentials ?? [];
    if (owner === undefined) return [404, { message: "Not found" }];
    if (method === "GET") return [200, { data: all.filter((one) => one.consumer === owner.id), next: null }];
    if (method === "DELETE") {
      this.rows.keyauth_credentials = all.filter((one) => one.id !== id);
      this.takeUp();
      return [204, ""];
    }
    if (all.some(({ key }) => key === body.key))
      return [
        409,
        {
          code: 5,
          name: "unique constraint violation",
          message: `UNIQUE violation detected on '{key="${String(body.key)}"}'`,
        },
      ];
    const row = { id: randomUUID(), key: body.key, consumer: owner.id };
    this.rows.keyauth_credentials = [...all, row];
    this.takeUp();
    return [201, row];
  }

  /** The break-glass route as it serves: the second route's key-auth answers where no filter stands, else the filter. */
  private proxied(request: IncomingMessage, response: ServerResponse): void {
    if (this.serve !== undefined) {
      this.serve(request, response);
      return;
    }
    const [status, body] = this.routed(request.headers.host);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  }

  private routed(host: string | undefined): readonly [number, Row] {
    const chain = this.serving.filter_chains?.[0];
    const filter = rowsOf(chain?.filters)[0];
    const hosts = (this.serving.routes ?? []).flatMap(({ hosts: some }) => (Array.isArray(some) ? some : []));
    if (!hosts.includes(host)) return [404, { message: "no Route matched with those values" }];
    if (chain?.enabled === false || filter === undefined || filter.enabled === false)
      return [401, { message: "No API key found in request", request_id: "1" }];
    const config: unknown = typeof filter.config === "string" ? JSON.parse(filter.config) : filter.config;
    const code = isRecord(config) && config.bundle !== undefined ? "malformed" : "no_trust";
    return [code === "malformed" ? 401 : 503, { type: `urn:glassgate:verdict:${code}`, code }];
  }
}

/** With every member that Kong has for it: what is not set is null, or its default. */
function exported(kind: string, row: Row): Row {
  const unset = Object.fromEntries([...(FIELDS[kind] ?? []), "tags"].map((name) => [name, null]));
  const defaults = kind === "upstreams" ? { algorithm: "round-robin", slots: 10_000, hash_on: "none" } : {};
  return { ...unset, ...defaults, ...row, ws_id: "0dc6f45b-8f8d-40d2-a504-473544ee190b" };
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
