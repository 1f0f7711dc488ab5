/**
 * The domains (audience and roots) that this VM serves, each with its newest bundle: an older one, or the same version with other
 * bytes, never replaces it, and a configuration that cannot bring a bundle of its own falls back on it. A threshold is no part
 * of a domain, so what one context's threshold has let in may be too little for another's (`fallBackOn`).
 */
import { MAX_DOMAINS } from "../limits";
import { Texts } from "../trust/revocations";
import { Trust } from "../trust/trust";
import { HeldTrust, hold, release, releaseTexts } from "./bundles";
import { raiseSharedVersion, readSharedVersion, SharedVersion } from "./shared";

export class Domain {
  /** Root contexts that were configured for it; 0 while the place is free. */
  contexts: i32 = 0;
  /** 32 bytes. */
  id: usize = 0;
  newest: HeldTrust = changetype<HeldTrust>(0);
  /** Urgent revocations (revocations.ts). */
  texts: Texts = new Texts();
  /**
   * False while this VM knows of a text that it does not hold: others have told of it, or it had no room for it. Every grant is
   * denied then, as one of them may be revoked.
   */
  hasAllTexts: bool = true;
  /** It began anew, and whether it has all texts was not seen yet. */
  isNew: bool = true;
  /** Over signer and version of each text that the newest bundle does not ignore: 48 bits; 0 while it lacks one. */
  textsDigest: u64 = 0;
  /** What this VM has told the others that it serves, and when it began (generations.ts). */
  generation: i64 = 0;
  servesSince: u64 = 0;
  /** Times, one after the other, that it was seen to be served under this vm_id no more. */
  timesGivenUp: i32 = 0;

  /** Nobody tells this VM of a revocation any more: it lives on for streams that were open when the gateway gave it up. */
  get isGivenUp(): bool {
    return this.timesGivenUp >= TIMES_UNTIL_GIVEN_UP;
  }

  noteGivenUp(): void {
    this.timesGivenUp = min(this.timesGivenUp + 1, TIMES_UNTIL_GIVEN_UP);
  }
}

/** Once may be a thread that lags, and leaves what the others have come back to: it is about to come back as well. */
const TIMES_UNTIL_GIVEN_UP: i32 = 2;

const ids: usize = memory.data(2048, 16); // MAX_DOMAINS x 32 bytes
const domains: StaticArray<Domain> = new StaticArray<Domain>(MAX_DOMAINS);
const shared = new SharedVersion();
let count: i32 = 0;
for (let i = 0; i < MAX_DOMAINS; i++) {
  const domain = new Domain();
  domain.id = ids + <usize>i * 32;
  unchecked((domains[i] = domain));
}

/** How many domains this VM serves. */
export function domainCount(): i32 {
  return count;
}

/** @param index 0 to MAX_DOMAINS - 1. Free places are among them. */
export function domainAt(index: i32): Domain {
  return unchecked(domains[index]);
}

/** One more root context of the domain. 0 when the VM serves as many as it can hold. */
export function enterDomain(id: usize): Domain {
  let free = changetype<Domain>(0);
  for (let i = 0; i < MAX_DOMAINS; i++) {
    const domain = unchecked(domains[i]);
    if (domain.contexts == 0) {
      if (changetype<usize>(free) == 0) free = domain;
    } else if (memory.compare(domain.id, id, 32) == 0) {
      domain.contexts += 1;
      return domain;
    }
  }
  if (changetype<usize>(free) == 0) return free;
  memory.copy(free.id, id, 32);
  free.hasAllTexts = true;
  free.isNew = true;
  free.textsDigest = 0;
  free.timesGivenUp = 0;
  free.contexts = 1;
  count += 1;
  return free;
}

/** A root context of the domain is gone. With the last one go its newest bundle and its texts; shared data remembers their versions. */
export function leaveDomain(domain: Domain): void {
  domain.contexts -= 1;
  if (domain.contexts > 0) return;
  release(domain.newest);
  domain.newest = changetype<HeldTrust>(0);
  releaseTexts(domain.texts);
  domain.servesSince = 0;
  count -= 1;
}

/** Why a bundle may not follow what the domain has seen; empty when it may. */
function compareWith(trust: Trust, version: i64, hash: usize): string {
  if (trust.version < version) return "it is older than the bundle in force";
  if (trust.version == version && memory.compare(trust.hash, hash, 32) != 0) {
    return "it has the version of the bundle in force and other content";
  }
  return "";
}

/**
 * May this bundle follow? What the VM itself holds counts first: its configurations come in order. A VM that holds nothing
 * yet, and every canary, asks what the others have accepted.
 */
export function refusalOf(domain: Domain, trust: Trust, isCanary: bool): string {
  const own = domain.newest;
  if (changetype<usize>(own) != 0) {
    const reason = compareWith(trust, own.trust.version, own.trust.hash);
    if (reason.length != 0 || !isCanary) return reason;
  }
  readSharedVersion(domain.id, shared);
  return shared.version < 0 ? "" : compareWith(trust, shared.version, shared.hash);
}

/**
 * Remembers an accepted bundle, which is none older than the newest. Of two texts with one version, and so with the same payload,
 * the one that more roots have signed stays, as it may govern wherever the other may. Returns the one to hold, held once.
 */
export function remember(domain: Domain, held: HeldTrust): HeldTrust {
  const newest = domain.newest;
  raiseSharedVersion(domain.id, held.trust.version, held.trust.hash);
  if (changetype<usize>(newest) != 0) {
    if (newest.trust.version == held.trust.version && newest.trust.signerCount >= held.trust.signerCount) {
      release(held);
      return hold(newest);
    }
    release(newest);
  }
  domain.newest = hold(held);
  return held;
}

/**
 * The newest bundle, for a context that brings none that it could use; 0 where that bundle may not govern it: below `min_version`,
 * signed by fewer roots than its threshold, or known to be behind what others have accepted (the one that this VM could not
 * take may have revoked something).
 */
export function fallBackOn(domain: Domain, threshold: i32, minVersion: i64): HeldTrust {
  const newest = domain.newest;
  const none = changetype<HeldTrust>(0);
  if (changetype<usize>(newest) == 0) return none;
  const trust = newest.trust;
  if (trust.version < minVersion || trust.signerCount < threshold) return none;
  readSharedVersion(domain.id, shared);
  return trust.version < shared.version ? none : hold(newest);
}
