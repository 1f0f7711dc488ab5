/** What holds after a push, in words: what serves, and what a restart would serve, as the gauges and the file say it now. */
import { UserError } from "../base/errors.js";
import type { FilterState } from "./admin-state.js";
import type { Files } from "./push-files.js";

/** A version; `none` where no bundle is in force; `unknown` where it cannot be seen. */
export type Standing = number | "none" | "unknown";

export interface Standings {
  readonly serving: Standing;
  /** How many VMs serve it, of how many; left out where it cannot be seen. */
  readonly vms?: readonly [number, number];
  /** `missing`: there is no ECDS file, and Envoy would not start. */
  readonly restart: Standing | "missing";
}

/** `refused` before or after the write, `overtaken` by a newer version, `unreached` or unseen: nothing is known of the gateway. */
export type PushOutcome = "refused" | "overtaken" | "unreached";

export class PushFailure extends UserError {
  constructor(
    message: string,
    readonly outcome: PushOutcome,
    readonly standings: Standings,
    options: { hint: string; exitCode?: number; cause?: unknown },
  ) {
    super(message, {
      ...options,
      exitCode: options.exitCode ?? 1,
      hint: `${options.hint} ${standingSentence(standings)}`,
    });
    this.name = "PushFailure";
  }
}

/** @param state undefined where the gauges could not be read */
export function standingsOf(files: Files, state: FilterState | undefined, workers: number | undefined): Standings {
  const { text, deployed } = files;
  const version = deployed?.bundle?.version;
  const isUsable = version !== undefined && version >= (deployed?.configuration.min_version ?? 0);
  const restart = text === undefined ? "missing" : isUsable ? version : "none";
  if (state?.bundleVersion === undefined || !state.isVisible) {
    // Where gauges of other domains are seen and none of this one, nothing of this one serves.
    return { serving: state?.isVisible === true ? "none" : "unknown", restart };
  }
  const vms = workers === undefined ? {} : { vms: [state.servingVms, workers + 1] as const };
  return { serving: state.bundleVersion === 0 ? "none" : state.bundleVersion, ...vms, restart };
}

export function standingSentence({ serving, vms, restart }: Standings): string {
  const isPartly = vms !== undefined && vms[0] < vms[1];
  const partly = isPartly ? ` on ${vms[0]} of ${vms[1]} VMs` : "";
  const now =
    serving === "unknown"
      ? "What serves now cannot be seen"
      : serving === "none"
        ? "No bundle serves now"
        : `Version ${serving} serves now${partly}`;
  const then =
    restart === "missing"
      ? "a restart would fail, as the ECDS file is missing or cannot be read"
      : restart === "none" || restart === "unknown"
        ? "a restart would serve no bundle"
        : `a restart would serve version ${restart}`;
  return `${now}; ${then}.`;
}
