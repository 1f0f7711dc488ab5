/**
 * The filter's configuration and the upstream key in a declarative Kong configuration (the operator's own file, or what a Kong without
 * database exports), changed in place: everything else in it, comments too, stays.
 */
import { isDeepStrictEqual } from "node:util";
import {
  type Document,
  type DocumentOptions,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type ParseOptions,
  parseDocument,
  type SchemaOptions,
  visit,
  YAMLMap,
  type YAMLSeq,
} from "yaml";
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { Deployed } from "../ecds.js";
import { configurationIn, deployedIn, inFormOf, type UpstreamHeader, upstreamHeaderOf } from "./configuration.js";
import { FILTER_NAME } from "./names.js";
import { verbatimTag, textOf as written } from "./verbatim.js";

const HINT =
  "`glassgate gateway render --for kong` writes a complete one; `glassgate gateway verify` says what is wrong.";

/** Kong reads YAML 1.1, where `on`, `no` and `12:30` are no texts: what is written is quoted so that it is read as it was meant. */
export const KONG_YAML: ParseOptions & DocumentOptions & SchemaOptions = {
  compat: "yaml-1.1",
  customTags: [verbatimTag],
  logLevel: "error",
};
const OFF = /^(?:false|no|off)$/i;

const textOf = (node: unknown): string | undefined => (typeof node === "string" && node !== "" ? node : undefined);
const mapsIn = (list: unknown): YAMLMap[] => (isSeq(list) ? list.items.filter((item) => isMap(item)) : []);

interface Found {
  readonly chain: YAMLMap;
  readonly filter: YAMLMap;
}

function chainsIn(document: Document): Found[] {
  const found: Found[] = [];
  visit(document, {
    Pair(_, { key, value }) {
      if (!isScalar(key) || key.value !== "filter_chains") return;
      for (const chain of mapsIn(value))
        for (const filter of mapsIn(chain.get("filters")))
          if (filter.get("name") === FILTER_NAME) found.push({ chain, filter });
    },
  });
  return found;
}

interface Credentials {
  readonly list: YAMLSeq;
  /** The consumer, by the name or id that its credentials have for it. */
  readonly consumer: string;
  /** Whether they stand in the consumer. */
  readonly isNested: boolean;
}

/** The credentials among which the key is. */
function credentialsWith(document: Document, key: string): Credentials | undefined {
  let found: Credentials | undefined;
  visit(document, {
    Pair(_, pair, path) {
      if (!isScalar(pair.key) || pair.key.value !== "keyauth_credentials" || !isSeq(pair.value)) return;
      const holder = mapsIn(pair.value).find((one) => one.get("key") === key);
      if (holder === undefined) return;
      const around = path.at(-1);
      const inside = isMap(around) ? (textOf(around.get("username")) ?? textOf(around.get("id"))) : undefined;
      const named = holder.get("consumer");
      const outside = isMap(named) ? (textOf(named.get("username")) ?? textOf(named.get("id"))) : textOf(named);
      const consumer = inside ?? outside;
      if (consumer !== undefined) found = { list: pair.value, consumer, isNested: inside !== undefined };
    },
  });
  return found;
}

export interface Probed {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

export class KongFile {
  private readonly chains: readonly Found[];
  private readonly credentials: Credentials;
  /** One for all chains: they send one key to one consumer. */
  readonly header: UpstreamHeader;

  private constructor(
    private readonly document: Document,
    file: string,
  ) {
    const refuse = (what: string): UserError => new UserError(`${visible(file)} ${what}.`, { hint: HINT });
    this.chains = chainsIn(document);
    const headers = this.configs.map((config) => upstreamHeaderOf(configurationIn(config) ?? {}));
    const [header] = headers;
    if (this.chains.length === 0) throw refuse("has no filter chain with the filter glassgate");
    if (header === undefined) throw refuse("has a filter that sends no key (upstream_header)");
    if (!headers.every((other) => isDeepStrictEqual(other, header)))
      throw refuse("has filters that send different keys: copy one upstream_header into all of them");
    const credentials = credentialsWith(document, header.value);
    if (credentials === undefined) throw refuse("has no consumer with the key that its filter sends");
    this.header = header;
    this.credentials = credentials;
  }

  /** @param file names the text in errors */
  static read(text: string, file: string): KongFile {
    const document = parseDocument(text, KONG_YAML);
    const [error] = document.errors;
    // The parser's own error quotes the place, which may be the key's: it is no cause that anybody may print.
    if (error !== undefined)
      throw new UserError(`${visible(file)} is not YAML: ${visible(error.message.split("\n", 1)[0] ?? "")}`, {
        hint: HINT,
      });
    try {
      return new KongFile(document, file);
    } catch (error) {
      if (error instanceof UserError) throw error;
      // Aliases of aliases, or one of nothing. The cause may quote what stands there.
      throw new UserError(`${visible(file)} cannot be read: its YAML is nested or aliased too far.`, { hint: HINT });
    }
  }

  private get configs(): unknown[] {
    return this.chains.map(({ filter }) => {
      const node = filter.get("config", true);
      const config = isAlias(node) ? node.resolve(this.document) : node;
      return isMap(config) ? config.toJS(this.document) : isScalar(config) ? config.value : undefined;
    });
  }

  /** What stands at each chain, as an object. */
  get written(): (Readonly<Record<string, unknown>> | undefined)[] {
    return this.configs.map(configurationIn);
  }

  /** All of the consumer. */
  get keys(): string[] {
    const { list } = this.credentials;
    return list.items.flatMap((item) => (this.isOurs(item) ? [String(item.get("key"))] : []));
  }

  private isOurs(item: unknown): item is YAMLMap {
    const { consumer, isNested } = this.credentials;
    return isMap(item) && (isNested || item.get("consumer") === consumer || this.header.value === item.get("key"));
  }

  /** By which the Admin API finds the chains. */
  get chainNames(): (string | undefined)[] {
    return this.chains.map(({ chain }) => textOf(chain.get("name")) ?? textOf(chain.get("id")));
  }

  get consumer(): string {
    return this.credentials.consumer;
  }

  get isEnabled(): boolean {
    const nodes = this.chains.flatMap(({ chain, filter }) => [chain, filter]);
    return !nodes.some((node) => OFF.test(String(node.get("enabled"))));
  }

  /** Of each chain; the first decides what is not pushed. */
  get deployed(): Deployed[] {
    return this.configs.flatMap((config) => deployedIn(config) ?? []);
  }

  /** The routes on which the chains stand, and the proxy port that the hop takes: what a probe needs. */
  get probes(): Probed[] {
    let port: number | undefined;
    const routes = new Map<unknown, YAMLMap>();
    visit(this.document, {
      Map(_, node) {
        for (const member of ["name", "id"]) if (isSeq(node.get("hosts"))) routes.set(node.get(member), node);
        const target = /^127\.0\.0\.1:(\d{1,5})$/.exec(textOf(node.get("target")) ?? "");
        if (target !== null) port ??= Number(target[1]);
      },
    });
    return this.chains.flatMap(({ chain }) => {
      const [hosts, paths] = ["hosts", "paths"].map((member) => routes.get(chain.get("route"))?.get(member));
      const host = isSeq(hosts) ? textOf(hosts.get(0)) : undefined;
      const path = (isSeq(paths) ? textOf(paths.get(0)) : undefined) ?? "/";
      return host === undefined || port === undefined || path.startsWith("~") ? [] : [{ host, port, path }];
    });
  }

  setConfiguration(configuration: string): void {
    const forms = this.configs; // Of all before any is replaced: one may be another's alias.
    for (const [i, { filter }] of this.chains.entries())
      filter.set("config", this.document.createNode(inFormOf(forms[i], configuration)));
  }

  /** Makes these the consumer's only keys. */
  setKeys(keys: readonly string[]): void {
    const { list } = this.credentials;
    const isOurs = (item: unknown): item is YAMLMap => this.isOurs(item);
    const first = list.items.find(isOurs);
    const owner = first?.get("consumer", true);
    const kept = list.items.filter((item) => !isOurs(item) || keys.includes(String(item.get("key"))));
    const there = new Set(kept.flatMap((item) => (isMap(item) ? [String(item.get("key"))] : [])));
    const added = keys
      .filter((key) => !there.has(key))
      .map((key) => {
        const item = new YAMLMap(this.document.schema);
        item.set("key", key);
        if (owner !== undefined) item.set("consumer", owner);
        return item;
      });
    list.items = [...kept, ...added];
  }

  toString(): string {
    return written(this.document);
  }
}
