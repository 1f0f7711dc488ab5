/**
 * Puts a bundle into a running gateway and proves that every worker serves it. Several pushes may run at once, be stopped or be
 * killed at any step: docs/pushing.md says what holds then, and why. In short: who pushes enters its bundle into a record, writes
 * only while nothing newer stands anywhere, looks again afterwards, and where something newer is, brings that one in instead.
 */
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { nowSeconds } from "../base/time.js";
import { domainOf } from "../trust/anchors.js";
import { UnseenError } from "./admin.js";
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
import {
  asItWas,
  configurationOf,
  isAsWanted,
  keptFrom,
  nextGeneration,
  renderedChanges,
} from "./push-configuration.js";
import { type Left, PushEndings } from "./push-endings.js";
import { type Files, PushFiles, refuseOtherThanFile } from "./push-files.js";
import { takeLock } from "./push-lock.js";
import type { PushOptions, PushResult, PushStep } from "./push-options.js";
import { PushFailure } from "./push-outcome.js";
import { anchorChanges, checkKnown, pinnedAnchors, preflight, refusalOf, staleAnchors } from "./push-preflight.js";
import { type Arrival, waitFor } from "./push-wait.js";

export type { PushOptions, PushResult, PushStep };

const DEFAULT_TIMEOUT_MS = 15_000;
/** For another push of a newer bundle to bring its own in, before this one does it. */
const OTHERS_MS = 1000;
/** Each round ends in an answer or finds something newer; as many pushes at once are no accident. */
const MAX_ROUNDS = 32;
/** Nor is a gateway that answers otherwise each time. No new round begins after this. */
const LONGEST_MS = 60_000;

type Brought = Arrival | { readonly kind: "unchanged"; readonly state: FilterState; readonly deployed: Deployed };

/** The canary has taken it, whatever came of the threads: the gateway refuses what is older from then on. */
const isTaken = ({ version }: Bundle, before: FilterState, after: FilterState): boolean =>
  (before.bundleVersion ?? 0) < version && (after.bundleVersion ?? 0) >= version;

class Pushing {
  private readonly domain: string;
  private readonly files: PushFiles;
  private readonly own: Bundle;
  private readonly end: PushEndings;
  private nodeId = "";
  /** How far the gateway's clock is ahead of this machine's. */
  private clockSeconds = 0;
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
    this.end = new PushEndings(options, this.domain, this.files, own);
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
      if (!this.end.hasWritten) this.end.withdraw();
      if (error instanceof PushFailure || !(error instanceof UserError)) throw error;
      const isUnseen = error instanceof UnseenError;
      const outcome = isUnseen ? "unreached" : "refused";
      throw await this.end.failure(outcome, error.message, error.hint, error.exitCode, !isUnseen);
    }
  }

  private get workers(): number {
    return this.end.workers ?? 1;
  }

  private async step(name: PushStep): Promise<void> {
    await this.options.step?.(name);
  }

  /** Everything that can be known before anything is written. */
  private async check(): Promise<void> {
    const { filter, admin, anchors, confirmAnchors, progress = () => {} } = this.options;
    refuseOtherThanFile(filter.ecdsPath);
    const { info, beside } = await preflight(filter, admin, this.domain, this.own, progress);
    for (const place of beside)
      this.end.warn(
        `another glassgate filter of these anchors ${place}: this push does not reach it, and it may allow what is revoked here. Have all of them read ${visible(filter.ecdsPath)}`,
      );
    this.end.workers = info.workers;
    this.nodeId = info.nodeId;
    this.clockSeconds = (info.clock ?? nowSeconds()) - nowSeconds();
    const files = this.files.read();
    const { deployed } = files;
    await checkKnown(filter.ecdsPath, files);
    const before = pinnedAnchors(filter, deployed);
    const changes = before === undefined ? [] : anchorChanges(before, anchors);
    if (changes.length > 0 && (await confirmAnchors?.(changes)) !== true)
      throw new UserError(`The gateway has other anchors than these: ${changes.join("; ")}.`, {
        hint: "Use the anchors of this gateway, or push at a terminal and answer yes. Render its file again afterwards.",
      });
    const stale = staleAnchors(filter, anchors);
    if (stale.length > 0)
      this.end.warn(
        `the gateway's own file pins other anchors, and Envoy falls back on them where it cannot use the ECDS file: ${stale.join("; ")}. Render it again with these`,
      );
    const decided = renderedChanges(deployed, this.options.configuration);
    if (decided.length > 0)
      this.end.warn(`the gateway's own file decides, and what was deployed said otherwise: ${decided.join("; ")}`);
    const refusal = await refusalOf(configurationOf(this.options, this.own, 1, 0, keptFrom(files)));
    if (refusal !== undefined)
      throw new UserError(`The filter refuses this bundle: ${refusal}.`, {
        hint: "Mend the roster, build and sign again.",
        exitCode: 1,
      });
  }

  /** Brings in whatever is newest until that is settled; only if that is one's own bundle is this push applied. */
  private async settle(): Promise<PushResult> {
    const started = performance.now();
    for (let round = 0; round < MAX_ROUNDS && performance.now() - started < LONGEST_MS; round++) {
      const files = this.files.read();
      await checkKnown(this.options.filter.ecdsPath, files);
      const found = this.files.newest(files, this.own) ?? this.own;
      const isOwn = found.payload === this.own.payload;
      const newest = isOwn ? this.own : found;
      const state = await readFilterState(this.options.admin, this.domain);
      if (!isOwn && !(await this.isUsable(newest, state))) continue;
      await this.step("looked");
      const highest = Math.max(state.bundleVersion ?? 0, this.files.minVersion(files));
      if (highest > newest.version) throw await this.end.overtaken(highest);
      const brought = await this.bring(newest, files, state);
      switch (brought.kind) {
        case "serves":
        case "unchanged":
          if (!(await this.isSameEnvoy()) || !this.keep(brought.deployed, newest)) continue;
          await this.step("kept");
          if (!isOwn) throw await this.end.overtaken(newest.version);
          return this.end.result(brought);
        case "moved":
          continue;
        case "refused":
        case "silent": {
          if (brought.kind === "silent" && !brought.state.isVisible)
            throw await this.end.unseen(newest, "it publishes none of the filter's gauges.");
          if (brought.kind === "silent" && this.servesAlready(newest, brought.state)) return this.end.result(brought);
          if (isTaken(newest, state, brought.state)) throw await this.end.notByAll(newest);
          const isSilent = brought.kind === "silent" && brought.state.rejections <= state.rejections;
          const left = await this.restore(newest, { ...files, state }, isSilent);
          if (left === undefined || (!isOwn && left !== "tried")) continue;
          throw await this.end.notServed(newest, isSilent, left, brought.state);
        }
        case "lagging":
          throw await this.end.notByAll(newest);
        case "unseen":
          throw await this.end.unseen(newest, brought.why.message);
      }
    }
    throw await this.end.failure(
      "overtaken",
      "Other pushes keep changing the gateway.",
      "Push again when they are done.",
    );
  }

  /** What was seen to serve counts for as many workers as there were: an Envoy that was restarted may have more, or be another. */
  private async isSameEnvoy(): Promise<boolean> {
    const info = await this.options.admin.serverInfo();
    const isSame = info.workers === this.workers && info.nodeId === this.nodeId;
    if (isSame) return true;
    await this.check();
    return false;
  }

  /** Whether another push's bundle serves, or is one that this gateway could serve; what is not counts no more. */
  private async isUsable(bundle: Bundle, { bundleVersion }: FilterState): Promise<boolean> {
    if (this.usable.has(bundle.payload) || bundleVersion === bundle.version) return true;
    if ((await refusalOf(configurationOf(this.options, bundle, 1, 0, keptFrom(this.files.read())))) !== undefined)
      this.files.ignore(bundle);
    else if (bundle.exp <= nowSeconds() + this.clockSeconds) this.files.passOver(bundle);
    else {
      this.usable.add(bundle.payload);
      return true;
    }
    return false;
  }

  private async bring(bundle: Bundle, files: Files, state: FilterState): Promise<Brought> {
    const isOwn = bundle.payload === this.own.payload;
    if (this.files.holds(files.deployed, bundle)) {
      const { deployed } = files;
      const isServing =
        state.generation === deployed.configuration.generation &&
        state.bundleVersion === bundle.version &&
        isWhole(state, this.workers);
      if (isServing && (!isOwn || isAsWanted(this.options, this.own, deployed)))
        return this.files.read().text === deployed.text ? { kind: "unchanged", state, deployed } : { kind: "moved" };
      // Its own push may be waiting for it just now.
      if (!isOwn && !isServing) {
        const arrival = await this.wait(bundle, state, OTHERS_MS);
        if (arrival.kind === "serves" || arrival.kind === "moved") return arrival;
      }
    }
    const begun = this.files.begin(bundle);
    if (begun === "another") return { kind: "moved" }; // Of the same version, and it was first.
    if (begun === "begun") this.end.hasBegun ||= isOwn;
    else this.end.warn(`no record of this push can be kept (${begun.why}); pushes at the same time are less safe`);
    await this.step("begun");
    const written = await this.write(bundle, files, undefined);
    if (written === undefined) return { kind: "moved" };
    await this.step("written");
    const arrival = await this.wait(bundle, written.state);
    if (arrival.kind === "serves") await this.step("served");
    return this.isVmMissing(arrival, bundle, state) ? this.heal(bundle, written) : arrival;
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
    const generation = nextGeneration(now);
    const minVersion = this.files.minVersion(now);
    const theirs = [now.deployed, now.good].find((held) => this.files.holds(held, bundle));
    const configuration =
      theirs === undefined || bundle.payload === this.own.payload
        ? configurationOf(this.options, bundle, generation, minVersion, keptFrom(now))
        : asItWas(theirs.configuration, generation, minVersion);
    const id = vmId?.(generation) ?? now.deployed?.vmId ?? vmIdOf(filter);
    const text = ecdsText(filter, configuration, id, vmId === undefined ? String(generation) : `${generation}-healed`);
    void this.options.step?.("writing");
    writeEcds(filter.ecdsPath, text);
    this.end.hasWritten = true;
    return { text, state };
  }

  private wait(
    bundle: Bundle,
    before: FilterState,
    timeoutMs = this.options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  ): Promise<Arrival> {
    const { admin } = this.options;
    const { files, domain } = this;
    const step = (name: PushStep): Promise<void> => this.step(name);
    return waitFor({
      admin,
      files,
      domain,
      bundle,
      workers: this.workers,
      rejections: before.rejections,
      timeoutMs,
      step,
    });
  }

  private isVmMissing(arrival: Arrival, bundle: Bundle, before: FilterState): boolean {
    if (arrival.kind === "lagging") return true;
    if (arrival.kind !== "silent" && arrival.kind !== "refused") return false;
    const { state } = arrival;
    if (!state.isVisible || state.vmCount >= this.workers + 2) return false;
    return arrival.kind === "silent" || isTaken(bundle, before, state);
  }

  /** A thread whose VM failed to configure takes no update any more, until the VM has another identity. */
  private async heal(bundle: Bundle, written: { text: string }): Promise<Arrival> {
    await this.step("healing");
    const files = this.files.read();
    if (files.text !== written.text) return { kind: "moved" };
    const healing = await this.write(bundle, files, (generation) => `${vmIdOf(this.options.filter)}-${generation}`);
    if (healing === undefined) return { kind: "moved" };
    this.end.healed = true;
    await this.step("written");
    return this.wait(bundle, healing.state);
  }

  /** The file is new and the version is not: Envoy may have lost sight of a folder that was deleted and made again. */
  private servesAlready(bundle: Bundle, state: FilterState): boolean {
    const isServing = state.bundleVersion === bundle.version && isWhole(state, this.workers);
    const { deployed, good } = this.files.read();
    const isSame = this.files.holds(good, bundle) && good.configuration.generation === state.generation;
    if (!isServing || !isSame || !this.files.holds(deployed, bundle)) return false;
    if (bundle.payload !== this.own.payload) return false;
    this.end.warn(
      "the gateway did not take up the ECDS file that was written; was its folder made anew? Restart the gateway before the next push",
    );
    return true;
  }

  /**
   * Puts the last good configuration back in the place of a bundle that the gateway refused, if it still stands there. One that
   * the gateway did not even notice stays where a restart would else serve less than what serves now. @returns what stands there
   */
  private async restore(
    bundle: Bundle,
    before: Files & { state: FilterState },
    isSilent: boolean,
  ): Promise<Left | undefined> {
    const { filter } = this.options;
    await this.step("restoring");
    // A gateway that is only slow may have taken it meanwhile.
    const state = await readFilterState(this.options.admin, this.domain);
    if (isTaken(bundle, before.state, state)) return undefined;
    const now = this.files.read();
    const isTriedText = this.files.holds(now.deployed, bundle);
    const previous = this.files.previous(before, now, bundle);
    const serving = state.bundleVersion ?? 0;
    const isLess = previous === undefined || (readEcds(previous)?.bundle?.version ?? 0) < serving;
    const isKept = isSilent && isTriedText && isLess && bundle.version >= serving;
    if (!isKept) this.files.ignore(bundle);
    const newest = this.files.newest(now);
    if (newest !== undefined && newest.version > bundle.version) return undefined;
    if (isKept) return "tried";
    if (!isTriedText && now.text !== undefined) return undefined;
    writeEcds(filter.ecdsPath, previous ?? ecdsText(filter, defaultConfiguration(filter), undefined, "0"));
    await this.step("restored");
    return previous === undefined ? "none" : previous === before.text ? "previous" : "good";
  }

  /** False when another push wrote meanwhile. */
  private keep(deployed: Deployed, bundle: Bundle): boolean {
    if (!this.files.holds(this.files.read().deployed, bundle)) return false;
    const unkept = this.files.keepGood(deployed, bundle.version);
    if (unkept !== undefined)
      this.end.warn(`the bundle is applied, but the copy for the next push cannot be kept (${unkept})`);
    return true;
  }
}

/** Pushes, waits, heals or restores. Throws a PushFailure when the gateway does not serve the bundle afterwards. */
export async function push(options: PushOptions): Promise<PushResult> {
  return new Pushing(options).run();
}
