/** The claims of the next bundle: the roster's, and what is taken away by the bundle and the texts in force. */
import { UserError } from "../base/errors.js";
import { showTime } from "../base/time.js";
import type { Anchors } from "./anchors.js";
import { buildClaims } from "./bundle.js";
import { type BundleClaims, roleName } from "./claims.js";
import { type Entry, missingFrom, unionOf } from "./entries.js";
import { type Folded, type FoldedText, fold } from "./fold.js";
import { isTooFarAhead } from "./next-text.js";
import { isIgnored, readRevocations, signerOf, verifyRevocations } from "./revocations.js";
import type { Roster } from "./roster.js";
import { silencerOf } from "./silence.js";

/** What a root holder decides about what is in force. */
export interface Decisions {
  /** Signers that are pushed out with all that they revoked. */
  readonly leftOut?: readonly string[];
  readonly takenBack?: readonly Entry[];
}

/** A text, and what names it in errors. */
export type SourcedText = readonly [text: string, source: string];

/** The texts that count beside the bundle in force, each once, verified; of those that are left out only their names count. */
export async function countingTexts(
  texts: readonly SourcedText[],
  anchors: Anchors,
  current: BundleClaims | undefined,
  leftOut: readonly string[] = [],
): Promise<FoldedText[]> {
  const found = new Map<string, FoldedText>();
  for (const [text, source] of texts) {
    const read = readRevocations(text, source);
    if (found.has(text) || isIgnored(read, anchors, current)) continue;
    const signer = signerOf(read.kid, anchors, current)?.name ?? read.kid;
    if (!leftOut.includes(signer)) {
      if (current === undefined)
        throw new UserError(`${source}: there is no bundle in force here, so nobody can tell whether it counts.`, {
          hint: "Put the bundle that the gateways serve here, or name it with --bundle.",
        });
      await verifyRevocations(text, source, anchors, current);
    }
    found.set(text, {
      signer,
      kid: read.kid,
      version: read.claims.version,
      iat: read.claims.iat,
      revoked: read.claims.revoked,
    });
  }
  const all = [...found.values()];
  return all.map((one) => {
    const isSilenced = silencerOf(one.signer, one.kid, anchors, current, all) !== undefined;
    return isSilenced ? { ...one, isSilenced } : one;
  });
}

/** One from the future, taken in, would have its signer's numbers used up for ever; not where its key is revoked, which ignores it. */
function refuseAhead(texts: readonly FoldedText[], now: number, leftOut: readonly string[], { revoked }: Folded): void {
  const isOut = ({ signer, kid }: FoldedText): boolean =>
    leftOut.includes(signer) || revoked.kid?.includes(kid) === true;
  const ahead = texts.find((text) => isTooFarAhead(text, now) && !isOut(text));
  if (ahead === undefined) return;
  throw new UserError(
    `Version ${ahead.version} of ${ahead.signer}'s urgent revocations is dated ${showTime(ahead.iat)}, more than ten minutes ahead of this machine's clock.`,
    {
      hint: `Set this machine's clock. If it is right and the key was stolen, name ${ahead.kid} under the roster's revoked kid; or push the signer out: --leave-out ${ahead.signer}.`,
    },
  );
}

/** Whether the signer may still revoke under that roster. */
function isRevokerUnder(roster: Roster, anchors: Anchors): (signer: string) => boolean {
  const roles = new Set(roster.revokers ?? []);
  return (signer) =>
    anchors.roots.some(({ kid }) => kid === signer) ||
    roster.principals.some(({ id, roles: held }) => id === signer && held.some((role) => roles.has(roleName(role))));
}

/** @param now seconds */
export function nextBundle(
  roster: Roster,
  anchors: Anchors,
  current: BundleClaims | undefined,
  texts: readonly FoldedText[],
  now: number,
  { leftOut = [], takenBack = [] }: Decisions = {},
): { readonly claims: BundleClaims; readonly folded: Folded } {
  const claims = buildClaims(roster, [anchors.audience], (current?.version ?? 0) + 1, now);
  const folded = fold({
    roster: roster.revoked,
    current,
    texts,
    next: claims,
    roots: anchors.roots.map(({ kid }) => kid),
    now,
    isRevoker: isRevokerUnder(roster, anchors),
    leftOut,
    takenBack,
  });
  refuseAhead(texts, now, leftOut, folded);
  const revoked = missingFrom(roster.revoked, folded.revoked).length === 0 ? roster.revoked : folded.revoked;
  const { revoked: _, texts: __, ...rest } = claims;
  return {
    claims: {
      ...rest,
      ...(revoked === undefined ? {} : { revoked }),
      ...(Object.keys(folded.texts).length === 0 ? {} : { texts: folded.texts }),
    },
    folded,
  };
}

/** What a bundle of the roster would hold, if what the draft took over from elsewhere is as it should be. */
export function withTakenOver(expected: BundleClaims, draft: BundleClaims): BundleClaims {
  const isThere = missingFrom(draft.revoked, expected.revoked).length === 0;
  const { revoked: _, texts: __, ...rest } = expected;
  const revoked = isThere ? draft.revoked : unionOf(draft.revoked, expected.revoked);
  return {
    ...rest,
    ...(revoked === undefined ? {} : { revoked }),
    ...(draft.texts === undefined ? {} : { texts: draft.texts }),
  };
}

/** What a signer can see of the texts that the draft takes the place of. */
export interface Replaced {
  /** Entries of theirs that the draft does not hold: nothing takes those away any more. */
  readonly lost: readonly (readonly [entry: Entry, signer: string])[];
  /** Signers whose floor rises, and of whom no text is known that reaches it. */
  readonly unseen: readonly string[];
}

export function replacedBy(
  draft: BundleClaims,
  current: BundleClaims | undefined,
  texts: readonly FoldedText[],
): Replaced {
  const floor = new Map(Object.entries(draft.texts ?? {}));
  const before = new Map(Object.entries(current?.texts ?? {}));
  const { sub = [], kid: kids = [] } = draft.revoked ?? {};
  const replaced = texts.filter(
    ({ signer, kid, version }) =>
      [signer, kid].some((name) => version <= (floor.get(name) ?? -1)) || kids.includes(kid) || sub.includes(signer),
  );
  const seen = new Set(replaced.flatMap(({ signer, kid }) => [signer, kid]));
  return {
    lost: replaced.flatMap(({ signer, revoked }) =>
      missingFrom(draft.revoked, revoked).map((entry) => [entry, signer] as const),
    ),
    unseen: [...floor]
      .filter(([name, version]) => version > (before.get(name) ?? -1) && !seen.has(name))
      .map(([name]) => name),
  };
}
