/** One running Kong: what it is, what it holds, and how a new configuration and key get there, with or without a database. */
import { isDeepStrictEqual } from "node:util";
import { UserError } from "../../base/errors.js";
import { plural, visible } from "../../base/text.js";
import { UnseenError } from "../admin.js";
import type { Deployed } from "../ecds.js";
import type { KongAdmin, KongChain, KongInfo } from "./admin.js";
import { configurationIn, deployedIn, inFormOf, upstreamHeaderOf } from "./configuration.js";
import { KongFile } from "./file.js";
import { FILTER_NAME } from "./names.js";

export interface Held {
  /** By each chain; and whatever stands there, to see whether it has changed. */
  readonly deployed: readonly Deployed[];
  readonly written: Written;
  /** The key that the filter there sends now. */
  readonly key: string | undefined;
}

export type Written = readonly (Readonly<Record<string, unknown>> | undefined)[];

export interface Wanted {
  readonly configuration: string;
  readonly key: string;
}

/** Kong has it, or a part of it: nothing is put back, as what it adds only takes away or is newer. */
export class NotInForce extends UserError {}

/** Whatever a Kong says of itself: more workers are not all asked, and longer nobody waits. */
const MAX_WORKERS = 64;
const MAX_TAKES_SECONDS = 60;

const asList = (value: readonly string[] | string | null | undefined): readonly string[] =>
  typeof value === "string" ? [value] : (value ?? []);

const filterIn = (chain: KongChain): KongChain["filters"][number] | undefined =>
  chain.filters.find(({ name }) => name === FILTER_NAME);

/** 3.9.1 as 309; NaN where it tells none. */
function numberOf({ version }: KongInfo): number {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) * 100 + Number(minor);
}

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
    return Math.min(Math.max(1, this.info.pids?.workers?.length ?? 1), MAX_WORKERS);
  }

  /** Until its workers look at what is stored. */
  get takesSeconds(): number {
    const { worker_state_update_frequency: seconds } = this.info.configuration;
    return this.isWithoutDatabase ? 0 : Math.min(Math.max(seconds, 0), MAX_TAKES_SECONDS);
  }

  /** Settings of kong.conf that take something away, in words. */
  get warnings(): string[] {
    const {
      trusted_ips: trusted,
      untrusted_lua: lua,
      untrusted_lua_sandbox_environment: shown,
    } = this.info.configuration;
    const lines: string[] = [];
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
      this.refuseUnread(file.written);
      return { deployed: file.deployed, written: file.written, key: file.header.value };
    }
    const configs = (await this.chains()).map((chain) => filterIn(chain)?.config);
    const [key] = configs.flatMap((config) => upstreamHeaderOf(configurationIn(config) ?? {})?.value ?? []);
    const written = configs.map(configurationIn);
    this.refuseUnread(written);
    return { deployed: configs.flatMap((config) => deployedIn(config) ?? []), written, key };
  }

  /** A push would drop what stands in it. */
  private refuseUnread(written: Written): void {
    const isUnread = (one: Written[number]): boolean =>
      (one?.bundle !== undefined || one?.revocations !== undefined) && deployedIn(one) === undefined;
    if (!written.some(isUnread)) return;
    throw new UserError(
      `The Kong at ${this.admin.address} holds a configuration of the filter that this glassgate cannot read, and revocations in it would be lost.`,
      {
        exitCode: 1,
        hint: "Mend it there: `glassgate gateway verify` of `GET /config`, or the filter in Kong's error log, says what is wrong.",
      },
    );
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

  /** The new key beside the one that was in use, and then the configuration that sends it: no request is without a good one. */
  async write(wanted: Wanted, held: Held): Promise<void> {
    const keys = keysOf(wanted, held);
    if (this.isWithoutDatabase) {
      const file = await this.exported();
      refuseChanged(file.written, wanted, held);
      file.setConfiguration(wanted.configuration);
      file.setKeys(keys);
      await this.admin.load(file.toString());
      return;
    }
    const chains = await this.chains();
    refuseChanged(
      chains.map((chain) => configurationIn(filterIn(chain)?.config)),
      wanted,
      held,
    );
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
      if (done === 0 || !(error instanceof UserError)) throw error;
      const names = this.chainNames.slice(0, done).map(visible).join(", ");
      throw new NotInForce(`${error.message} ${names} had been changed before.`, {
        exitCode: 1,
        hint: error.hint ?? "Look at it, and push again.",
      });
    }
    await this.endKeys((key) => !keys.includes(key));
  }

  private async endKeys(isOver: (key: string) => boolean): Promise<void> {
    for (const { id, key } of await this.admin.keys(this.file.consumer))
      if (isOver(key)) await this.admin.removeKey(this.file.consumer, id);
  }

  /** Why what Kong holds now is not what was written; undefined where it is. */
  async differs({ configuration, key }: Wanted, held: Held): Promise<string | undefined> {
    const { configs, isEnabled, keys } = await this.stored();
    if (!isEnabled) return "a filter chain there is disabled: its requests get no key, and no grant works";
    const wanted = configurationIn(configuration);
    if (!configs.every((config) => isDeepStrictEqual(config, wanted)))
      return "it holds another configuration than was written: another push has come meanwhile, or Kong has changed it";
    if (!keys.includes(key))
      return "it does not hold the key that its filter sends: every allowed request ends with 401. Another push has come meanwhile";
    const over = keys.filter((one) => !keysOf({ configuration, key }, held).includes(one)).length;
    return over === 0
      ? undefined
      : `it still holds ${plural(over, "key")} of before, each of which opens the second route`;
  }

  private async stored(): Promise<{
    readonly configs: Written;
    readonly isEnabled: boolean;
    readonly keys: readonly string[];
  }> {
    if (this.isWithoutDatabase) {
      const { written, isEnabled, keys } = await this.exported();
      return { configs: written, isEnabled, keys };
    }
    const keys = (await this.admin.keys(this.file.consumer)).map((one) => one.key);
    const chains = await this.chains();
    const isEnabled = chains.every((chain) => chain.enabled && filterIn(chain)?.enabled === true);
    return { configs: chains.map((chain) => configurationIn(filterIn(chain)?.config)), isEnabled, keys };
  }
}

/** What was in use, and what comes. */
const keysOf = ({ key }: Wanted, { key: before }: Held): string[] => (before === undefined ? [key] : [before, key]);

/** What came after the Kong was looked at may take something away. Another node of the same database may have brought this very one. */
function refuseChanged(there: Written, { configuration }: Wanted, { written }: Held): void {
  const wanted = configurationIn(configuration);
  const isKnown = (one: Written[number], i: number): boolean =>
    isDeepStrictEqual(one, written[i]) || isDeepStrictEqual(one, wanted);
  if (there.length !== written.length || !there.every(isKnown))
    throw new UserError("What Kong holds has changed meanwhile.", {
      exitCode: 1,
      hint: "Somebody else pushes: push again.",
    });
}
