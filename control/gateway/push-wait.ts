/**
 * Waiting until every worker serves a bundle. Envoy's own version and acknowledgement can lie (the same bad configuration offered
 * twice counts as a success), so what counts is what the filter publishes: the generation, and how many VMs serve it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../base/errors.js";
import { type Admin, UnseenError } from "./admin.js";
import { type FilterState, isWhole, readFilterState, SCHEMA } from "./admin-state.js";
import type { Bundle, Deployed } from "./ecds.js";
import type { Files, PushFiles } from "./push-files.js";
import { claimsOf, isApplied, textsIn } from "./push-texts.js";

export type Arrival =
  /** Every worker serves it, and the file holds it. */
  | { readonly kind: "serves"; readonly state: FilterState; readonly deployed: Deployed }
  /** Something else stands in the file, or is newer: look again. */
  | { readonly kind: "moved" }
  | { readonly kind: "refused" | "lagging" | "silent"; readonly state: FilterState }
  /** What came of it cannot be seen. */
  | { readonly kind: "unseen"; readonly why: UserError };

export interface Wait {
  readonly admin: Admin;
  readonly files: PushFiles;
  readonly domain: string;
  readonly bundle: Bundle;
  readonly workers: number;
  /** Rejections before the write. */
  readonly rejections: number;
  readonly timeoutMs: number;
  readonly step: (name: "polled") => Promise<void>;
  readonly warn: (line: string) => void;
}

/** How long a live worker can need at most before it counts as dead, once the main thread serves the new generation. */
const LAG_MS = 3000;
/** A rejection may be another push's; one's own configuration then still comes within this time. */
const REJECTION_MS = 2000;
const LONGEST_PAUSE_MS = 50;

type Seen = "serves" | "more" | "partly" | "hidden" | "not";

/** `more`: on every VM, and they all remember further revocations than this file's. */
function fromGauges(
  state: FilterState,
  deployed: Deployed,
  { texts }: Pick<Files, "texts">,
  { bundle, workers }: Wait,
): Seen {
  if (state.generation !== deployed.configuration.generation || state.bundleVersion !== bundle.version) return "not";
  if (!isWhole(state, workers) || state.revocations === 0) return "partly";
  // A filter that has no such gauge would have refused a configuration with a text.
  if (state.revocations === undefined) return textsIn(deployed.configuration).length === 0 ? "serves" : "hidden";
  const { configuration } = deployed;
  const known = [...textsIn(configuration), ...texts];
  return isApplied(state.revocations, known, configuration, claimsOf(bundle)) ? "serves" : "more";
}

const HIDDEN = new UnseenError("it does not show the gauge revocations_applied: does stats_matcher hide it?");
const MORE =
  "the gateway holds texts of revocations that its file does not, and forgets them when it restarts: whoever signed one and is not silenced revokes again";

/** By the clock that only goes forward: a step of the other is no reason to put a bundle back, nor to wait for ever. */
export async function waitFor(wait: Wait): Promise<Arrival> {
  const { admin, files, domain, bundle } = wait;
  const started = performance.now();
  let partlySince: number | undefined;
  let rejectedSince: number | undefined;
  let missingSince: number | undefined;
  let last: FilterState | undefined;
  let why: UserError | undefined;
  for (let pause = 2; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const before = files.read().text;
    try {
      last = await readFilterState(admin, domain);
      why =
        last.schema > SCHEMA
          ? new UnseenError("a hot restart has begun, and adds the old Envoy's numbers.")
          : undefined;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      why = error;
    }
    // After the gauges, and in one tick with the judgement: what is said of them holds for this file.
    const now = files.read();
    const { deployed } = now;
    if (!files.holds(deployed, bundle) || (files.newest(now)?.version ?? 0) > bundle.version) return { kind: "moved" };
    if (!files.holdsTexts(now, bundle)) return { kind: "moved" };
    if (last !== undefined && why === undefined) {
      if ((last.bundleVersion ?? 0) > bundle.version) return { kind: "moved" };
      const seen = before === now.text ? fromGauges(last, deployed, now, wait) : "not";
      if (seen === "hidden") return { kind: "unseen", why: HIDDEN };
      if (seen === "serves") return { kind: "serves", state: last, deployed };
      if (seen === "partly" || seen === "more") {
        partlySince ??= performance.now();
        const isOver = performance.now() - partlySince > LAG_MS;
        if (isOver && seen === "partly") return { kind: "lagging", state: last };
        if (isOver) {
          wait.warn(MORE);
          return { kind: "serves", state: last, deployed };
        }
      } else partlySince = undefined;
      // Where there are VMs and one is missing, the thread without takes nothing up, however long one waits.
      if (seen === "not" && last.vmCount > 0 && last.vmCount < wait.workers + 2) {
        missingSince ??= performance.now();
        if (performance.now() - missingSince > LAG_MS) return { kind: "silent", state: last };
      } else missingSince = undefined;
      if (seen === "not" && last.rejections > wait.rejections) {
        rejectedSince ??= performance.now();
        if (performance.now() - rejectedSince > REJECTION_MS) return { kind: "refused", state: last };
      }
    }
    if (performance.now() - started > wait.timeoutMs) {
      if (last === undefined || why !== undefined)
        return { kind: "unseen", why: why ?? new UserError("The gateway was not seen.") };
      return { kind: partlySince === undefined ? "silent" : "lagging", state: last };
    }
    await wait.step("polled");
    await sleep(pause);
  }
}
