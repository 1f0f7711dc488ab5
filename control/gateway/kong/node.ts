/** One running Kong: what it is, what it holds, and how a new configuration and key get there, with or without a database. */
import { isDeepStrictEqual } from "node:util";
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { UnseenError } from "../admin.js";
import type { Deployed } from "../ecds.js";
import type { KongAdmin, KongChain, KongInfo } from "./admin.js";
import { configurationIn, deployedIn, inFormOf, upstreamHeaderOf } from "./configuration.js";
import { KongFile } from "./file.js";
import { FILTER_NAME } from "./names.js";

export interface Held {
  /** By each chain. */
  readonly deployed: readonly Deployed[];
  /** The key that the filter there sends now. */
  readonly key: string | undefined;
}

export interface Difference {
  readonly says: string;
  /** Another push's, by its generation. */
  readonly isPushed: boolean;
}

export interface Wanted {
  readonly configuration: string;
  readonly key: string;
}

const asList = (value: readonly string[] | string | null | undefined): readonly string[] =>
  typeof value === "string" ? [value] : (value ?? []);

const filterIn = (chain: KongChain): KongChain["filters"][number] | undefined =>
  chain.filters.find(({ name }) => name === FILTER_NAME);

/** 3.9.1 as 309; NaN where it tells none. */
function numberOf({ version }: KongInfo): number {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) * 100 + Number(minor);
}

/** What is there is what was seen there, or already what is wanted: another node of the same database has brought it. */
const isSame = (there: readonly Deployed[], { deployed }: Held, { configuration }: Wanted): boolean =>
  there.every(
    ({ text }, i) => text === deployed[i]?.text || isDeepStrictEqual(JSON.parse(text), configurationIn(configuration)),
  );

export class KongNode {
  private constructor(
    readonly admin: KongAdmin,
    readonly info: KongInfo,
    private readonly file: KongFile,
  ) {}

  /** Refuses what is no Kong, or one that runs no filters. */
  static async look(admin: KongAdmin, file: KongFile): Promise<KongNode> {
    const info = await admin.info();
    const number = numberOf(info);
    const refuse = (message: string, hint: string): UserError => new UnseenError(message, { hint, exitCode: 1 });
    if (!(number >= 304 && number <= 310))
      throw refuse(
        `${admin.address} is a Kong ${visible(info.version)}: only 3.4 to 3.9 (Enterprise: 3.10) run Wasm filters.`,
        "docs/gateways/kong.md says what there is for later ones.",
      );
    const { wasm, wasm_modules_parsed: modules } = info.configuration;
    if (wasm === false || wasm === "off" || (modules != null && !modules.some(({ name }) => name === FILTER_NAME)))
      throw refuse(
        `The Kong at ${admin.address} has no filter ${FILTER_NAME}.`,
        "Set `wasm = on`, put glassgate.wasm and glassgate.meta.json into `wasm_filters_path`, and restart it.",
      );
    return new KongNode(admin, info, file);
  }

  get isWithoutDatabase(): boolean {
    return this.info.configuration.database === "off";
  }

  get workers(): number {
    return Math.max(1, this.info.pids?.workers?.length ?? 1);
  }

  /** Settings of kong.conf that take something away, in words. */
  get warnings(): string[] {
    const {
      trusted_ips: trusted,
      untrusted_lua: lua,
      untrusted_lua_sandbox_environment: shown,
    } = this.info.configuration;
    const lines: string[] = [];
    if (this.admin.isInTheOpen)
      lines.push(
        "http:// to another machine: whoever listens on the way reads the upstream key. Use https://, or push from Kong's own machine",
      );
    if (numberOf(this.info) < 306)
      lines.push(
        `no record leaves: a Kong ${visible(this.info.version)} takes it and keeps it where no log plugin looks; 3.6 and later show it`,
      );
    if (asList(trusted).some((ip) => /^(?:0\.0\.0\.0\/0|::\/0)$/.test(ip)))
      lines.push(
        "trusted_ips holds every address: a caller's header says that it comes from loopback, and only the key stands before the second route",
      );
    else if (asList(trusted).some((ip) => /^(?:127\.|::1|localhost)/.test(ip)))
      lines.push(
        "trusted_ips holds loopback: the gateway's own requests count as the caller's, and the second route denies them all",
      );
    if (lua === "off" || (lua === "sandbox" && !asList(shown).some((name) => name === "kong" || name === "kong.ctx")))
      lines.push(
        "no record leaves: kong.conf needs `untrusted_lua_sandbox_environment = kong.ctx` (kong.ctx.shared alone would be one request's for ever)",
      );
    return lines;
  }

  private get chainNames(): string[] {
    return this.file.chainNames.map((name) => {
      if (name !== undefined) return name;
      throw new UserError("A filter chain has neither name nor id.", { hint: "Give it a name, here and in Kong." });
    });
  }

  async held(): Promise<Held> {
    if (this.isWithoutDatabase) {
      const file = await this.exported();
      return { deployed: file.deployed, key: file.header.value };
    }
    const configs = (await this.chains()).map((chain) => filterIn(chain)?.config);
    const [key] = configs.flatMap((config) => upstreamHeaderOf(configurationIn(config) ?? {})?.value ?? []);
    return { deployed: configs.flatMap((config) => deployedIn(config) ?? []), key };
  }

  private async exported(): Promise<KongFile> {
    return KongFile.read(await this.admin.exported(), `what the Kong at ${this.admin.address} runs`);
  }

  private chains(): Promise<KongChain[]> {
    return Promise.all(
      this.chainNames.map(async (name) => {
        const found = await this.admin.chain(name);
        if (found !== undefined) return found;
        throw new UserError(`The Kong at ${this.admin.address} has no filter chain ${visible(name)}.`, {
          hint: "Load the file first: `kong config db_import FILE`, or decK.",
          exitCode: 1,
        });
      }),
    );
  }

  /**
   * The new key beside the one that was in use, and then the configuration that sends it: no request is without a good one.
   * @returns whether Kong held still what was seen there; else nothing is written
   */
  async write(wanted: Wanted, seen: Held): Promise<boolean> {
    const { key: before } = seen;
    const keys = before === undefined ? [wanted.key] : [before, wanted.key];
    if (this.isWithoutDatabase) {
      const file = await this.exported();
      if (!isSame(file.deployed, seen, wanted)) return false;
      file.setConfiguration(wanted.configuration);
      file.setKeys(keys);
      await this.admin.load(file.toString());
      return true;
    }
    const chains = await this.chains();
    if (
      !isSame(
        chains.flatMap((chain) => deployedIn(filterIn(chain)?.config) ?? []),
        seen,
        wanted,
      )
    )
      return false;
    const there = await this.admin.keys(this.file.consumer);
    // Another node of the same database has brought it.
    if (!there.some(({ key }) => key === wanted.key)) await this.admin.addKey(this.file.consumer, wanted.key);
    let done = 0;
    try {
      for (const [i, name] of this.chainNames.entries()) {
        const filters = (chains[i]?.filters ?? []).map((one) =>
          one.name === FILTER_NAME ? { ...one, config: inFormOf(one.config, wanted.configuration) } : one,
        );
        await this.admin.patchChain(name, filters);
        done++;
      }
    } catch (error) {
      // A key that nobody sends is one too many; where the answer alone was lost, a filter may send it.
      if (done === 0 && !(error instanceof UnseenError)) await this.endKeys((key) => key === wanted.key);
      throw error;
    }
    await this.endKeys((key) => !keys.includes(key));
    return true;
  }

  private async endKeys(isOver: (key: string) => boolean): Promise<void> {
    for (const { id, key } of await this.admin.keys(this.file.consumer))
      if (isOver(key)) await this.admin.removeKey(this.file.consumer, id);
  }

  /** Why what Kong holds now is not what was written; undefined where it is. */
  async differs({ configuration }: Pick<Wanted, "configuration">): Promise<Difference | undefined> {
    const { configs, isEnabled } = await this.stored();
    const wanted = configurationIn(configuration);
    const others = configs.map(configurationIn).filter((config) => !isDeepStrictEqual(config, wanted));
    if (others.length > 0 || configs.length === 0)
      return {
        says: "it holds another configuration: another push has come meanwhile, or Kong has changed it",
        isPushed: others.some((config) => config !== undefined && config.generation !== wanted?.generation),
      };
    return isEnabled
      ? undefined
      : { says: "a filter chain there is disabled: its requests get no key, and no grant works", isPushed: false };
  }

  private async stored(): Promise<{ readonly configs: readonly unknown[]; readonly isEnabled: boolean }> {
    if (this.isWithoutDatabase) {
      const { deployed, isEnabled } = await this.exported();
      return { configs: deployed.map((one) => one.configuration), isEnabled };
    }
    const chains = await this.chains();
    const isEnabled = chains.every((chain) => chain.enabled && filterIn(chain)?.enabled === true);
    return { configs: chains.map((chain) => filterIn(chain)?.config), isEnabled };
  }
}
