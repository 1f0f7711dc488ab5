/** The configuration that a push writes: what is kept, what only rises, and a number that is new each time. */
import { isDeepStrictEqual } from "node:util";
import { isRecord } from "../base/schema.js";
import { visible } from "../base/text.js";
import {
  type Configuration,
  type ConfigurationOptions,
  configurationText,
  deployedSchema,
  setByPush,
  setByRender,
} from "../trust/configuration.js";
import type { Bundle, Deployed } from "./ecds.js";
import type { Files } from "./push-files.js";
import type { PushOptions } from "./push-options.js";
import { textsIn } from "./push-texts.js";

/** A deployed generation further ahead of the clock than this is not followed: it would use the numbers up. */
const MAX_GENERATION_AHEAD_MS = 86_400_000;

type Pinned = Pick<PushOptions, "anchors" | "configuration">;

const notKept: ReadonlySet<string> = new Set([...setByPush, ...setByRender]);

/**
 * What nobody who pushes decides, so that it stays as it is deployed: also what only a newer glassgate knows. What the gateway's
 * own file decides (mode, for example) comes from there, or nobody could ever take it out.
 */
export function keptFrom({ deployed, good }: Pick<Files, "deployed" | "good">): ConfigurationOptions {
  const held = (deployed ?? good)?.configuration ?? {};
  return deployedSchema
    .partial()
    .parse(Object.fromEntries(Object.entries(held).filter(([name]) => !notKept.has(name))));
}

/** What of the deployed configuration a push changes because the gateway's own file decides it: none of it silently. */
export function renderedChanges(deployed: Deployed | undefined, own: ConfigurationOptions = {}): string[] {
  if (deployed === undefined) return [];
  const shown = (value: unknown): string => (value === undefined ? "not set" : visible(JSON.stringify(value)));
  return setByRender.flatMap((name) => {
    const [was, is] = [deployed.configuration[name], own[name]];
    return isDeepStrictEqual(was, is) ? [] : [`${name}: ${shown(was)} becomes ${shown(is)}`];
  });
}

/** The member, or none: an empty list says nothing. */
const withTexts = (texts: readonly string[]): ConfigurationOptions =>
  texts.length === 0 ? {} : { revocations: [...texts] };

/**
 * @param minVersion the highest that was deployed: it never falls @param kept of what is deployed
 * @param texts of revocations, all that stand beside the bundle
 */
export function configurationOf(
  pinned: Pinned,
  bundle: Bundle,
  generation: number,
  minVersion: number,
  kept: ConfigurationOptions,
  texts: readonly string[] = textsIn(kept),
): string {
  const { anchors, configuration } = pinned;
  const { revocations: _, ...options } = { ...kept, ...configuration };
  const min = Math.max(bundle.version, minVersion, configuration?.min_version ?? 0);
  return configurationText(anchors, generation, {
    ...options,
    min_version: min,
    bundle: bundle.text,
    ...withTexts(texts),
  });
}

/** Whether the deployed configuration is the one that a push of the bundle would write; further signatures change nothing. */
export function isAsWanted(pinned: Pinned, own: Bundle, deployed: Deployed, texts: readonly string[]): boolean {
  const { generation, min_version: min = 0, bundle } = deployed.configuration;
  const kept = keptFrom({ deployed, good: undefined });
  const wanted: unknown = JSON.parse(configurationOf(pinned, own, generation, min, kept, texts));
  return isDeepStrictEqual({ ...(isRecord(wanted) ? wanted : {}), bundle }, deployed.configuration);
}

/** Another push's configuration with a new number: its mode and lists are its own. */
export function asItWas(
  { revocations, ...configuration }: Configuration,
  generation: number,
  minVersion: number,
  texts: readonly string[] = textsIn({ revocations }),
): string {
  const min = Math.max(minVersion, configuration.min_version ?? 0);
  return JSON.stringify({ ...configuration, generation, min_version: min, ...withTexts(texts) });
}

/** New at each push, by clock and file; a gauge may be two gateways' sum. */
export function nextGeneration({ deployed, good }: Files): number {
  const now = Date.now();
  const known = [deployed, good].map((held) => held?.configuration.generation ?? 0);
  const near = known.filter((generation) => generation < now + MAX_GENERATION_AHEAD_MS);
  return Math.max(now, ...near.map((generation) => generation + 1));
}
