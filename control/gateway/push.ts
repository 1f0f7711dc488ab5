/**
 * Puts a bundle into a running gateway and proves that every worker serves it. Several pushes may run at once, be stopped or be
 * killed at any step: docs/pushing.md says what holds then, and why. In short: who pushes enters its bundle into a record, writes
 * only while nothing newer stands anywhere, looks again afterwards, and where something newer is, brings that one in instead.
 */
import { isDeepStrictEqual } from "node:util";
import { UserError } from "../base/errors.js";
import { isRecord } from "../base/schema.js";
import { nowSeconds } from "../base/time.js";
import { type Anchors, domainOf } from "../trust/anchors.js";
import { type Configuration, type ConfigurationOptions, configurationText } from "../trust/configuration.js";
import { type Admin, UnseenError } from "./admin.js";
import { type FilterState, isWhole, readFilterState } from "./admin-state.js";
import {
  type Bundle,
  type Deployed,
  defaultConfiguration,
  ecdsText,
  readBundle,
  readEcds,
  vmIdOf,
  writeEcds,
} from "./ecds.js";
import { type Files, PushFiles } from "./push-files.js";
import { takeLock } from "./push-lock.js";
import { PushFailure, type PushOutcome, type Standings, standingsOf } from "./push-outcome.js";
import { anchorChanges, missingFilterFile, preflight, refusalOf } from "./push-preflight.js";
import { type Arrival, waitFor } from "./push-wait.js";
import type { RenderedFilter } from "./rendered.js";

/** Where a push can be stopped or killed. `writing` is inside the tick that looks and renames: it is called, not awaited. */
export type PushStep =
  | "looked"
  | "begun"
  | "ready"
  | "writing"
  | "written"
  | "polled"
  | "served"
  | "healing"
  | "restoring"
  | "restored"
  | "kept";

export interface PushOptions {
  readonly filter: RenderedFilter;
  readonly anchors: Anchors;
  readonly admin: Admin;
  readonly bundle: { readonly text: string; readonly version: number };
  /** Members of the configuration besides anchors, bundle, generation and min_version. */
  readonly configuration?: ConfigurationOptions;
  /** Asked when the gateway has other roots, another threshold or audience pinned. Without it such a push is refused. */
  readonly confirmAnchors?: (changes: readonly string[]) => Promise<boolean>;
  readonly timeoutMs?: number;
  /** How long to wait for another push that is under way. */
  readonly courtesyMs?: number;
  readonly progress?: (line: string) => void;
  /** For tests. */
  readonly step?: (name: PushStep) => Promise<void> | void;
}

export interface PushResult {
  readonly generation: number;
  readonly version: number;
  readonly servingVms: number;
  /** A worker had died and a new VM took over. */
  readonly healed: boolean;
  /** It served already: nothing was written. */
  readonly unchanged: boolean;
  readonly milliseconds: number;
  readonly standings: Standings;
  /** What went wrong beside: the bundle is applied all the same. */
  readonly warnings: readonly string[];
}

const DEFAULT_TIMEOUT_MS = 15_000;
/** For another push of a newer bundle to bring its own in, before this one does it. */
const OTHERS_MS = 1000;
/** Each round ends in an answer or finds something newer; as many pushes at once are no accident. */
const MAX_ROUNDS = 32;
/** A deployed generation further ahead of the clock than this is not followed: it would use the numbers up. */
const MAX_GENERATION_AHEAD_MS = 86_400_000;

type Brought = Arrival | { readonly kind: "unchanged"; readonly state: FilterState; readonly deployed: Deployed };

/** The canary has taken it, whatever came of the threads: the gateway refuses what is older from then on. */
const isTaken = ({ version }: Bundle, before: FilterState, after: FilterState): boolean =>
  (before.bundleVersion ?? 0) < version && (after.bundleVersion ?? 0) >= version;

class Pushing {
  private readonly started = Date.now();
  private readonly domain: string;
  private readonly files: PushFiles;
  private readonly own: Bundle;
  private readonly warnings: string[] = [];
  private workers: number | undefined;
  /** How far the gateway's clock is ahead of this machine's. */
  private clockSeconds = 0;
  private healed = false;
  private hasWritten = false;
  /** Bundles that were entered into the record by this push. */
  private readonly begun = new Set<string>();
  /** Other pushes' bundles that the filter takes. */
  private readonly usable = new Set<string>();

  constructor(private readonly options: PushOptions) {
    const { anchors, bundle, filter } = options;
    this.domain = domainOf(anchors);
    this.files = new PushFiles(filter.ecdsPath, this.domain);
    const own = readBundle(bundle.text);
    if (own === undefined || own.version !== bundle.version)
      throw new UserError(`That is no signed bundle of version ${bundle.version}.`, {
        hint: "It is the output of `glassgate bundle sign`; copy it whole.",
      });
    this.own = own;
  }

  async run(): Promise<PushResult> {
    const { options } = this;
    try {
      await this.check();
      const release = await takeLock(options.filter.ecdsPath, options);
      try {
        return await this.settle();
      } finally {
        release();
      }
    } catch (error) {
      if (error instanceof PushFailure || !(error instanceof UserError)) throw error;
      const isUnseen = error instanceof UnseenError;
      const outcome = isUnseen ? "unreached" : "refused";
      throw await this.failure(outcome, error.message, error.hint, error.exitCode, !isUnseen);
    }
  }

  private async step(name: PushStep): Promise<void> {
    await this.options.step?.(name);
  }

  /** Everything that can be known before anything is written. */
  private async check(): Promise<void> {
    const { filter, admin, anchors, confirmAnchors, progress = () => {} } = this.options;
    const { info } = await preflight(filter, admin, this.domain, this.own, progress);
    this.workers = info.workers;
    this.clockSeconds = (info.clock ?? nowSeconds()) - nowSeconds();
    const before = this.pinned();
    const changes = before === undefined ? [] : anchorChanges(before, anchors);
    if (changes.length > 0 && (await confirmAnchors?.(changes)) !== true)
      throw new UserError(`The gateway has other anchors than these: ${changes.join("; ")}.`, {
        hint: "Use the anchors of this gateway, or push at a terminal and answer yes. Render its file again afterwards.",
      });
    const refusal = await refusalOf(this.configuration(this.own, 1, 0));
    if (refusal !== undefined)
      throw new UserError(`The filter refuses this bundle: ${refusal}.`, {
        hint: "Mend the roster, build and sign again.",
        exitCode: 1,
      });
  }

  /** The anchors that the gateway has now. */
  private pinned(): Anchors | undefined {
    const { filter } = this.options;
    const deployed =
      this.files.read().deployed ?? readEcds(ecdsText(filter, defaultConfiguration(filter), undefined, "0"));
    if (deployed === undefined) return undefined;
    const { audience, roots, threshold } = deployed.configuration;
    return { audience, roots, threshold };
  }

  private configuration(bundle: Bundle, generation: number, minVersion: number): string {
    const { anchors, configuration } = this.options;
    const min = Math.max(bundle.version, minVersion, configuration?.min_version ?? 0);
    return configurationText(anchors, generation, { ...configuration, min_version: min, bundle: bundle.text });
  }

  /** Brings in whatever is newest until that is settled; only if that is one's own bundle is this push applied. */
  private async settle(): Promise<PushResult> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const files = this.files.read();
      const newest = this.files.newest(files, this.own) ?? this.own;
      const isOwn = newest.payload === this.own.payload;
      const state = await readFilterState(this.options.admin, this.domain);
      if (!isOwn && !(await this.isUsable(newest, state))) continue;
      await this.step("looked");
      const highest = Math.max(state.bundleVersion ?? 0, this.files.minVersion(files));
      if (highest > newest.version) throw await this.overtaken(highest);
      const brought = await this.bring(newest, files, state);
      switch (brought.kind) {
        case "serves":
        case "unchanged":
          if (!this.keep(brought.deployed, newest)) continue;
          await this.step("kept");
          if (!isOwn) throw await this.overtaken(newest.version);
          return this.result(brought);
        case "moved":
          continue;
        case "refused":
        case "silent":
          if (brought.kind === "silent" && !brought.state.isVisible)
            throw await this.unseen(newest, "it publishes none of the filter's gauges.");
          if (brought.kind === "silent" && this.servesAlready(newest, brought.state)) return this.result(brought);
          if (isTaken(newest, state, brought.state)) throw await this.notByAll(newest);
          if (!(await this.restore(newest, files)) || !isOwn) continue;
          throw await this.notServed(brought.kind, brought.state);
        case "lagging":
          throw await this.notByAll(newest);
        case "unseen":
          throw await this.unseen(newest, brought.why.message);
      }
    }
    throw await this.failure("overtaken", "Other pushes keep changing the gateway.", "Push again when they are done.");
  }

  /** Whether another push's bundle serves, or is one that this gateway could serve; what is not counts no more. */
  private async isUsable(bundle: Bundle, { bundleVersion }: FilterState): Promise<boolean> {
    if (this.usable.has(bundle.payload) || bundleVersion === bundle.version) return true;
    const isInTime = bundle.exp > nowSeconds() + this.clockSeconds;
    if (isInTime && (await refusalOf(this.configuration(bundle, 1, 0))) === undefined) {
      this.usable.add(bundle.payload);
      return true;
    }
    this.files.ignore(bundle);
    return false;
  }

  private async bring(bundle: Bundle, files: Files, state: FilterState): Promise<Brought> {
    const { workers = 1 } = this;
    const isOwn = bundle.payload === this.own.payload;
    if (this.files.holds(files.deployed, bundle)) {
      const { deployed } = files;
      const isServing =
        state.generation === deployed.configuration.generation &&
        state.bundleVersion === bundle.version &&
        isWhole(state, workers);
      if (isServing && (!isOwn || this.isWanted(deployed.configuration)))
        return this.files.read().text === deployed.text ? { kind: "unchanged", state, deployed } : { kind: "moved" };
      // Its own push may be waiting for it just now.
      if (!isOwn && !isServing) {
        const arrival = await this.wait(bundle, state, OTHERS_MS);
        if (arrival.kind === "serves" || arrival.kind === "moved") return arrival;
      }
    }
    const unkept = this.files.begin(bundle);
    if (unkept !== undefined)
      this.warn(`no record of this push can be kept (${unkept}); pushes at the same time are less safe`);
    else this.begun.add(bundle.payload);
    await this.step("begun");
    const written = await this.write(bundle, files, undefined);
    if (written === undefined) return { kind: "moved" };
    await this.step("written");
    const arrival = await this.wait(bundle, written.state);
    if (arrival.kind === "serves") await this.step("served");
    return this.isVmMissing(arrival, bundle, state) ? this.heal(bundle, written) : arrival;
  }

  /** Whether the deployed configuration is the one that this push would write; further signatures change nothing. */
  private isWanted(deployed: Configuration): boolean {
    const { generation, min_version: min = 0, bundle } = deployed;
    const wanted: unknown = JSON.parse(this.configuration(this.own, generation, min));
    return isDeepStrictEqual({ ...(isRecord(wanted) ? wanted : {}), bundle }, deployed);
  }

  /** Looks and renames in one tick. Undefined when something changed since `files` were read. */
  private async write(
    bundle: Bundle,
    files: Files,
    vmId: ((generation: number) => string) | undefined,
  ): Promise<{ text: string; state: FilterState } | undefined> {
    const { filter, admin } = this.options;
    await this.step("ready");
    const state = await readFilterState(admin, this.domain);
    const now = this.files.read();
    const isNewest = (this.files.newest(now)?.version ?? 0) <= bundle.version;
    if (!isNewest || now.text !== files.text || (state.bundleVersion ?? 0) > bundle.version) return undefined;
    const generation = this.generation(now);
    const configuration = this.configuration(bundle, generation, this.files.minVersion(now));
    const id = vmId?.(generation) ?? now.deployed?.vmId ?? vmIdOf(filter);
    const text = ecdsText(filter, configuration, id, vmId === undefined ? String(generation) : `${generation}-healed`);
    void this.options.step?.("writing");
    try {
      writeEcds(filter.ecdsPath, text);
    } catch (error) {
      if (!this.hasWritten) this.withdrawOwn();
      throw error;
    }
    this.hasWritten = true;
    return { text, state };
  }

  /** New at each push, by clock and file; a gauge may be two gateways' sum. */
  private generation({ deployed, good }: Files): number {
    const now = Date.now();
    const known = [deployed, good].map((held) => held?.configuration.generation ?? 0);
    return Math.max(
      now,
      ...known.filter((number) => number < now + MAX_GENERATION_AHEAD_MS).map((number) => number + 1),
    );
  }

  private wait(
    bundle: Bundle,
    before: FilterState,
    timeoutMs = this.options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  ): Promise<Arrival> {
    const { admin } = this.options;
    const { files, domain, workers = 1 } = this;
    const step = (name: PushStep): Promise<void> => this.step(name);
    return waitFor({ admin, files, domain, bundle, workers, rejections: before.rejections, timeoutMs, step });
  }

  private isVmMissing(arrival: Arrival, bundle: Bundle, before: FilterState): boolean {
    if (arrival.kind === "lagging") return true;
    if (arrival.kind !== "silent" && arrival.kind !== "refused") return false;
    const { state } = arrival;
    if (!state.isVisible || state.vmCount >= (this.workers ?? 1) + 2) return false;
    return arrival.kind === "silent" || isTaken(bundle, before, state);
  }

  /** A thread whose VM failed to configure takes no update any more, until the VM has another identity. */
  private async heal(bundle: Bundle, written: { text: string }): Promise<Arrival> {
    await this.step("healing");
    const files = this.files.read();
    if (files.text !== written.text) return { kind: "moved" };
    const healing = await this.write(bundle, files, (generation) => `${vmIdOf(this.options.filter)}-${generation}`);
    if (healing === undefined) return { kind: "moved" };
    this.healed = true;
    await this.step("written");
    return this.wait(bundle, healing.state);
  }

  /** The file is new and the version is not: Envoy may have lost sight of a folder that was deleted and made again. */
  private servesAlready(bundle: Bundle, state: FilterState): boolean {
    const { workers = 1 } = this;
    const isServing = state.bundleVersion === bundle.version && isWhole(state, workers);
    const { deployed, good } = this.files.read();
    const isSame = this.files.holds(good, bundle) && good.configuration.generation === state.generation;
    if (!isServing || !isSame || !this.files.holds(deployed, bundle)) return false;
    if (bundle.payload !== this.own.payload) return false;
    this.warn(
      "the gateway did not take up the ECDS file that was written; was its folder made anew? Restart the gateway before the next push",
    );
    return true;
  }

  /** Puts the last good configuration back in the place of a bundle that the gateway refused, if it still stands there. */
  private async restore(bundle: Bundle, before: Files): Promise<boolean> {
    const { filter } = this.options;
    await this.step("restoring");
    const now = this.files.read();
    const isOwnText = this.files.holds(now.deployed, bundle) || now.text === undefined;
    this.files.ignore(bundle);
    const newest = this.files.newest(now);
    if (!isOwnText || (newest !== undefined && newest.version > bundle.version)) return false;
    // What stood there, unless that was refused as well, or is older than what every worker served.
    const isOlder = (this.files.versionOf(before.deployed) ?? 0) < (this.files.versionOf(now.good) ?? 0);
    const isRefused = before.deployed === undefined || this.files.isIgnored(before.deployed);
    const previous = isRefused || isOlder ? (now.good?.text ?? undefined) : before.text;
    writeEcds(filter.ecdsPath, previous ?? ecdsText(filter, defaultConfiguration(filter), undefined, "0"));
    await this.step("restored");
    return true;
  }

  /** False when another push wrote meanwhile. */
  private keep(deployed: Deployed, bundle: Bundle): boolean {
    if (!this.files.holds(this.files.read().deployed, bundle)) return false;
    const unkept = this.files.keepGood(deployed, bundle.version);
    if (unkept !== undefined)
      this.warn(`the bundle is applied, but the copy for the next push cannot be kept (${unkept})`);
    return true;
  }

  private withdrawOwn(): void {
    if (this.begun.has(this.own.payload) && !this.files.holds(this.files.read().deployed, this.own))
      this.files.withdraw(this.own);
  }

  private warn(line: string): void {
    if (!this.warnings.includes(line)) this.warnings.push(line);
  }

  private async standings(isSeen: boolean): Promise<Standings> {
    let state: FilterState | undefined;
    try {
      if (isSeen) state = await readFilterState(this.options.admin, this.domain);
    } catch (error) {
      if (!(error instanceof UserError)) throw error; // Else it cannot be seen, and that is what is said.
    }
    return standingsOf(this.files.read(), state, this.workers);
  }

  private async result(brought: { kind: string; state: FilterState; deployed?: Deployed }): Promise<PushResult> {
    const { deployed, state } = brought;
    return {
      generation: deployed?.configuration.generation ?? state.generation ?? 0,
      version: this.own.version,
      servingVms: state.servingVms,
      healed: this.healed,
      unchanged: brought.kind === "unchanged" && !this.hasWritten,
      milliseconds: Date.now() - this.started,
      standings: await this.standings(true),
      warnings: this.warnings,
    };
  }

  /** @param isSeen whether what serves can be asked for */
  private async failure(
    outcome: PushOutcome,
    message: string,
    hint = "",
    exitCode = 1,
    isSeen = true,
  ): Promise<PushFailure> {
    const nothing = this.hasWritten ? "" : " Nothing was changed at the gateway.";
    const standings = await this.standings(isSeen);
    return new PushFailure(message, outcome, standings, { hint: `${hint}${nothing}`.trim(), exitCode });
  }

  private async overtaken(version: number): Promise<PushFailure> {
    this.withdrawOwn();
    if (version === this.own.version)
      return this.failure(
        "refused",
        `The gateway has another bundle of version ${version}.`,
        `Build and sign one with a version above ${version}.`,
      );
    return this.failure(
      "overtaken",
      `Version ${this.own.version} was overtaken by version ${version}.`,
      `If it is to serve, build and sign it again with a version above ${version}.`,
    );
  }

  /** The gateway has taken it and will not go back: neither does the file. */
  private notByAll(bundle: Bundle): Promise<PushFailure> {
    return this.failure(
      bundle.payload === this.own.payload ? "refused" : "overtaken",
      `Not every worker serves version ${bundle.version}, also after a new VM.`,
      "Restart the gateway, and see its log at `Failed to configure thread-local Wasm plugin`.",
    );
  }

  private unseen(bundle: Bundle, why: string): Promise<PushFailure> {
    return this.failure(
      "unreached",
      `Version ${bundle.version} was written, and whether it serves cannot be seen: ${why}`,
      "Push again when the gateway can be seen.",
    );
  }

  private async notServed(kind: "refused" | "silent", state: FilterState): Promise<PushFailure> {
    if (state.bundleVersion === this.own.version) return this.overtaken(this.own.version);
    const missing = missingFilterFile(this.options.filter);
    const why =
      missing !== undefined
        ? `its filter's file ${missing} does not exist on this machine`
        : kind === "silent"
          ? "the gateway did not take it up in time; does it watch this ECDS file, in a folder that was not made anew since it started?"
          : "see the gateway's log, at `glassgate: configuration refused` or at `wasm`";
    return this.failure(
      "refused",
      `The gateway does not serve version ${this.own.version}: ${why}. What was there before was put back.`,
      missing !== undefined
        ? "Put the filter back where the gateway's file says, and push again."
        : "`glassgate bundle verify` says whether the bundle is good; `glassgate gateway verify` whether the gateway is.",
    );
  }
}

/** Pushes, waits, heals or restores. Throws a PushFailure when the gateway does not serve the bundle afterwards. */
export async function push(options: PushOptions): Promise<PushResult> {
  return new Pushing(options).run();
}
