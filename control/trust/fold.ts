/**
 * Folding: what the texts of revocations in force take away comes into the next bundle, so that they may go. Nothing that could
 * still matter is lost on the way; what is left out, by time or on purpose, is told.
 */
import type { BundleClaims, Revoked } from "./claims.js";
import { type Entry, entriesOf, isCovered, listsOf, without } from "./entries.js";

/** Clocks differ: an entry is kept for so much longer than by this machine's clock it need be. Seconds. */
export const CLOCK_MARGIN = 600;

/** A text of revocations that is in force. */
export interface FoldedText {
  /** A principal's id, or a root's kid. */
  readonly signer: string;
  readonly kid: string;
  readonly version: number;
  readonly iat: number;
  readonly revoked: Revoked;
  /** The bundle in force or a root's text names its signer: what it says does not count, and shall not by being taken in. */
  readonly isSilenced?: boolean;
}

type People = Pick<BundleClaims, "principals" | "entitlements">;

export interface BundleInForce extends People {
  readonly iat: number;
  readonly revoked?: Revoked | undefined;
  /** Texts that it holds already: signer -> version. */
  readonly texts?: Readonly<Record<string, number>> | undefined;
}

export interface Folding {
  /** What the roster itself says is revoked: it stays as long as it stands there. */
  readonly roster: Revoked | undefined;
  readonly current: BundleInForce | undefined;
  readonly texts: readonly FoldedText[];
  /** Whom and what the next bundle knows. */
  readonly next: People;
  readonly roots: readonly string[];
  /** Seconds. */
  readonly now: number;
  /** Signers whose texts are pushed out: what they take away is left out. */
  readonly leftOut?: readonly string[];
  /** Whether that signer may still revoke under the next bundle. */
  readonly isRevoker: (signer: string) => boolean;
  /** Entries that are taken back on purpose, wherever they stand. */
  readonly takenBack?: readonly Entry[];
}

export interface Folded {
  readonly revoked: Revoked;
  /** The floor: texts at or below it count no more. */
  readonly texts: Record<string, number>;
  /** Entries that come from a text, and whose. */
  readonly fromTexts: readonly (readonly [entry: Entry, signer: string])[];
  /** Entries that stand in the bundle in force and not in the roster: they go on. */
  readonly carried: readonly Entry[];
  /** Entries of which nothing is left to take away. */
  readonly dropped: readonly Entry[];
  /** Entries that could still matter and are left out on purpose, and whose they are (undefined: the bundle's in force). */
  readonly leftOut: readonly (readonly [entry: Entry, signer: string | undefined])[];
}

/** The longest that a grant can live under those entitlements. Seconds. */
export function longestLife(...bundles: readonly (Pick<BundleClaims, "entitlements"> | undefined)[]): number {
  const lives = bundles.flatMap((bundle) => bundle?.entitlements ?? []).map(lifeOf);
  return Math.max(0, ...lives);
}
const lifeOf = (entitlement: { max_ttl: number; max_wait?: number | undefined }): number =>
  entitlement.max_ttl + (entitlement.max_wait ?? 0);

const keysOf = (people: People | undefined, id: string): string[] =>
  (people?.principals ?? [])
    .filter((principal) => principal.id === id)
    .flatMap(({ keys }) => keys.map(({ kid }) => kid));
const knowsKey = ({ principals }: People, kid: string): boolean =>
  principals.some(({ keys }) => keys.some((key) => key.kid === kid));
const knowsPrincipal = ({ principals }: People, id: string): boolean =>
  principals.some((principal) => principal.id === id);

/**
 * Whether all grants that the entry could take away have died.
 * - `jti`: a grant that was there when it was revoked has died after the longest life that there is.
 * - `issued_before`: the longest life after that moment.
 * - `kid`, `sub`: a grant can be made with them at any time, so never while the next bundle knows the key (or it is a root's) or the
 *   principal; and only when the bundle in force has not known them for the longest life.
 * - `incident`: a grant can name it at any time, so never by itself; a root takes it back.
 * @param since a moment at which the entry had been signed already
 */
function isOver(entry: Entry, since: number, { current, next, roots, now }: Folding): boolean {
  const end = now - longestLife(current, next) - CLOCK_MARGIN;
  switch (entry.kind) {
    case "jti":
      return since < end;
    case "issued_before":
      return entry.at < end;
    case "kid":
      return (
        isGone(current, end, (people) => knowsKey(people, entry.name)) &&
        !knowsKey(next, entry.name) &&
        !roots.includes(entry.name)
      );
    case "sub":
      return isGone(current, end, (people) => knowsPrincipal(people, entry.name)) && !knowsPrincipal(next, entry.name);
    case "incident":
      return false;
  }
}

const isGone = (current: BundleInForce | undefined, end: number, isKnown: (people: People) => boolean): boolean =>
  current !== undefined && !isKnown(current) && current.iat < end;

/** What the next bundle revokes, and the texts that it takes the place of. */
export function fold(folding: Folding): Folded {
  const { roster, current, next, leftOut: silenced = [], takenBack = [] } = folding;
  const floor = new Map(Object.entries(current?.texts ?? {}));
  const texts = folding.texts.filter(({ signer, version }) => version > (floor.get(signer) ?? -1));
  const kept: Entry[] = entriesOf(roster);
  const fromTexts: [Entry, string][] = [];
  const carried: Entry[] = [];
  const dropped: Entry[] = [];
  const leftOut: [Entry, string | undefined][] = [];
  const isKept = (entry: Entry): boolean => isCovered(entry, listsOf(kept));
  const isTakenBack = (entry: Entry): boolean => entriesOf(without(listsOf([entry]), takenBack)).length === 0;

  for (const entry of entriesOf(current?.revoked)) {
    if (isKept(entry)) continue;
    if (isTakenBack(entry)) leftOut.push([entry, undefined]);
    else if (isOver(entry, current?.iat ?? folding.now, folding)) dropped.push(entry);
    else {
      carried.push(entry);
      kept.push(entry);
    }
  }
  for (const text of texts)
    for (const entry of entriesOf(text.revoked)) {
      if (isKept(entry)) continue;
      if (isOver(entry, text.iat, folding)) dropped.push(entry);
      else if (text.isSilenced === true || silenced.includes(text.signer) || isTakenBack(entry))
        leftOut.push([entry, text.signer]);
      else {
        fromTexts.push([entry, text.signer]);
        kept.push(entry);
      }
    }
  const revoked = listsOf(kept);
  const raise = (name: string, version: number): unknown => floor.set(name, Math.max(version, floor.get(name) ?? -1));
  // What a revoked key signed is ignored for its key: a thief's number does not become its owner's floor.
  for (const { signer, kid, version } of texts)
    raise(signer, revoked.kid?.includes(kid) === true ? Math.min(version, folding.now) : version);
  // Whoever is pushed out may have signed more, with any number: none of it counts, nor does it hold up a push.
  for (const signer of silenced) if (!folding.isRevoker(signer)) floor.set(signer, Number.MAX_SAFE_INTEGER);
  // A key that the next bundle does not know as his is nobody's: its texts count under the key's own name then.
  for (const [signer, version] of [...floor])
    for (const key of keysOf(current, signer)) if (!keysOf(next, signer).includes(key)) raise(key, version);
  return {
    revoked,
    texts: Object.fromEntries([...floor].sort(([a], [b]) => (a < b ? -1 : 1))),
    fromTexts,
    carried,
    // Of two texts one may have had it for less long.
    dropped: dropped.filter((entry) => !isCovered(entry, revoked)),
    leftOut: leftOut.filter(([entry]) => !isCovered(entry, revoked)),
  };
}
