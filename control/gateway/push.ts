/**
 * Puts a bundle into a running gateway and proves that every worker serves it. Several pushes may run at once, be stopped or be
 * killed at any step: docs/pushing.md says what holds then, and why. In short: who pushes enters its bundle into a record, writes
 * only while nothing newer stands anywhere, looks again afterwards, and where something newer is, brings that one in instead.
 */
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { nowSeconds } from "../base/time.js";
import { domainOf } from "../trust/anchors.js";
import { UnreachableError, UnseenError } from "./admin.js";
import { type FilterState, readFilterState } from "./admin-state.js";
import { type Bundle, signedBundle } from "./ecds.js";
import { Bringing, isTaken } from "./push-bring.js";
import { renderedChanges } from "./push-configuration.js";
import { PushEndings } from "./push-endings.js";
import { type Files, PushFiles, refuseOtherThanFile } from "./push-files.js";
import { takeLock } from "./push-lock.js";
import type { PushOptions, PushResult, PushStep } from "./push-options.js";
import { PushFailure } from "./push-outcome.js";
import { anchorChanges, checkKnown, pinnedAnchors, preflight, refusalOf, staleAnchors } from "./push-preflight.js";
import { claimsOf, lostBy, textsIn, unusable } from "./push-texts.js";

export type { PushOptions, PushResult, PushStep };

/** Each round ends in an answer or finds something newer; as many pushes at once are no accident. */
const MAX_ROUNDS = 32;
/** Nor is a gateway that answers otherwise each time. No new round begins after this. */
const LONGEST_MS = 60_000;

class Pushing {
  private readonly domain: string;
  private readonly files: PushFiles;
  private readonly own: Bundle;
  private readonly end: PushEndings;
  private readonly bringing: Bringing;
  private nodeId = "";
  /** How far the gateway's clock is ahead of this machine's. */
  private clockSeconds = 0;
  /** The texts with which the filter takes one's own bundle. */
  private checked: string | undefined;
  /** Other pushes' bundles that the filter takes. */
  private readonly usable = new Set<string>();

  constructor(private readonly options: PushOptions) {
    const { anchors, bundle, filter } = options;
    this.domain = domainOf(anchors);
    const { text, seen = [], configuration } = options;
    this.files = new PushFiles(filter.ecdsPath, anchors, { text, seen, rendered: textsIn(configuration) });
    const own = signedBundle(bundle);
    this.own = own;
    this.end = new PushEndings(options, this.domain, this.files, own);
    this.bringing = new Bringing(options, this.domain, this.files, own, this.end);
  }

  async run(): Promise<PushResult> {
    const { options } = this;
    try {
      await this.check();
      const release = await takeLock(options.filter.ecdsPath, { ...options, isLeft: this.isText });
      try {
        await this.refuseObstacle(this.own);
        this.enterText();
        return await this.settle();
      } finally {
        release();
      }
    } catch (error) {
      if (this.isText && error instanceof UnreachableError && !this.end.hasWritten)
        throw await this.writeUnseen(error.message);
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

  private enterText(): void {
    const why = this.files.enterText();
    if (why !== undefined)
      this.end.warn(`no record of this text can be kept (${why}); pushes at the same time are less safe`);
  }

  /** "Applied" is said of a text that counts; and of two that one signer signed at once, neither undoes the other unseen. */
  private async refuseObstacle(bundle: Bundle): Promise<void> {
    const obstacle = this.files.obstacle(bundle);
    if (obstacle === undefined) return;
    if (!this.files.holdsText(this.files.read())) this.files.withdrawText();
    throw await this.end.failure("refused", obstacle.message, obstacle.hint);
  }

  /** A gateway that is down shall not start without it. What it adds only takes away, so nothing need be seen of the gateway. */
  private async writeUnseen(why: string): Promise<PushFailure> {
    const files = this.files.read();
    await checkKnown(this.options.filter.ecdsPath, files);
    await this.checkUsable(files);
    // Never an older bundle in the place of one that came meanwhile.
    const newest = this.files.newest({ ...this.files.read(), begun: [] }, this.own) ?? this.own;
    await this.refuseObstacle(newest);
    this.enterText();
    this.bringing.writeUnseen(newest);
    const then = "The revocation stands in its file, and is in force as soon as it runs.";
    return this.end.failure("unreached", `${why} ${then}`, "Run the same command again then.", 1, false);
  }

  /** Everything that can be known before anything is written. */
  private async check(): Promise<void> {
    const { filter, admin, anchors, confirmAnchors, progress = () => {} } = this.options;
    refuseOtherThanFile(filter.ecdsPath);
    const first = this.files.read();
    const isRevocation =
      this.isText || (this.files.holds(first.deployed, this.own) && !this.files.holdsTexts(first, this.own));
    // What only takes away is never refused for time.
    const { info, beside } = await preflight(filter, admin, this.domain, isRevocation ? undefined : this.own, progress);
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
    const decided = this.isText ? [] : renderedChanges(deployed, this.options.configuration);
    if (decided.length > 0)
      this.end.warn(`the gateway's own file decides, and what was deployed said otherwise: ${decided.join("; ")}`);
    for (const line of lostBy(textsIn(deployed?.configuration), anchors, claimsOf(this.own))) this.end.warn(line);
    await this.checkUsable(files);
  }

  private get isText(): boolean {
    return this.options.text !== undefined;
  }

  /** Before anything is written with them: the bundle and all texts beside it, as the built-in filter takes them. */
  private async checkUsable(files: Files): Promise<void> {
    const texts = this.files.textsFor(files, this.own);
    const checked = texts.join(" ");
    if (checked === this.checked) return;
    const refusal = await refusalOf(this.bringing.configurationFor(this.own, files, 1, 0));
    if (refusal !== undefined) throw await unusable(this.options, this.own, texts, refusal);
    this.checked = checked;
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
      await this.checkUsable(files);
      await this.refuseObstacle(newest);
      await this.bringing.step("looked");
      const highest = Math.max(state.bundleVersion ?? 0, this.files.minVersion(files));
      if (highest > newest.version) {
        if (this.hasComeMeanwhile(newest)) continue;
        throw await this.end.overtaken(highest);
      }
      const brought = await this.bringing.bring(newest, files, state);
      switch (brought.kind) {
        case "serves":
        case "unchanged":
          if (!(await this.isSameEnvoy()) || !this.bringing.keep(brought.deployed, newest)) continue;
          await this.bringing.step("kept");
          await this.refuseObstacle(newest);
          if (!isOwn && !this.isText) throw await this.end.overtaken(newest.version);
          return this.end.result(brought);
        case "moved":
          continue;
        case "refused":
        case "silent": {
          if (brought.kind === "silent" && !brought.state.isVisible)
            throw await this.end.unseen(newest, "it publishes none of the filter's gauges.");
          if (brought.kind === "silent" && this.bringing.servesAlready(newest, brought.state))
            return this.end.result(brought);
          if (isTaken(newest, state, brought.state)) throw await this.end.notByAll(newest);
          const isSilent = brought.kind === "silent" && brought.state.rejections <= state.rejections;
          const left = await this.bringing.restore(newest, { ...files, state }, isSilent);
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

  /** Another push may have written between the look at the files and the one at the gauges. */
  private hasComeMeanwhile({ version }: Bundle): boolean {
    return (this.files.newest(this.files.read(), this.own)?.version ?? 0) > version;
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
    const configuration = this.bringing.configurationFor(bundle, this.files.read(), 1, 0);
    if ((await refusalOf(configuration)) !== undefined) this.files.ignore(bundle);
    else if (bundle.exp <= nowSeconds() + this.clockSeconds) this.files.passOver(bundle);
    else {
      this.usable.add(bundle.payload);
      return true;
    }
    return false;
  }
}

/** Pushes, waits, heals or restores. Throws a PushFailure when the gateway does not serve the bundle afterwards. */
export async function push(options: PushOptions): Promise<PushResult> {
  return new Pushing(options).run();
}
