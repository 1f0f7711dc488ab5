/**
 * Puts a bundle into a running gateway and proves that every worker serves it. Envoy's own version and acknowledgement can
 * lie (the same bad configuration offered twice counts as a success), so what counts is what the filter publishes: the
 * generation, and how many VMs serve it.
 */
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../base/errors.js";
import { readTextIfThere, writeText } from "../base/files.js";
import { type Anchors, domainOf } from "../trust/anchors.js";
import { type ConfigurationOptions, configurationText } from "../trust/configuration.js";
import { type Admin, type FilterState, readFilterState } from "./admin.js";
import { defaultConfiguration, ecdsText, readDeployed, vmIdOf, writeEcds } from "./ecds.js";
import type { RenderedFilter } from "./rendered.js";

export interface PushOptions {
  readonly filter: RenderedFilter;
  readonly anchors: Anchors;
  readonly admin: Admin;
  readonly bundle: { readonly text: string; readonly version: number };
  /** Members of the configuration besides anchors, bundle, generation and min_version. */
  readonly configuration?: ConfigurationOptions;
  /** Tries the configuration before anything is written; the reason why it is refused, or undefined. */
  readonly tryOut?: (configuration: string) => Promise<string | undefined>;
  readonly timeoutMs?: number;
}

export interface PushResult {
  readonly generation: number;
  readonly version: number;
  readonly servingVms: number;
  /** A worker had died and a new VM took over. */
  readonly healed: boolean;
  readonly milliseconds: number;
}

/** How long a live worker can need at most before it counts as dead, once the main thread serves the new generation. */
const LAG_MS = 3000;
const DEFAULT_TIMEOUT_MS = 15_000;

/** The last configuration that every worker served. Not in the watched folder: each rename there wakes Envoy. */
export const goodPath = (ecdsPath: string): string => join(dirname(dirname(ecdsPath)), `${basename(ecdsPath)}.good`);

type Arrival = "applied" | "rejected" | "lagging" | "silent";

function isWhole(state: FilterState, workers: number): boolean {
  return state.servingVms >= workers + 1 && state.vmCount >= workers + 2;
}

/** Waits until the generation is served by all, or until it is clear that it will not be. */
async function waitFor(
  admin: Admin,
  domain: string,
  generation: number,
  before: FilterState,
  timeoutMs: number,
): Promise<{ arrival: Arrival; state: FilterState }> {
  const workers = await admin.concurrency();
  const deadline = Date.now() + timeoutMs;
  let seenSince = 0;
  let state = before;
  for (let pause = 2; Date.now() < deadline; pause = Math.min(pause * 2, 50)) {
    state = await readFilterState(admin, domain);
    if (state.generation === generation) {
      if (isWhole(state, workers)) return { arrival: "applied", state };
      seenSince ||= Date.now();
      if (Date.now() - seenSince > LAG_MS) return { arrival: "lagging", state };
    } else if (state.rejections > before.rejections) {
      return { arrival: "rejected", state };
    }
    await sleep(pause);
  }
  return { arrival: state.generation === generation ? "lagging" : "silent", state };
}

function restore(filter: RenderedFilter, previous: string | undefined): string {
  const good = readTextIfThere(goodPath(filter.ecdsPath), "the last good configuration") ?? previous;
  writeEcds(filter.ecdsPath, good ?? ecdsText(filter, defaultConfiguration(filter), undefined, "0"));
  return good === undefined
    ? "the configuration without a bundle was put back"
    : "the last good configuration was put back and serves on";
}

/** The gateway holds this version or a newer one: it is right to refuse, and no new VM may forget that. */
function isOvertaken(before: FilterState, version: number): boolean {
  return before.bundleVersion !== undefined && before.bundleVersion >= version;
}

function whyNot(arrival: Arrival, before: FilterState, version: number): string {
  if (before.bundleVersion !== undefined && before.bundleVersion > version) {
    return `it is older than the bundle in force (version ${before.bundleVersion})`;
  }
  if (before.bundleVersion === version) return `the gateway has another bundle of version ${version}`;
  if (arrival === "silent") return "the gateway did not take it up in time; does it watch this ECDS file?";
  return "see the gateway's log, at `glassgate: configuration refused`";
}

/** Pushes, waits, heals or restores. Throws with exit code 1 when the gateway does not serve the bundle afterwards. */
export async function push(options: PushOptions): Promise<PushResult> {
  const { filter, anchors, admin, bundle } = options;
  const started = Date.now();
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const domain = domainOf(anchors);
  const deployed = readDeployed(filter.ecdsPath);
  const before = await readFilterState(admin, domain);
  const generation = Math.max(started, (deployed?.configuration.generation ?? 0) + 1, (before.generation ?? 0) + 1);
  const configuration = configurationText(anchors, generation, {
    ...options.configuration,
    min_version: Math.max(bundle.version, deployed?.configuration.min_version ?? 0),
    bundle: bundle.text,
  });
  const refusal = await options.tryOut?.(configuration);
  if (refusal !== undefined) {
    throw new UserError(`The filter refuses this bundle: ${refusal}.`, {
      hint: "Nothing was changed at the gateway. Mend the roster, build and sign again.",
      exitCode: 1,
    });
  }

  const vmId = deployed?.vmId ?? vmIdOf(filter);
  const text = ecdsText(filter, configuration, vmId, String(generation));
  writeEcds(filter.ecdsPath, text);
  let { arrival, state } = await waitFor(admin, domain, generation, before, timeoutMs);
  let written = text;
  let healed = false;
  if (arrival !== "applied" && !isOvertaken(before, bundle.version)) {
    // A thread whose VM failed to configure takes no update any more, until the VM has another identity.
    healed = true;
    written = ecdsText(filter, configuration, `${vmIdOf(filter)}-${generation}`, `${generation}-healed`);
    writeEcds(filter.ecdsPath, written);
    ({ arrival, state } = await waitFor(admin, domain, generation, before, timeoutMs));
  }
  if (arrival !== "applied") {
    const restored = restore(filter, deployed?.text);
    throw new UserError(
      `The gateway does not serve the bundle: ${whyNot(arrival, before, bundle.version)}. ${restored[0]?.toUpperCase()}${restored.slice(1)}.`,
      {
        hint: "`glassgate bundle verify` says whether the bundle is good; `glassgate gateway verify` whether the gateway is.",
        exitCode: 1,
      },
    );
  }
  writeText(goodPath(filter.ecdsPath), written);
  return {
    generation,
    version: bundle.version,
    servingVms: state.servingVms,
    healed,
    milliseconds: Date.now() - started,
  };
}
