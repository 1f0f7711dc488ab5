/** Reads the entitlements of a bundle. */
import { readScope, Wildcard } from "../jose/details";
import { Element, readList } from "../jose/lists";
import { MAX_APPROVALS, MAX_ENTITLEMENTS, MAX_REASONS, MAX_REQUESTER_ROLES } from "../limits";
import { isMember, Loading } from "./loading";
import { NamedList } from "./names";
import { readName } from "./principals";
import { ApprovalRule, Entitlement } from "./trust";

enum Member {
  Id = 1,
  Requesters = 2,
  Reasons = 4,
  Approvals = 8,
  MaxTtl = 16,
  Details = 32,
  Require = 64,
  Drill = 128,
}
const REQUIRED: i32 = 63;

const approvalRules = new NamedList();

function readApprovalRule(loading: Loading): ApprovalRule {
  const rule = changetype<ApprovalRule>(loading.region.take(offsetof<ApprovalRule>()));
  const reader = loading.reader;
  let seen = 0;
  if (!reader.openObject()) return rule;
  while (reader.nextMember()) {
    let member = 0;
    if (isMember(reader, "role")) {
      member = 1;
      if (readName(loading)) {
        rule.namePtr = reader.stringPtr;
        rule.nameLen = reader.stringLen;
      }
    } else if (isMember(reader, "count")) {
      member = 2;
      const count = reader.integer();
      if (count < 1 || count > MAX_APPROVALS) loading.refuse("a count of approvals is not 1 to 8");
      rule.count = <i32>count;
    } else {
      loading.refuse("an approval has an unknown member", reader.stringPtr, reader.stringLen);
    }
    if ((seen & member) != 0) loading.refuse("an approval has a member twice");
    if (!loading.good()) return rule;
    seen |= member;
  }
  if (seen != 3) loading.refuse("an approval needs role and count");
  return rule;
}

/** Returns the quorum: how many approvals are demanded together. */
function readApprovals(loading: Loading): i32 {
  const reader = loading.reader;
  let quorum = 0;
  if (!reader.openArray()) return 0;
  while (reader.nextElement()) {
    const rule = readApprovalRule(loading);
    if (!loading.good()) return 0;
    approvalRules.push(rule);
    quorum += rule.count;
    if (quorum > MAX_APPROVALS) loading.refuse("a quorum is over 8");
    if (!loading.good()) return 0;
  }
  return quorum;
}

/** `require`: only what this filter enforces; `cnf` and `net` are refused until it does. */
function readRequire(loading: Loading, entitlement: Entitlement): void {
  const reader = loading.reader;
  if (!reader.openArray()) return;
  while (reader.nextElement()) {
    if (!reader.string()) return;
    if (!isMember(reader, "incident")) {
      loading.refuse("an entitlement requires what this filter cannot enforce", reader.stringPtr, reader.stringLen);
    } else if (entitlement.requiresIncident) {
      loading.refuse("an entitlement requires the same twice", reader.stringPtr, reader.stringLen);
    }
    if (!loading.good()) return;
    entitlement.requiresIncident = true;
  }
}

function readMember(loading: Loading, entitlement: Entitlement): i32 {
  const reader = loading.reader;
  const region = loading.region;
  if (isMember(reader, "id")) {
    if (readName(loading)) {
      entitlement.namePtr = reader.stringPtr;
      entitlement.nameLen = reader.stringLen;
    }
    return Member.Id;
  }
  if (isMember(reader, "requesters")) {
    entitlement.requesters = readList(reader, region, Element.Name, 1, MAX_REQUESTER_ROLES);
    return Member.Requesters;
  }
  if (isMember(reader, "reasons")) {
    entitlement.reasons = readList(reader, region, Element.Name, 1, MAX_REASONS);
    return Member.Reasons;
  }
  if (isMember(reader, "approvals")) {
    entitlement.quorum = readApprovals(loading);
    return Member.Approvals;
  }
  if (isMember(reader, "max_ttl")) {
    entitlement.maxTtl = reader.integer();
    if (reader.ok && entitlement.maxTtl < 1) loading.refuse("a max_ttl is not at least one second");
    return Member.MaxTtl;
  }
  if (isMember(reader, "authorization_details")) {
    entitlement.scope = readScope(reader, region, Wildcard.Allowed);
    return Member.Details;
  }
  if (isMember(reader, "require")) {
    readRequire(loading, entitlement);
    return Member.Require;
  }
  if (isMember(reader, "drill")) {
    entitlement.isDrill = reader.boolean();
    return Member.Drill;
  }
  loading.refuse("an entitlement has an unknown member", reader.stringPtr, reader.stringLen);
  return 0;
}

function readEntitlement(loading: Loading): Entitlement {
  const entitlement = changetype<Entitlement>(loading.region.take(offsetof<Entitlement>()));
  const reader = loading.reader;
  let seen = 0;
  approvalRules.clear();
  if (!reader.openObject()) return entitlement;
  while (reader.nextMember()) {
    const member = readMember(loading, entitlement);
    if ((seen & member) != 0) loading.refuse("an entitlement has a member twice");
    if (!loading.good()) {
      loading.explain("an entitlement has a member of the wrong type or out of its bounds");
      return entitlement;
    }
    seen |= member;
  }
  if ((seen & REQUIRED) != REQUIRED) {
    loading.refuse("an entitlement lacks a member", entitlement.namePtr, entitlement.nameLen);
  }
  entitlement.firstApprovalRule = approvalRules.first;
  return entitlement;
}

/** Appends all entitlements to `list`. Check `loading.good()`. */
export function readEntitlements(loading: Loading, list: NamedList): void {
  const reader = loading.reader;
  if (!reader.openArray()) return;
  while (reader.nextElement()) {
    const entitlement = readEntitlement(loading);
    if (!loading.good()) return;
    list.push(entitlement);
    if (list.count > MAX_ENTITLEMENTS) loading.refuse("it has more than 1024 entitlements");
    if (!loading.good()) return;
  }
}
