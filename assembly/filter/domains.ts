/**
 * The newest bundle of each domain (audience and roots) in this VM: an older one, or the same version with other bytes,
 * never replaces it, and a configuration that cannot bring a bundle of its own falls back on it.
 */

import { Trust } from "../trust/trust";
import { HeldTrust, hold, release } from "./bundles";
import { raiseSharedVersion, readSharedVersion, SharedVersion } from "./shared";

/** Teams and listeners in one VM with roots of their own. */
const MAX_DOMAINS: i32 = 64;

class Domain {
  isUsed: bool = false;
  id: usize = 0;
  newest: HeldTrust = changetype<HeldTrust>(0);
}

const ids: usize = memory.data(2048, 16); // MAX_DOMAINS x 32 bytes
const domains: StaticArray<Domain> = new StaticArray<Domain>(MAX_DOMAINS);
const shared = new SharedVersion();
for (let i = 0; i < MAX_DOMAINS; i++) {
  const domain = new Domain();
  domain.id = ids + <usize>i * 32;
  unchecked((domains[i] = domain));
}

function find(id: usize): i32 {
  for (let i = 0; i < MAX_DOMAINS; i++) {
    const domain = unchecked(domains[i]);
    if (!domain.isUsed) return -1;
    if (memory.compare(domain.id, id, 32) == 0) return i;
  }
  return -1;
}

/** The newest bundle that this VM has accepted in the domain, or 0. */
export function newestOf(id: usize): HeldTrust {
  const index = find(id);
  return index < 0 ? changetype<HeldTrust>(0) : unchecked(domains[index]).newest;
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
export function refusalOf(id: usize, trust: Trust, isCanary: bool): string {
  const own = newestOf(id);
  if (changetype<usize>(own) != 0) {
    const reason = compareWith(trust, own.trust.version, own.trust.hash);
    if (reason.length != 0 || !isCanary) return reason;
  }
  readSharedVersion(id, shared);
  return shared.version < 0 ? "" : compareWith(trust, shared.version, shared.hash);
}

/** Remembers an accepted bundle. False when the VM serves more domains than it can remember. */
export function remember(id: usize, held: HeldTrust): bool {
  let index = find(id);
  if (index < 0) {
    for (index = 0; index < MAX_DOMAINS && unchecked(domains[index]).isUsed; index++) {}
    if (index == MAX_DOMAINS) return false;
  }
  const domain = unchecked(domains[index]);
  if (!domain.isUsed) {
    domain.isUsed = true;
    memory.copy(domain.id, id, 32);
  }
  hold(held);
  release(domain.newest);
  domain.newest = held;
  raiseSharedVersion(id, held.trust.version, held.trust.hash);
  return true;
}
