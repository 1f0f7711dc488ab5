/** Brings one text of revocations into one gateway, and says what came of it. */
import { messageOf, systemError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { readRevocations, signerOf } from "../trust/revocations.js";
import type { Admin } from "./admin.js";
import type { Held } from "./held.js";
import { push } from "./push.js";
import { PushFiles } from "./push-files.js";
import { PushFailure } from "./push-outcome.js";
import type { RenderedFilter } from "./rendered.js";

/** A push that is under way is waited for so long; then the text is written beside it. */
export const COURTESY_MS = 250;

export type RevokeOutcome =
  | { readonly kind: "applied"; readonly at: Date; readonly vms: number; readonly warnings: readonly string[] }
  /** The gateway, or its files, do not take it. */
  | { readonly kind: "refused"; readonly why: string; readonly next: string | undefined }
  /** Nobody can tell what the gateway does. */
  | { readonly kind: "unseen"; readonly why: string; readonly next: string | undefined };

const WITHOUT_BUNDLE = "It has no bundle, so no grant opens anything there";

/** A text that nothing tells to be good. */
export const nobodyTells = {
  kind: "refused",
  why: `${WITHOUT_BUNDLE}, and whether you may revoke there nobody can tell.`,
  next: "Push a bundle, then run the same command again.",
} as const;

export interface RevokeTarget {
  readonly filter: RenderedFilter;
  readonly admin: Admin;
  readonly held: Held;
}

/**
 * A gateway without a bundle opens nothing; a root's text waits beside its file for the push that brings one. Whether anybody else
 * may revoke nobody can tell there, and what does not verify would hold up that push.
 */
function withoutBundle({ filter, held }: RevokeTarget, text: string): RevokeOutcome {
  if (signerOf(readRevocations(text, "the text").kid, held.anchors, undefined) === undefined) return nobodyTells;
  const why = new PushFiles(filter.ecdsPath, held.anchors, { text }).enterText();
  return {
    kind: "refused",
    why: `${WITHOUT_BUNDLE}. ${why === undefined ? "The revocation is kept beside its file for the push of one." : `The revocation cannot be kept for the push of one (${why}).`}`,
    next: "Push a bundle, then run the same command again.",
  };
}

/** Whatever goes wrong at one gateway is that gateway's outcome: the others, at the same time, are brought to their end and told. */
export async function bringText(target: RevokeTarget, text: string, timeoutMs?: number): Promise<RevokeOutcome> {
  const { filter, admin, held } = target;
  try {
    if (held.bundle === undefined) return withoutBundle(target, text);
    const { servingVms, warnings } = await push({
      filter,
      admin,
      anchors: held.anchors,
      bundle: held.bundle,
      text,
      seen: held.texts.map((one) => one.text),
      courtesyMs: COURTESY_MS,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    return { kind: "applied", at: new Date(), vms: servingVms, warnings };
  } catch (error) {
    const known = systemError(error);
    if (known === undefined)
      return {
        kind: "unseen",
        why: `something went wrong that should not: ${visible(messageOf(error))}`,
        next: undefined,
      };
    const kind = known instanceof PushFailure && known.outcome === "unreached" ? "unseen" : "refused";
    return { kind, why: known.message, next: known.hint };
  }
}
