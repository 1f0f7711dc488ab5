/** Kong's Admin API, read with types and within bounds. Nothing that it answers is shown with a key in it. */
import { z } from "zod";
import { messageOf, UserError } from "../../base/errors.js";
import { isLoopback } from "../../base/loopback.js";
import { visible } from "../../base/text.js";
import { refuseLedAstray } from "../../base/way.js";
import { UnreachableError, UnseenError } from "../admin.js";

/** A Kong's whole declarative configuration is far below. */
const MAX_BYTES = 32 * 1024 * 1024;
const TIMEOUT_MS = 30_000;
/** For what is asked first, and is short: one that hangs shall not hold up a revocation at the others. */
const FIRST_TIMEOUT_MS = 5000;
/** Kong says `busy` while it loads a configuration, and when to come again. */
const MAX_RETRIES = 5;
const MAX_ENTITIES = 100_000;

const list = z.union([z.array(z.string()), z.string(), z.null()]).optional();
const info = z.looseObject({
  version: z.string(),
  hostname: z.string().default(""),
  /** By which the filter's records name it. */
  node_id: z.string().optional(),
  pids: z.looseObject({ workers: z.array(z.unknown()).optional() }).optional(),
  configuration: z.looseObject({
    database: z.string(),
    role: z.string().default("traditional"),
    wasm: z.unknown().optional(),
    wasm_modules_parsed: z.array(z.looseObject({ name: z.string() })).nullish(),
    trusted_ips: list,
    untrusted_lua: z.string().optional(),
    untrusted_lua_sandbox_environment: list,
    worker_state_update_frequency: z.number().default(5),
  }),
});
const filter = z.looseObject({ name: z.string(), enabled: z.boolean().default(true), config: z.unknown().optional() });
const chain = z.looseObject({ enabled: z.boolean().default(true), filters: z.array(filter) });
const credentials = z.looseObject({ data: z.array(z.looseObject({ id: z.string(), key: z.string() })) });
const exported = z.looseObject({ config: z.string() });
const page = z.looseObject({ data: z.array(z.looseObject({})), next: z.string().nullish() });
const complaint = z.looseObject({ message: z.string() });

export type KongInfo = z.infer<typeof info> & { readonly clock: number | undefined };
export type KongChain = z.infer<typeof chain>;

interface Page {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

/** A request that Kong answered with "no": nothing was changed. */
export class KongRefusal extends UserError {}

export class KongAdmin {
  readonly address: string;
  private readonly secrets = new Set<string>();

  /** @param token of an Enterprise's RBAC user */
  constructor(
    url: string,
    private readonly token?: string,
  ) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw new UserError(`"${visible(url)}" is no address of an Admin API.`, {
        hint: "Write it whole: http://127.0.0.1:8001, or https://... with its certificate in NODE_EXTRA_CA_CERTS.",
      });
    const parsed = new URL(url);
    if (parsed.username !== "" || parsed.password !== "")
      throw new UserError("The address names a user and a password: others on this machine could read them.", {
        hint: "Put an Enterprise's token into KONG_ADMIN_TOKEN.",
      });
    if (parsed.protocol === "http:" && !isLoopback(hostOf(parsed)))
      throw new UserError(`Over ${visible(url)} the upstream key, and an Enterprise's token, would travel in clear.`, {
        hint: "Use https://, or run this on Kong's own machine. A tunnel to it (ssh -L, kubectl port-forward) ends on loopback, too.",
      });
    refuseLedAstray(parsed, "the upstream key, and an Enterprise's token");
    if (token !== undefined) this.hide(token);
    this.address = `${parsed.origin}${parsed.pathname.replace(/\/$/, "")}`;
  }

  get host(): string {
    return hostOf(new URL(this.address));
  }

  /** Texts that no message may show, whatever Kong answers. */
  hide(secret: string): void {
    this.secrets.add(secret);
  }

  private shown(text: string): string {
    let shown = text;
    for (const secret of this.secrets) shown = shown.replaceAll(secret, "(a key)");
    return visible(shown).slice(0, 600);
  }

  private async ask(method: string, path: string, body?: unknown): Promise<Page> {
    const timeoutMs = path === "/" ? FIRST_TIMEOUT_MS : TIMEOUT_MS;
    try {
      const answer = await fetch(`${this.address}${path}`, {
        method,
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          accept: "application/json",
          connection: "close",
          ...(this.token === undefined ? {} : { "kong-admin-token": this.token }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.status, text: await bounded(answer), headers: answer.headers };
    } catch (error) {
      if (error instanceof Error && error.name === "TimeoutError")
        throw new UnreachableError(`The Admin API at ${this.address} has not answered within ${timeoutMs / 1000} s.`, {
          hint: "Is it Kong's `admin_listen`, and is Kong well?",
          cause: error,
        });
      const reason = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
      throw new UnreachableError(`The Admin API at ${this.address} does not answer: ${this.shown(reason)}.`, {
        hint: "Is it Kong's `admin_listen`, and may this machine reach it?",
        cause: error,
      });
    }
  }

  private parse<T>(page: Page, path: string, schema: z.ZodType<T>): T {
    try {
      return schema.parse(JSON.parse(page.text));
    } catch {
      // What exactly is wrong with a stranger's answer helps nobody.
      throw new UnseenError(
        `What answers at ${this.address} is no Admin API of a Kong: its answer to ${path} is another.`,
        {
          hint: "The address is that of `admin_listen`, by default http://127.0.0.1:8001.",
        },
      );
    }
  }

  private refusal(page: Page, what: string): UserError {
    if (page.status === 401 || page.status === 403)
      return new UnseenError(`The Admin API at ${this.address} does not let this command ${what}.`, {
        hint: "An Enterprise's RBAC wants a token: put it into KONG_ADMIN_TOKEN.",
      });
    if (page.status < 400)
      throw new UnseenError(
        `What answers at ${this.address} is no Admin API of a Kong: it leads elsewhere (${page.status}).`,
        {
          hint: "The address is that of `admin_listen`, by default http://127.0.0.1:8001.",
        },
      );
    let said = page.text;
    try {
      said = complaint.parse(JSON.parse(page.text)).message;
    } catch {
      // No JSON of Kong's: shown as it is.
    }
    if (page.status >= 400 && page.status < 500)
      return new KongRefusal(`Kong at ${this.address} refuses to ${what}: ${this.shown(said)}`, {
        hint: hintOf(said),
        exitCode: 1,
      });
    return new UnseenError(`Kong at ${this.address} could not ${what} (${page.status}): ${this.shown(said)}`, {
      hint: "See its error log.",
      exitCode: 1,
    });
  }

  async info(): Promise<KongInfo> {
    const page = await this.ask("GET", "/");
    if (page.status !== 200) throw this.refusal(page, "read what it is");
    const clock = Date.parse(page.headers.get("date") ?? "");
    return { ...this.parse(page, "/", info), clock: Number.isNaN(clock) ? undefined : Math.floor(clock / 1000) };
  }

  /** Undefined where there is none of that name. */
  async chain(name: string): Promise<KongChain | undefined> {
    const path = `/filter-chains/${encodeURIComponent(name)}`;
    const page = await this.ask("GET", path);
    if (page.status === 404) return undefined;
    if (page.status !== 200) throw this.refusal(page, "read the filter chain");
    return this.parse(page, path, chain);
  }

  async patchChain(name: string, filters: KongChain["filters"]): Promise<void> {
    const page = await this.ask("PATCH", `/filter-chains/${encodeURIComponent(name)}`, { filters });
    if (page.status !== 200) throw this.refusal(page, "take the filter's configuration");
  }

  private keysPath(consumer: string): string {
    return `/consumers/${encodeURIComponent(consumer)}/key-auth`;
  }

  async keys(consumer: string): Promise<{ readonly id: string; readonly key: string }[]> {
    const path = this.keysPath(consumer);
    const page = await this.ask("GET", `${path}?size=1000`);
    if (page.status !== 200) throw this.refusal(page, "read the gateway's own consumer");
    return this.parse(page, path, credentials).data;
  }

  async addKey(consumer: string, key: string): Promise<void> {
    const page = await this.ask("POST", this.keysPath(consumer), { key });
    if (page.status !== 201) throw this.refusal(page, "take the new key");
  }

  async removeKey(consumer: string, id: string): Promise<void> {
    const page = await this.ask("DELETE", `${this.keysPath(consumer)}/${encodeURIComponent(id)}`);
    if (page.status !== 204 && page.status !== 404) throw this.refusal(page, "end the key before the last");
  }

  /** What a Kong without database runs, as a declarative configuration. */
  async exported(): Promise<string> {
    const page = await this.ask("GET", "/config");
    if (page.status !== 200) throw this.refusal(page, "show its configuration");
    return this.parse(page, "/config", exported).config;
  }

  /** All entities that stand at that path, page by page. */
  async all(path: string): Promise<Readonly<Record<string, unknown>>[]> {
    const entities: Readonly<Record<string, unknown>>[] = [];
    for (let next: string | undefined = `${path}?size=1000`; next !== undefined; ) {
      if (!next.startsWith(`${path}?`) || entities.length > MAX_ENTITIES)
        throw new UnseenError(`What answers at ${this.address} lists ${path} without an end.`);
      const answer = await this.ask("GET", next);
      if (answer.status !== 200) throw this.refusal(answer, `list ${path}`);
      const read = this.parse(answer, path, page);
      entities.push(...read.data);
      next = read.next ?? undefined;
    }
    return entities;
  }

  /** Takes the place of the whole configuration of a Kong without database. */
  async load(config: string): Promise<void> {
    for (let tries = 0; ; tries++) {
      const page = await this.ask("POST", "/config", { config });
      if (page.status === 201) return;
      if (page.status !== 429 || tries >= MAX_RETRIES) throw this.refusal(page, "take the configuration");
      const seconds = Number(page.headers.get("retry-after") ?? "1");
      await new Promise((resolve) => setTimeout(resolve, Math.min(Math.max(seconds, 0.1), 10) * 1000));
    }
  }
}

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, "");

async function bounded(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error("its answer is larger than 32 MiB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The next step after what Kong says itself. */
function hintOf(said: string): string {
  if (said.includes("wasm"))
    return "Kong runs filters with `wasm = on` in kong.conf; 3.4 to 3.9 (Enterprise: 3.10) can.";
  if (said.includes("no such filter"))
    return "Put glassgate.wasm and glassgate.meta.json into `wasm_filters_path`, and restart Kong.";
  if (/expected one of string, null|wrong type/.test(said))
    return "Without glassgate.meta.json beside the filter, and on Kong 3.4, the configuration must be a text: `glassgate gateway render --for kong --config-as-text`.";
  return "`glassgate gateway verify` says what is wrong with the file.";
}
