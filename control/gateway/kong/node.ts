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
import { cautionsOf, versionNumber } from "./settings.js";
import { storedIn } from "./stored.js";

export interface Held {
  /** By each chain; and whatever stands there, to see whether it has changed. */
  readonly deployed: readonly Deployed[];
  readonly written: Written;
  /** The key that the filter there sends now. */
  readonly key: string | undefined;
}

export type Written = readonly (Readonly<Record<string, unknown>> | undefined)[];

export interface Difference {
  readonly says: string;
  /** Another push's, by its generation. */
  readonly isPushed: boolean;
}

export interface Wanted {
  readonly configuration: string;
  readonly key: string;
}

/** Kong has it, or a part of it: nothing is put back, as what it adds only takes away or is newer. */
export class NotInForce extends UserError {}

/** Whatever a Kong says of itself: more workers are not all asked, and longer nobody waits. */
const MAX_WORKERS = 64;
const MAX_TAKES_SECONDS = 60;

const filterIn = (chain: KongChain): KongChain["filters"][number] | undefined =>
  chain.filters.find(({ name }) => name === FILTER_NAME);

export class KongNode {
  private constructor(
    readonly admin: KongAdmin,
    readonly info: KongInfo,
    private readonly file: KongFile,
  ) {}

  /** Refuses what is no Kong, or one that runs no filters. */
  static async look(admin: KongAdmin, file: KongFile): Promise<KongNode> {
    const info = await admin.info();
    const number = versionNumber(info);
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

  /** Settings of kong.conf that take something away. */
  get warnings(): string[] {
    return cautionsOf(this.info).map(({ says }) => says);
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

  /**
   * The new key beside the one that was in use, and then the configuration that sends it: no request is without a good one.
   * @returns whether Kong held still what was seen there; else nothing is written
   */
  async write(wanted: Wanted, held: Held): Promise<boolean> {
    const keys = keysOf(wanted, held);
    if (this.isWithoutDatabase) {
      const file = await this.exported();
      if (!isSame(file.written, wanted, held)) return false;
      file.setConfiguration(wanted.configuration);
      file.setKeys(keys);
      await this.admin.load(file.toString());
      return true;
    }
    const chains = await this.chains();
    const written = chains.map((chain) => configurationIn(filterIn(chain)?.config));
    if (!isSame(written, wanted, held)) return false;
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
    return true;
  }

  private async endKeys(isOver: (key: string) => boolean): Promise<void> {
    for (const { id, key } of await this.admin.keys(this.file.consumer))
      if (isOver(key)) await this.admin.removeKey(this.file.consumer, id);
  }

  /** Why what Kong holds now is not what was written; undefined where it is. @param good all keys that may be there */
  async differs({ configuration, key }: Wanted, good: readonly string[]): Promise<Difference | undefined> {
    const { configs, isEnabled, keys } = await this.stored();
    const wanted = configurationIn(configuration);
    const others = configs.filter((config) => !isDeepStrictEqual(config, wanted));
    if (others.length > 0 || configs.length === 0)
      return {
        says: "it holds another configuration than was written: another push has come meanwhile, or Kong has changed it",
        isPushed: others.some((config) => config !== undefined && config.generation !== wanted?.generation),
      };
    const own = (says: string): Difference => ({ says, isPushed: false });
    if (!isEnabled) return own("a filter chain there is disabled: its requests get no key, and no grant works");
    if (!keys.includes(key))
      return own("it does not hold the key that its filter sends: every allowed request ends with 401");
    const over = keys.filter((one) => !good.includes(one)).length;
    if (over === 0) return undefined;
    return own(`it still holds ${plural(over, "key")} of before, each of which opens the second route`);
  }

  /** What is wrong with the way through it, whatever its bundle; undefined where nothing is. */
  async fault(): Promise<string | undefined> {
    const { configs, isEnabled, keys } = await this.stored();
    if (configs.length === 0) return "it holds no filter chain with the filter glassgate";
    if (!isEnabled) return "a filter chain there is disabled: its requests get no key, and no grant works";
    const sent = configs.map((config) => upstreamHeaderOf(config ?? {})?.value);
    if (!sent.every((key) => key !== undefined && keys.includes(key)))
      return "it does not hold the key that its filter sends: every allowed request ends with 401";
    return undefined;
  }

  /** All that it holds, as one declarative configuration. The text holds keys. */
  async whole(): Promise<string> {
    return this.isWithoutDatabase ? this.admin.exported() : storedIn(this.admin);
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
export const keysOf = ({ key }: Wanted, { key: before }: Held): string[] =>
  before === undefined ? [key] : [before, key];

/** What is there is what was seen there, or already what is wanted: another node of the same database has brought it. */
function isSame(there: Written, { configuration }: Wanted, { written }: Held): boolean {
  const wanted = configurationIn(configuration);
  return (
    there.length === written.length &&
    there.every((one, i) => isDeepStrictEqual(one, written[i]) || isDeepStrictEqual(one, wanted))
  );
}
