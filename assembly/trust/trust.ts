/**
 * What a gateway trusts, parsed: the pinned anchors and one trust bundle. A bundle's structs live in one region, which its
 * owner frees as a whole; nothing here changes after it was read.
 */
import { Scope } from "../jose/details";
import { TextList } from "../text/region";
import { Named, NameIndex } from "./names";
import { Revoked } from "./revoked";

/** `exp` of a window that has none. */
export const FOREVER: i64 = i64.MAX_VALUE;

/** A public key with its window, `notBefore <= t < expiresAt`. Its name is its kid. */
export class Key extends Named {
  /** An `Algorithm`. */
  algorithm: i32 = 0;
  /** 32 bytes (Ed25519) or 64 (x || y). */
  publicKey: usize = 0;
  notBefore: i64 = 0;
  expiresAt: i64 = 0;
  /** Whose key it is; 0 for a root. */
  principal: Principal = changetype<Principal>(0);

  holdsAt(time: i64): bool {
    return time >= this.notBefore && time < this.expiresAt;
  }
}

/** A role held, for a time. Its name is the role's. */
export class RoleHold extends Named {
  notBefore: i64 = 0;
  expiresAt: i64 = 0;

  holdsAt(time: i64): bool {
    return time >= this.notBefore && time < this.expiresAt;
  }
}

/** An identity. Its name is its id; `person` is the human behind it. */
export class Principal extends Named {
  personPtr: usize = 0;
  personLen: i32 = 0;
  /** Linked lists of RoleHold and of Key. */
  firstRole: usize = 0;
  firstKey: usize = 0;

  /** Whether it holds one of the roles at that time. */
  holdsOneOf(roles: TextList, time: i64): bool {
    for (let at = this.firstRole; at != 0; at = changetype<Named>(at).next) {
      const hold = changetype<RoleHold>(at);
      if (!hold.holdsAt(time)) continue;
      for (let i = 0; i < roles.count; i++) if (hold.isNamed(roles.at(i).ptr, roles.at(i).len)) return true;
    }
    return false;
  }
}

/** A signer of urgent revocations, whose texts up to a version are ignored. Its name is a principal's id, or a root's kid. */
export class Floor extends Named {
  version: i64 = 0;
}

/** `count` approvals by people holding a role. Its name is the role's. */
export class ApprovalRule extends Named {
  count: i32 = 0;
}

/** A pre-authorisation. Its name is its id. */
export class Entitlement extends Named {
  requesters: TextList = changetype<TextList>(0);
  reasons: TextList = changetype<TextList>(0);
  /** Linked list of ApprovalRule, and how many approvals they ask for together. */
  firstApprovalRule: usize = 0;
  quorum: i32 = 0;
  /** Seconds: how long a grant lives once its quorum is there, and how long it may be waited for. */
  maxTtl: i64 = 0;
  maxWait: i64 = 0;
  scope: Scope = changetype<Scope>(0);
  requiresIncident: bool = false;
  requiresConfirmation: bool = false;
  requiresNetworks: bool = false;
  isDrill: bool = false;
  /** It opens nothing before a ledger has signed that it holds the record. */
  requiresReceipt: bool = false;
}

/** A trust bundle. */
export class Trust {
  version: i64 = 0;
  issuedAt: i64 = 0;
  expiresAt: i64 = 0;
  audiences: TextList = changetype<TextList>(0);
  firstPrincipal: usize = 0;
  firstEntitlement: usize = 0;
  principals: NameIndex = changetype<NameIndex>(0);
  entitlements: NameIndex = changetype<NameIndex>(0);
  keys: NameIndex = changetype<NameIndex>(0);
  revoked: Revoked = changetype<Revoked>(0);
  /** Roles whose holders may sign urgent revocations, and close reviews; 0 where the bundle names none. */
  revokers: TextList = changetype<TextList>(0);
  reviewers: TextList = changetype<TextList>(0);
  /** Linked list of Key: those that may sign receipts. */
  firstLedger: usize = 0;
  /** Of Floor. */
  floors: NameIndex = changetype<NameIndex>(0);
  /** How many entitlements ask for no approval at all: a gauge shows them. */
  singleKeyEntitlements: i32 = 0;
  /** SHA-256 of the payload segment: 32 bytes. Tells two bundles of one version apart. */
  hash: usize = 0;
  /** How many roots signed this text. It governs no context whose threshold is higher. */
  signerCount: i32 = 0;
  /** How near it comes to what a bundle may hold (bounds.ts), in percent. */
  filledPercent: i32 = 0;

  /** For the indexes over the bundle's names. */
  seed(): u32 {
    return load<u32>(this.hash);
  }

  key(kidPtr: usize, kidLen: i32): Key {
    return changetype<Key>(this.keys.find(kidPtr, kidLen));
  }

  /** Whether that version of the signer's texts is at or below the bundle's floor for him. */
  covers(signer: Named, version: i64): bool {
    const floor = this.floors.find(signer.namePtr, signer.nameLen);
    return floor != 0 && version <= changetype<Floor>(floor).version;
  }

  /** Whether such a text, signed with that key, does not count whatever it says. */
  ignoresText(signer: Named, key: Named, version: i64): bool {
    return this.covers(signer, version) || this.revoked.keys.has(key);
  }

  entitlement(ptr: usize, len: i32): Entitlement {
    return changetype<Entitlement>(this.entitlements.find(ptr, len));
  }
}

/** What is pinned at a gateway: root keys, threshold, audience. */
export class Anchors {
  audiencePtr: usize = 0;
  audienceLen: i32 = 0;
  threshold: i32 = 0;
  rootCount: i32 = 0;
  /** Linked list of Key, sorted by kid. */
  firstRoot: usize = 0;

  root(kidPtr: usize, kidLen: i32): Key {
    for (let at = this.firstRoot; at != 0; at = changetype<Named>(at).next) {
      if (changetype<Named>(at).isNamed(kidPtr, kidLen)) return changetype<Key>(at);
    }
    return changetype<Key>(0);
  }
}
