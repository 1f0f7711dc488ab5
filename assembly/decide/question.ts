/** What is asked of a grant: does it stand, under this bundle and these texts, for this gateway, now? */
import { Grant } from "../grant/grant";
import { Texts } from "../trust/revocations";
import { Anchors, Trust } from "../trust/trust";

/** Whoever asks owns one and fills all of it: none may be made while requests are judged. */
export class Question {
  /** Well-formed. */
  grant: Grant = changetype<Grant>(0);
  trust: Trust = changetype<Trust>(0);
  /** The domain's urgent revocations. */
  texts: Texts = changetype<Texts>(0);
  /** A bit for each of them that counts under this bundle. */
  inForce: u32 = 0;
  anchors: Anchors = changetype<Anchors>(0);
  /** Seconds, as `now`, which are since 1970. */
  leeway: i64 = 0;
  now: i64 = 0;
  /**
   * All signatures are known to hold: the same bytes were accepted before, under this bundle or an earlier one (a `kid` names one
   * key for ever).
   */
  isVerified: bool = false;
  /** The requester's signature may not be checked now, as too many from this network have failed. */
  isNetworkBusy: bool = false;
  /** The approvals' may not, as too many under this requester's key have failed. */
  isKeyBusy: bool = false;

  /** Whether the bundle holds now. One from the future is as unusable as an expired one. */
  get bundleHolds(): bool {
    return this.now < this.trust.expiresAt && this.trust.issuedAt <= this.now + this.leeway;
  }
}
