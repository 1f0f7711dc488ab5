/**
 * What a Kong's proxy port does, as far as its break-glass way goes: routes, the plugins of config/kong/kong.yaml, and a filter chain
 * at the end, by what the fake Kong beside it has taken up. No whole Kong runs here; the filter is the release's own, run by a road.
 */
import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";
import { isRecord } from "../../control/base/schema.js";
import { fitsHost } from "../../control/gateway/kong/pair.js";
import type { FakeKong } from "./fake-kong.js";

export type Line = readonly [name: string, value: string];
type Row = Readonly<Record<string, unknown>>;

export interface Sent {
  readonly method: string;
  /** Byte for byte. */
  readonly target: string;
  readonly lines: readonly Line[];
}

export interface Answered {
  readonly status: number;
  readonly lines: readonly Line[];
  readonly body: string;
  /** What the filter left in `kong.ctx.shared.glassgate_audit`. */
  readonly audit?: string | undefined;
}

/** Runs the filter on a request, and sends on what it lets through. */
export interface FilterRoad {
  send(
    sent: Sent,
    chain: { readonly id: string; readonly configuration: string },
    onward: (sent: Sent) => Promise<Answered>,
  ): Promise<Answered>;
  stop(): Promise<void>;
}

const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
const lineOf = ({ lines }: Sent, name: string): string[] =>
  lines.flatMap(([one, value]) => (one.toLowerCase() === name.toLowerCase() ? [value] : []));
const without = (lines: readonly Line[], names: readonly string[]): Line[] =>
  lines.filter(([name]) => !names.includes(name.toLowerCase()));
const hostOf = (sent: Sent): string => lineOf(sent, "host")[0] ?? "";

const own = (status: number, message: string): Answered => ({
  status,
  lines: [
    ["content-type", "application/json; charset=utf-8"],
    ["x-kong-response-latency", "0"],
  ],
  body: JSON.stringify({ message }),
});

/** A value, or `~*` and an expression. */
const fitsHeader = (wanted: string, value: string): boolean =>
  wanted.startsWith("~*") ? new RegExp(wanted.slice(2), "i").test(value) : wanted === value;

/** How many kinds of condition a route has, and how long a path; undefined where it does not take the request. */
function weightOf(route: Row, sent: Sent): number | undefined {
  const [hosts, methods, paths] = [textsOf(route.hosts), textsOf(route.methods), textsOf(route.paths)];
  const headers = isRecord(route.headers) ? Object.entries(route.headers) : [];
  const path = paths.filter((one) => sent.target.startsWith(one)).sort((a, b) => b.length - a.length)[0];
  if (hosts.length > 0 && !hosts.some((host) => fitsHost(host, hostOf(sent)))) return undefined;
  if (methods.length > 0 && !methods.includes(sent.method)) return undefined;
  if (paths.length > 0 && path === undefined) return undefined;
  for (const [name, wanted] of headers)
    if (!lineOf(sent, name).some((value) => textsOf(wanted).some((one) => fitsHeader(one, value)))) return undefined;
  return [hosts, methods, paths, headers].filter(({ length }) => length > 0).length * 10_000 + (path?.length ?? 0);
}

interface Passing {
  readonly sent: Sent;
  readonly consumer: Row | undefined;
}

const audited = z.object({ request_id: z.string() });
const HOP_BY_HOP = ["connection", "upgrade", "keep-alive", "transfer-encoding", "content-length"];

/** Where a Kong has several addresses only loopback is one of the caller's here. */
const CALLER = "127.0.0.1";

class KongFront {
  constructor(
    private readonly kong: FakeKong,
    private readonly road: FilterRoad,
  ) {}

  private rows(kind: string): readonly Row[] {
    return this.kong.served[kind] ?? [];
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const lines: Line[] = [];
    for (let i = 0; i < request.rawHeaders.length; i += 2)
      lines.push([request.rawHeaders[i] ?? "", request.rawHeaders[i + 1] ?? ""]);
    request.resume();
    const sent = { method: request.method ?? "", target: request.url ?? "", lines };
    const { status, lines: answer, body, audit } = await this.answerTo(sent);
    const [first = "{}"] = (audit ?? "").split("\n");
    const id = audited.safeParse(JSON.parse(first === "" ? "{}" : first)).data?.request_id;
    response.writeHead(status, [
      ...without(answer, [...HOP_BY_HOP, "x-kong-request-id"]).flat(),
      ...["x-kong-request-id", id ?? randomBytes(16).toString("hex")],
    ]);
    response.end(request.method === "HEAD" ? undefined : body);
  }

  private async answerTo(sent: Sent): Promise<Answered> {
    const fits = this.rows("routes").flatMap((route) => {
      const weight = weightOf(route, sent);
      return weight === undefined ? [] : [{ route, weight }];
    });
    const [best] = fits.sort((a, b) => b.weight - a.weight);
    if (best === undefined) return own(404, "no Route matched with those values");
    const { route } = best;
    const passed = this.pluginsBefore(route, sent);
    const answered = "status" in passed ? passed : await this.filtered(route, passed.sent);
    this.log(route, answered);
    return answered;
  }

  private pluginsOf(route: Row): readonly Row[] {
    return this.rows("plugins").filter(
      (plugin) =>
        plugin.enabled !== false &&
        (plugin.route === undefined || plugin.route === route.id) &&
        (plugin.service === undefined || plugin.service === route.service),
    );
  }

  private plugin(route: Row, name: string): Row | undefined {
    const config = this.pluginsOf(route).find((plugin) => plugin.name === name)?.config;
    return isRecord(config) ? config : undefined;
  }

  private pluginsBefore(route: Row, sent: Sent): Passing | Answered {
    const [keyAuth, acl, addresses, transformer] = [
      this.plugin(route, "key-auth"),
      this.plugin(route, "acl"),
      this.plugin(route, "ip-restriction"),
      this.plugin(route, "request-transformer"),
    ];
    if (addresses !== undefined && !textsOf(addresses.allow).includes(CALLER))
      return own(403, "IP address not allowed");
    let passing: Passing = { sent, consumer: undefined };
    if (keyAuth !== undefined && (sent.method !== "OPTIONS" || keyAuth.run_on_preflight !== false)) {
      const known = this.keyed(keyAuth, sent);
      if ("status" in known) return known;
      passing = known;
    }
    const groups = this.rows("acls").filter(({ consumer }) => consumer === passing.consumer?.id);
    if (acl !== undefined && !groups.some(({ group }) => textsOf(acl.allow).includes(String(group))))
      return own(403, "You cannot consume this service");
    const removed = isRecord(transformer?.remove) ? textsOf(transformer.remove.headers) : [];
    const lines = without(
      passing.sent.lines,
      removed.map((name) => name.toLowerCase()),
    );
    return { ...passing, sent: { ...passing.sent, lines } };
  }

  private keyed(config: Row, sent: Sent): Passing | Answered {
    const names = textsOf(config.key_names);
    const [given, ...more] = names.flatMap((name) => lineOf(sent, name));
    if (given === undefined) return own(401, "No API key found in request");
    if (more.length > 0) return own(401, "Duplicate API key found");
    const credential = this.rows("keyauth_credentials").find(({ key }) => key === given);
    if (credential === undefined) return own(401, "Unauthorized");
    const consumer = this.rows("consumers").find(({ id }) => id === credential.consumer);
    const identity = ["x-consumer-id", "x-consumer-username", "x-credential-identifier"];
    const hidden = config.hide_credentials === true ? names.map((name) => name.toLowerCase()) : [];
    const lines: Line[] = [
      ...without(sent.lines, [...identity, ...hidden]),
      ["X-Consumer-ID", String(consumer?.id)],
      ["X-Consumer-Username", String(consumer?.username)],
    ];
    return { sent: { ...sent, lines }, consumer };
  }

  /** The chain of the route, where one is in force: without it Kong lets requests pass. */
  private async filtered(route: Row, sent: Sent): Promise<Answered> {
    const onward = (changed: Sent): Promise<Answered> => this.onward(route, changed);
    const chain = this.rows("filter_chains").find((one) => one.route === route.id && one.enabled !== false);
    const [filter] = Array.isArray(chain?.filters) ? chain.filters.filter(isRecord) : [];
    if (chain === undefined || filter === undefined || filter.enabled === false) return onward(sent);
    const { config } = filter;
    const configuration = typeof config === "string" ? config : JSON.stringify(config);
    return this.road.send(sent, { id: String(chain.id), configuration }, onward);
  }

  /** To the route's service. */
  private async onward(route: Row, sent: Sent): Promise<Answered> {
    const service = this.rows("services").find(({ id }) => id === route.service);
    const upstream = this.rows("upstreams").find(({ name }) => name === service?.host);
    const target = this.rows("targets").find((one) => upstream !== undefined && one.upstream === upstream.id);
    const [hostname = "", port = ""] =
      target === undefined ? [String(service?.host), String(service?.port)] : String(target.target).split(":");
    const host = upstream?.host_header === undefined ? `${hostname}:${port}` : String(upstream.host_header);
    const lines: Line[] = [
      ...without(sent.lines, ["host", "x-forwarded-host", "x-forwarded-path", ...HOP_BY_HOP]),
      ["Host", host],
      ["X-Forwarded-Host", hostOf(sent)],
      ["X-Forwarded-Path", sent.target],
      ["Connection", "close"],
    ];
    const answered = await exchange({ hostname, port: Number(port) }, { ...sent, lines });
    return { ...answered, lines: [...answered.lines, ["x-kong-upstream-latency", "0"]] };
  }

  private log(route: Row, { status, audit }: Answered): void {
    const config = this.plugin(route, "file-log");
    if (config === undefined) return;
    const fields = isRecord(config.custom_fields_by_lua) ? config.custom_fields_by_lua : {};
    const shown = String(fields.glassgate ?? "").includes("glassgate_audit") ? audit : undefined;
    const line = { response: { status }, ...(shown === undefined ? {} : { glassgate: shown }) };
    appendFileSync(String(config.path), `${JSON.stringify(line)}\n`);
  }
}

/** One request, and its whole answer. */
export function exchange(to: { hostname: string; port: number }, { method, target, lines }: Sent): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ ...to, method, path: target, headers: lines.flat(), setHost: false, agent: false });
    outgoing.on("error", reject);
    outgoing.on("response", (incoming) => {
      let body = "";
      incoming.setEncoding("latin1");
      incoming.on("data", (chunk: string) => {
        body += chunk;
      });
      incoming.on("end", () => {
        const answer: Line[] = Object.entries(incoming.headers).flatMap(([name, value]): Line[] =>
          value === undefined ? [] : [[name, String(value)]],
        );
        resolve({ status: incoming.statusCode ?? 0, lines: answer, body });
      });
      incoming.on("error", reject);
    });
    outgoing.end();
  });
}

/** Serves what the fake Kong holds. */
export function serveAs(kong: FakeKong, road: FilterRoad): void {
  const front = new KongFront(kong, road);
  kong.serve = (request, response) => {
    front.handle(request, response).catch((error: unknown) => {
      response.writeHead(502, { "content-type": "text/plain" });
      response.end(String(error));
    });
  };
}
