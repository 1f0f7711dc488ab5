/** Which review somebody means: by the grant's SHA-256, by its `jti`, by the beginning of either, or by the key of a shared review. */
import { UserError } from "../base/errors.js";
import { nearest, visible } from "../base/text.js";
import { isSharedKey, sharedKey } from "../ledger/review.js";
import type { Wanted } from "./gather.js";
import type { DeniedReview, Review, ReviewList } from "./model.js";

/** Fewer digits would name several by chance. */
const MIN_PREFIX = 8;
const PREFIX = new RegExp(`^[0-9a-f]{${MIN_PREFIX},64}$`);

/** What was copied in part names it still, where it is long enough; who has two of them hears both. */
const isJti = (name: string, jti: string | undefined): boolean =>
  jti === name || (name.length >= MIN_PREFIX && jti?.startsWith(name) === true);

export const wantedBy =
  (name: string) =>
  ({ grant, jti, sub, openedAt }: Wanted): boolean =>
    isJti(name, jti) ||
    (PREFIX.test(name) && grant.startsWith(name)) ||
    (isSharedKey(name) && sharedKey(sub, openedAt) === name);

export type Found = { readonly review: Review } | { readonly denied: DeniedReview };

/** @throws UserError where there is none, or more than one */
export function findReview({ reviews, denied, origin }: ReviewList, name: string): Found {
  // Whoever asks for a grant chooses its jti, and may choose another one's name: a whole name goes before it.
  const own = reviews.find(({ grant }) => grant === name);
  if (own !== undefined) return { review: own };
  const shared = denied.find(({ key }) => key === name);
  if (shared !== undefined) return { denied: shared };
  const isPrefix = PREFIX.test(name);
  const found: Found[] = [
    ...reviews
      .filter(({ grant, jti }) => isJti(name, jti) || (isPrefix && grant.startsWith(name)))
      .map((review) => ({ review })),
    ...denied
      .filter(({ grants }) => isPrefix && grants.some((grant) => grant.startsWith(name)))
      .map((one) => ({ denied: one })),
  ];
  const [first, ...others] = found;
  if (first === undefined) {
    const names = [...reviews.flatMap(({ jti }) => jti ?? []), ...denied.map(({ key }) => key)];
    const near = nearest(name, names);
    throw new UserError(
      `Nothing in ${visible(origin)} is of the grant ${visible(name)}.${near === undefined ? "" : ` Did you mean ${visible(near)}?`}`,
      {
        hint: "`glassgate review list` with the same ledger shows all. A grant is named by its SHA-256 or its jti: the first 8 characters of either are enough.",
      },
    );
  }
  if (others.length > 0) {
    const all = found.map((one) => ("review" in one ? one.review.grant : one.denied.key));
    throw new UserError(`${found.length} reviews are called ${visible(name)}: ${all.map(visible).join(", ")}.`, {
      hint: "Name one of them whole. Two grants of one jti are worth an alarm: look at both.",
    });
  }
  return first;
}
