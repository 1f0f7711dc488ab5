/** What a gateway's own files hold: anchors, bundle and texts of revocations. Nothing of the gateway itself is asked. */
import type { UserError } from "../base/errors.js";
import type { Anchors } from "../trust/anchors.js";
import type { BundleClaims } from "../trust/claims.js";
import { silencerOf } from "../trust/silence.js";
import type { Bundle, Deployed } from "./ecds.js";
import { type Files, PushFiles, refuseOtherThanFile } from "./push-files.js";
import { pinnedAnchors } from "./push-preflight.js";
import { claimsOf, faultOf, type NamedText, named, textsIn, textsThatCount } from "./push-texts.js";
import type { RenderedFilter } from "./rendered.js";

export interface HeldText extends NamedText {
  /** Why the filter does not take it, or undefined. */
  readonly fault: string | undefined;
  /** Whose word silences its signer: a root's kid, or `the bundle`. */
  readonly silencedBy: string | undefined;
}

export interface Held {
  readonly anchors: Anchors;
  readonly bundle: Bundle | undefined;
  readonly claims: BundleClaims | undefined;
  /** All that count beside the bundle, also those of silenced signers that have made room in the gateway's own file. */
  readonly texts: readonly HeldText[];
  /** Seconds that a grant's `iat` may be ahead. */
  readonly leeway: number;
}

const DEFAULT_LEEWAY = 5;

/** The newest bundle that stands in the ECDS file, or that last served; one whose push has only begun is that push's. */
const bundleIn = (files: PushFiles, found: Files): Bundle | undefined => files.newest({ ...found, begun: [] });

/** Undefined where the files hold no configuration of a Glassgate filter. */
export async function readHeld(filter: RenderedFilter): Promise<Held | undefined> {
  refuseOtherThanFile(filter.ecdsPath);
  const first = new PushFiles(filter.ecdsPath, NOBODY).read();
  const { deployed, good } = first;
  const anchors = pinnedAnchors(filter, deployed ?? good);
  if (anchors === undefined) return undefined;
  const files = new PushFiles(filter.ecdsPath, anchors);
  const found = files.read();
  const bundle = bundleIn(files, found);
  const { leeway = DEFAULT_LEEWAY } = (deployed ?? good)?.configuration ?? {};
  return heldOf(anchors, bundle, found.texts, leeway);
}

/** Where configurations are all that there is. @param others of the same domain: what they have besides counts as well */
export function deployedHeld({ configuration, bundle }: Deployed, others: readonly Deployed[] = []): Promise<Held> {
  const { audience, roots, threshold, leeway = DEFAULT_LEEWAY } = configuration;
  const newest = others.reduce(
    (best, other) => ((other.bundle?.version ?? 0) > (best?.version ?? 0) ? other.bundle : best),
    bundle,
  );
  const texts = [configuration, ...others.map((other) => other.configuration)].flatMap(textsIn);
  return heldOf({ audience, roots, threshold }, newest, texts, leeway);
}

async function heldOf(
  anchors: Anchors,
  bundle: Bundle | undefined,
  found: readonly string[],
  leeway: number,
): Promise<Held> {
  const claims = claimsOf(bundle);
  const counting = bundle === undefined ? found : textsThatCount(found, anchors, claims);
  const read = counting.flatMap((text) => named(text, anchors, claims) ?? []);
  const speaking = read.map(({ signer, claims: { revoked } }) => ({ signer, revoked }));
  const texts = await Promise.all(
    read.map(async (text) => ({
      ...text,
      fault: await faultOf(text.text, anchors, claims),
      silencedBy: silencerOf(text.signer, text.kid, anchors, claims, speaking),
    })),
  );
  return { anchors, bundle, claims, texts, leeway };
}

/** Only the ECDS file and the good one are read by them. */
const NOBODY: Anchors = { audience: "nobody", threshold: 1, roots: [] };

export type HeldOrWhy = Held | UserError;
