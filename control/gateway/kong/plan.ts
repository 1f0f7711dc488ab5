/** What a push would write, from everything that the file and the Kongs hold; refused before anything is written. */
import { UserError } from "../../base/errors.js";
import { domainOf } from "../../trust/anchors.js";
import { type Configuration, setByPush } from "../../trust/configuration.js";
import type { Bundle, Deployed } from "../ecds.js";
import { configurationOf, keptFrom, nextGeneration, renderedChanges } from "../push-configuration.js";
import { obstacleTo } from "../push-own-text.js";
import { anchorChanges } from "../push-preflight.js";
import { claimsOf, lostBy, textsBeside, textsIn, unusable } from "../push-texts.js";
import { configurationIn, type UpstreamHeader } from "./configuration.js";
import type { Held, Wanted } from "./node.js";
import { unmetBy } from "./promises.js";
import type { KongPushOptions } from "./push.js";
import { kongRefusalOf } from "./refusal.js";

export const refused = (message: string, hint: string): UserError => new UserError(message, { hint, exitCode: 1 });

interface Inputs {
  readonly options: KongPushOptions;
  readonly bundle: Bundle;
  /** What the file holds, and each Kong that could be seen. */
  readonly file: readonly Deployed[];
  readonly held: readonly Held[];
  /** With the new key. */
  readonly header: UpstreamHeader;
  readonly warn: (line: string) => void;
  /** The texts that the signer of `options.text` had read here; undefined where it has taken their place. */
  readonly read: readonly string[] | undefined;
  /** Something of this push is written already, and another's beside it. */
  readonly isAgain: boolean;
}

export interface Plan extends Wanted {
  readonly bundle: Bundle;
  readonly generation: number;
}

/** A newer one than what is pushed; another one of the same version. */
function refuseOlder({ version, payload }: Bundle, known: readonly Deployed[], isAgain: boolean): void {
  const end = isAgain ? "" : " Nothing was changed.";
  for (const { bundle, configuration } of known) {
    const highest = Math.max(bundle?.version ?? 0, configuration.min_version ?? 0);
    if (highest > version)
      throw refused(
        `Version ${version} was overtaken by version ${highest}.`,
        `If it is to serve, build and sign it again with a version above ${highest}.${end}`,
      );
    if (bundle?.version === version && bundle.payload !== payload)
      throw refused(
        `The gateway has another bundle of version ${version}.`,
        `Build and sign one with a version above ${version}.${end}`,
      );
  }
}

/** A revocation stands beside the newest bundle that there is, wherever that was found. */
const newestOf = (own: Bundle, known: readonly Deployed[]): Bundle =>
  known.reduce(
    (newest, { bundle }) => (bundle !== undefined && bundle.version > newest.version ? bundle : newest),
    own,
  );

const knownIn = ({ file, held }: Inputs): Deployed[] => [...file, ...held.flatMap(({ deployed }) => deployed)];

async function agreeOnAnchors(inputs: Inputs): Promise<void> {
  const { options } = inputs;
  const pinned = knownIn(inputs);
  const changes = new Set(pinned.flatMap(({ configuration }) => anchorChanges(configuration, options.anchors)));
  if (changes.size > 0 && (await options.confirmAnchors?.([...changes])) !== true)
    throw refused(
      `The gateway has other anchors than these: ${[...changes].join("; ")}.`,
      "Use the anchors of this gateway, or push at a terminal and answer yes.",
    );
}

/** The texts that stand beside the bundle, none of those that were there forgotten. */
function textsFor({ options, warn, read }: Inputs, bundle: Bundle, there: readonly string[]): string[] {
  const { anchors, text } = options;
  const claims = claimsOf(bundle);
  if (text !== undefined) {
    const obstacle = obstacleTo(text, [...there, text], read, anchors, claims);
    if (obstacle !== undefined) throw refused(obstacle.message, obstacle.hint);
  }
  for (const line of lostBy(there, anchors, claims)) warn(line);
  return textsBeside([...(text === undefined ? [] : [text]), ...there], anchors, claims);
}

/** What the file decides of the filter's configuration, with the new key. */
function decidedBy(file: Deployed | undefined, header: UpstreamHeader): Partial<Configuration> {
  const pushed: ReadonlySet<string> = new Set([...setByPush, "revocations"]);
  const own = Object.entries(file?.configuration ?? {}).filter(([name]) => !pushed.has(name));
  return { ...Object.fromEntries(own), upstream_header: header };
}

const generationAfter = (deployed: Deployed | undefined): number =>
  nextGeneration({ text: undefined, deployed, good: undefined, begun: [], texts: [] });

export async function planOf(inputs: Inputs): Promise<Plan> {
  const { options, file, header, warn } = inputs;
  const { anchors, text } = options;
  await agreeOnAnchors(inputs);
  const known = knownIn(inputs);
  const domain = known.filter(({ configuration }) => domainOf(configuration) === domainOf(anchors));
  const bundle = text === undefined && !inputs.isAgain ? inputs.bundle : newestOf(inputs.bundle, domain);
  refuseOlder(bundle, domain, inputs.isAgain);
  const claims = claimsOf(bundle);
  if (claims !== undefined && text === undefined) for (const line of unmetBy(claims)) warn(line);
  const texts = textsFor(
    inputs,
    bundle,
    known.flatMap(({ configuration }) => textsIn(configuration)),
  );
  const [deciding] = file;
  const configured = decidedBy(deciding, header);
  for (const deployed of known)
    for (const line of renderedChanges(deployed, configured))
      warn(`the file decides, and what ran said otherwise: ${line}`);
  const generation = Math.max(...[undefined, ...known].map(generationAfter));
  const minVersion = Math.max(0, ...domain.map(({ configuration }) => configuration.min_version ?? 0));
  const kept = keptFrom({ deployed: deciding, good: undefined });
  const configuration = configurationOf(
    { anchors, configuration: configured },
    bundle,
    generation,
    minVersion,
    kept,
    texts,
  );
  const refusal = await kongRefusalOf(configurationIn(configuration) ?? {});
  if (refusal !== undefined) throw await unusable(options, bundle, texts, refusal);
  return { configuration, key: header.value, bundle, generation };
}
