/** Who silences a revoker: the bundle's own list silences everybody, roots too, and a root's text silences revokers. */
import type { Anchors } from "./anchors.js";
import type { BundleClaims } from "./claims.js";

export interface Speaking {
  readonly signer: string;
  readonly revoked: Pick<NonNullable<BundleClaims["revoked"]>, "sub">;
}

/** The root (its kid) or `the bundle` that silences that signer's texts; undefined where they count. */
export function silencerOf(
  signer: string,
  kid: string,
  anchors: Anchors,
  bundle: BundleClaims | undefined,
  texts: readonly Speaking[],
): string | undefined {
  const { sub = [], kid: kids = [] } = bundle?.revoked ?? {};
  if (kids.includes(kid) || sub.includes(signer)) return "the bundle";
  const isRoot = (name: string): boolean => anchors.roots.some((root) => root.kid === name);
  if (isRoot(signer)) return undefined;
  return texts.find(
    (text) => isRoot(text.signer) && !kids.includes(text.signer) && text.revoked.sub?.includes(signer) === true,
  )?.signer;
}
