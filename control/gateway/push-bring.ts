/** Bringing one bundle into the gateway: written, waited for, healed or put back. `push.ts` decides which, and what comes of it. */
import { type FilterState, isWhole, readFilterState } from "./admin-state.js";
import { type Bundle, type Deployed, defaultConfiguration, ecdsText, readEcds, vmIdOf, writeEcds } from "./ecds.js";
import { asItWas, configurationOf, isAsWanted, keptFrom, nextGeneration } from "./push-configuration.js";
import type { Left, PushEndings } from "./push-endings.js";
import type { Files, PushFiles } from "./push-files.js";
import type { PushOptions, PushStep } from "./push-options.js";
import { textsIn } from "./push-texts.js";
import { type Arrival, waitFor } from "./push-wait.js";

const DEFAULT_TIMEOUT_MS = 15_000;
/** For another push of a newer bundle to bring its own in, before this one does it. */
const OTHERS_MS = 1000;

export type Brought =
  | Arrival
  | { readonly kind: "unchanged"; readonly state: FilterState; readonly deployed: Deployed };

/** The canary has taken it, whatever came of the threads: the gateway refuses what is older from then on. */
export const isTaken = ({ version }: Bundle, before: FilterState, after: FilterState): boolean =>
  (before.bundleVersion ?? 0) < version && (after.bundleVersion ?? 0) >= version;

export class Bringing {
  constructor(
    private readonly options: PushOptions,
    private readonly domain: string,
    private readonly files: PushFiles,
    private readonly own: Bundle,
    private readonly end: PushEndings,
  ) {}

  async step(name: PushStep): Promise<void> {
    await this.options.step?.(name);
  }

  private get workers(): number {
    return this.end.workers ?? 1;
  }

  private isOwn(bundle: Bundle): boolean {
    return bundle.payload === this.own.payload;
  }

  async bring(bundle: Bundle, files: Files, state: FilterState): Promise<Brought> {
    const isOwn = this.isOwn(bundle);
    if (this.files.holds(files.deployed, bundle) && this.files.holdsTexts(files, bundle)) {
      const { deployed } = files;
      const isServing =
        state.generation === deployed.configuration.generation &&
        state.bundleVersion === bundle.version &&
        isWhole(state, this.workers) &&
        (textsIn(deployed.configuration).length === 0 || (state.revocations ?? 0) !== 0);
      const isDue = isOwn && this.options.isAnew === true && !this.end.hasWritten;
      if (isServing && !isDue && (!isOwn || this.isAsWanted(bundle, { ...files, deployed })))
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

  /** A text is brought in beside what is deployed, whatever else a push would mend there. */
  private isAsWanted(bundle: Bundle, files: Files & { deployed: Deployed }): boolean {
    if (this.options.text !== undefined) return true;
    return isAsWanted(this.options, this.own, files.deployed, this.files.textsFor(files, bundle));
  }

  /** What is written with that bundle. @param minVersion 0 for a judgement of the bundle alone */
  configurationFor(
    bundle: Bundle,
    files: Files,
    generation: number,
    minVersion = this.files.minVersion(files),
  ): string {
    const texts = this.files.textsFor(files, bundle);
    const theirs = [files.deployed, files.good].find((held) => this.files.holds(held, bundle));
    return theirs === undefined || (this.isOwn(bundle) && this.options.text === undefined)
      ? configurationOf(this.options, bundle, generation, minVersion, keptFrom(files), texts)
      : asItWas(theirs.configuration, generation, minVersion, texts);
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
    if (
      !isNewest ||
      now.text !== files.text ||
      this.files.obstacle(bundle) !== undefined ||
      (state.bundleVersion ?? 0) > bundle.version
    )
      return undefined;
    const generation = nextGeneration(now);
    const configuration = this.configurationFor(bundle, now, generation);
    const id = vmId?.(generation) ?? now.deployed?.vmId ?? vmIdOf(filter);
    const text = ecdsText(filter, configuration, id, vmId === undefined ? String(generation) : `${generation}-healed`);
    void this.options.step?.("writing");
    writeEcds(filter.ecdsPath, text);
    this.end.hasWritten = true;
    return { text, state };
  }

  /** Without a look at the gateway, in one tick. */
  writeUnseen(bundle: Bundle): void {
    const now = this.files.read();
    if (this.files.holdsTexts(now, bundle)) return;
    const generation = nextGeneration(now);
    const configuration = this.configurationFor(bundle, now, generation);
    const { filter } = this.options;
    writeEcds(
      filter.ecdsPath,
      ecdsText(filter, configuration, now.deployed?.vmId ?? vmIdOf(filter), String(generation)),
    );
    this.end.hasWritten = true;
  }

  private wait(
    bundle: Bundle,
    before: FilterState,
    timeoutMs = this.options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  ): Promise<Arrival> {
    const { admin } = this.options;
    const { files, domain } = this;
    return waitFor({
      admin,
      files,
      domain,
      bundle,
      workers: this.workers,
      rejections: before.rejections,
      timeoutMs,
      step: (name) => this.step(name),
      warn: (line) => this.end.warn(line),
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
  servesAlready(bundle: Bundle, state: FilterState): boolean {
    const isServing = state.bundleVersion === bundle.version && isWhole(state, this.workers);
    const { deployed, good } = this.files.read();
    const isSame = this.files.holds(good, bundle) && good.configuration.generation === state.generation;
    if (!isServing || !isSame || !this.files.holds(deployed, bundle)) return false;
    if (!this.isOwn(bundle) || this.options.text !== undefined) return false;
    this.end.warn(
      "the gateway did not take up the ECDS file that was written; was its folder made anew? Restart the gateway before the next push",
    );
    return true;
  }

  /**
   * Puts the last good configuration back in the place of a bundle that the gateway refused, if it still stands there. One that
   * the gateway did not even notice stays where a restart would else serve less than what serves now. @returns what stands there
   */
  async restore(bundle: Bundle, before: Files & { state: FilterState }, isSilent: boolean): Promise<Left | undefined> {
    const { filter } = this.options;
    await this.step("restoring");
    // A gateway that is only slow may have taken it meanwhile.
    const state = await readFilterState(this.options.admin, this.domain);
    if (isTaken(bundle, before.state, state)) return undefined;
    if (this.options.text !== undefined && this.isOwn(bundle)) return this.restoreText(before, isSilent);
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
    const restored = previous ?? ecdsText(filter, defaultConfiguration(filter), undefined, "0");
    writeEcds(filter.ecdsPath, this.withTexts(restored, now));
    await this.step("restored");
    return previous === undefined ? "none" : previous === before.text ? "previous" : "good";
  }

  /** What is put back holds what was revoked meanwhile, too. */
  private withTexts(text: string, now: Files): string {
    const held = readEcds(text);
    if (held?.bundle === undefined || this.files.holdsTexts({ ...now, deployed: held }, held.bundle)) return text;
    const generation = nextGeneration(now);
    const texts = this.files.textsFor(now, held.bundle);
    const configuration = asItWas(held.configuration, generation, this.files.minVersion(now), texts);
    return ecdsText(this.options.filter, configuration, held.vmId, String(generation));
  }

  /**
   * A text that the gateway rejected leaves its file, or the gateway could not start from it again, and no later push brings it in.
   * One that it did not notice stays.
   */
  private async restoreText(before: Files, isSilent: boolean): Promise<Left | undefined> {
    if (isSilent) return "tried";
    this.files.withdrawText();
    const now = this.files.read();
    if (before.text === undefined || !this.files.holdsText(now)) return undefined;
    // What another push has brought in meanwhile stays; only the text goes.
    const isOurs = this.files.holds(now.deployed, this.own) || now.deployed === undefined;
    if (!isOurs) return undefined;
    writeEcds(this.options.filter.ecdsPath, this.withTexts(before.text, now));
    await this.step("restored");
    return "previous";
  }

  /** False when another push wrote meanwhile. */
  keep(deployed: Deployed, bundle: Bundle): boolean {
    const now = this.files.read();
    if (!this.files.holds(now.deployed, bundle) || !this.files.holdsTexts(now, bundle)) return false;
    const unkept = this.files.keepGood(deployed, bundle.version);
    if (unkept !== undefined)
      this.end.warn(`the bundle is applied, but the copy for the next push cannot be kept (${unkept})`);
    return true;
  }
}
