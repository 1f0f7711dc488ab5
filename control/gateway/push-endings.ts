/** How a push can end, with what holds then; and what of it the endings need to know. */
import { UserError } from "../base/errors.js";
import { domainOf } from "../trust/anchors.js";
import { type FilterState, readFilterState } from "./admin-state.js";
import type { Bundle, Deployed } from "./ecds.js";
import type { PushFiles } from "./push-files.js";
import type { PushOptions, PushResult } from "./push-options.js";
import { PushFailure, type PushOutcome, type Standings, standingsOf } from "./push-outcome.js";
import { missingFilterFile } from "./push-preflight.js";

/** What stands in the ECDS file after a bundle was tried and did not come to serve. */
export type Left = keyof typeof LEFT;
const LEFT = {
  tried: "It stays in the ECDS file.",
  previous: "What was there before was put back.",
  good: "What last served on all workers was put back.",
  none: "Nothing older is known here: the ECDS file holds no bundle now.",
};

export class PushEndings {
  /** Worker threads, once they are known. */
  workers: number | undefined;
  /** Whether this push changed the ECDS file. */
  hasWritten = false;
  healed = false;
  /** Whether one's own bundle was entered into the record. */
  hasBegun = false;
  private readonly started = performance.now();
  private readonly warnings: string[] = [];

  constructor(
    private readonly options: PushOptions,
    private readonly domain: string,
    private readonly files: PushFiles,
    private readonly own: Bundle,
  ) {}

  warn(line: string): void {
    if (!this.warnings.includes(line)) this.warnings.push(line);
  }

  /** What was begun and never written shall not be brought in by a later push. */
  withdraw(): void {
    if (this.hasBegun && !this.files.holds(this.files.read().deployed, this.own)) this.files.withdraw(this.own);
  }

  private async standings(isSeen: boolean): Promise<Standings> {
    let state: FilterState | undefined;
    try {
      // Of the anchors that the file has pinned: a push under others must not say that nothing serves.
      const { deployed } = this.files.read();
      const domain = deployed === undefined ? this.domain : domainOf(deployed.configuration);
      if (isSeen) state = await readFilterState(this.options.admin, domain);
    } catch (error) {
      if (!(error instanceof UserError)) throw error; // Else it cannot be seen, and that is what is said.
    }
    return standingsOf(this.files.read(), state, this.workers);
  }

  async result(brought: { kind: string; state: FilterState; deployed?: Deployed }): Promise<PushResult> {
    const { deployed, state } = brought;
    return {
      generation: deployed?.configuration.generation ?? state.generation ?? 0,
      version: this.own.version,
      // A VM that trapped is counted for some seconds beside the one that replaced it.
      servingVms: Math.min(state.servingVms, (this.workers ?? 1) + 1),
      healed: this.healed,
      unchanged: brought.kind === "unchanged" && !this.hasWritten,
      milliseconds: Math.round(performance.now() - this.started),
      standings: await this.standings(true),
      warnings: this.warnings,
    };
  }

  /** @param isSeen whether what serves can be asked for */
  async failure(outcome: PushOutcome, message: string, hint = "", exitCode = 1, isSeen = true): Promise<PushFailure> {
    const nothing = this.hasWritten ? "" : " Nothing was changed at the gateway.";
    const standings = await this.standings(isSeen);
    return new PushFailure(message, outcome, standings, { hint: `${hint}${nothing}`.trim(), exitCode });
  }

  /** What was brought in, at the head of a sentence. */
  private what(bundle: Bundle): string {
    return this.isText ? "The revocation" : `Version ${bundle.version}`;
  }

  private get isText(): boolean {
    return this.options.text !== undefined;
  }

  async overtaken(version: number): Promise<PushFailure> {
    this.withdraw();
    if (this.isText)
      return this.failure(
        "refused",
        `The gateway serves version ${version}, which none of its files holds: nothing can be written beside it.`,
        "The revocation is kept beside the file, and the push of that bundle brings it in: push it.",
      );
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
  notByAll(bundle: Bundle): Promise<PushFailure> {
    return this.failure(
      bundle.payload === this.own.payload ? "refused" : "overtaken",
      this.isText
        ? "The revocation is not in force on every worker, also after a new VM."
        : `Not every worker serves version ${bundle.version}, also after a new VM.`,
      "Restart the gateway, and see its log at `Failed to configure thread-local Wasm plugin`.",
    );
  }

  unseen(bundle: Bundle, why: string): Promise<PushFailure> {
    return this.failure(
      "unreached",
      `${this.what(bundle)} was written, and whether it ${this.isText ? "is in force" : "serves"} cannot be seen: ${why}`,
      `${this.isText ? "Run the same command" : "Push"} again when the gateway can be seen.`,
      1,
      false,
    );
  }

  /** @param isSilent whether the gateway did not even notice the file: it neither served nor rejected what stood in it */
  async notServed(bundle: Bundle, isSilent: boolean, left: Left, state: FilterState): Promise<PushFailure> {
    const { version } = bundle;
    const isOwn = bundle.payload === this.own.payload;
    const isSameVersion = state.bundleVersion === version;
    if (isOwn && isSameVersion && !this.isText && this.files.hasAnother(bundle)) return this.overtaken(version);
    const missing = missingFilterFile(this.options.filter);
    const what = this.isText
      ? "The gateway did not take the revocation"
      : isSameVersion
        ? `Version ${version} serves, and whether it is this very bundle cannot be seen`
        : `The gateway does not serve version ${version}`;
    const why =
      missing !== undefined
        ? `its filter's file ${missing} does not exist on this machine`
        : isSilent
          ? "the gateway did not take up the ECDS file: it may have lost sight of its folder (deleted and made again?)"
          : "see the gateway's log, at `glassgate: configuration refused` or at `wasm`";
    const hint =
      missing !== undefined
        ? "Put the filter back where the gateway's file says, and push again."
        : isSilent
          ? this.restartHint()
          : isSameVersion && !this.isText
            ? `Build and sign one with a version above ${version}.`
            : "`glassgate bundle verify` says whether the bundle is good; `glassgate gateway verify` whether the gateway is.";
    return this.failure(isOwn ? "refused" : "overtaken", `${what}: ${why}. ${LEFT[left]}`, hint);
  }

  private restartHint(): string {
    const { restart } = standingsOf(this.files.read(), undefined, undefined);
    if (typeof restart !== "number") return "Restart the gateway, then push again.";
    const again = restart < this.own.version ? " Then push again." : "";
    return `Restart the gateway; it then serves version ${restart}.${again}`;
  }
}
