/** Reads the entitlements of a bundle. */
import { readScope, Wildcard } from "../jose/details";
import { readNames } from "../jose/lists";
import { MAX_APPROVALS, MAX_ENTITLEMENTS, MAX_REASONS, MAX_REQUESTER_ROLES } from "../limits";
import { JsonReader } from "../text/json";
import { isMember, Loading } from "./loading";
import {
  APPROVAL_LACKS,
  ApprovalMember,
  approvalMember,
  ENTITLEMENT_LACKS,
  EntitlementMember,
  entitlementMember,
  REQUIRED_OF_APPROVAL,
  REQUIRED_OF_ENTITLEMENT,
  readApprovalCount,
  readEntitlementMaxTtl,
  readEntitlementMaxWait,
} from "./members.gen";
import { NamedList } from "./names";
import { readName } from "./principals";
import { ApprovalRule, Entitlement } from "./trust";

const approvalRules = new NamedList();

function readRole(loading: Loading, rule: ApprovalRule): void {
  if (!readName(loading)) return;
  rule.namePtr = loading.reader.stringPtr;
  rule.nameLen = loading.reader.stringLen;
}

function readApprovalRule(loading: Loading): ApprovalRule {
  const rule = changetype<ApprovalRule>(loading.region.take(offsetof<ApprovalRule>()));
  const reader = loading.reader;
  let seen = 0;
  if (!reader.openObject()) return rule;
  while (reader.nextMember()) {
    const member = approvalMember(reader.stringPtr, reader.stringLen);
    if (member == 0) loading.refuse("an approval has an unknown member", reader.stringPtr, reader.stringLen);
    else if ((seen & member) != 0) loading.refuse("an approval has a member twice");
    else if (member == ApprovalMember.Role) readRole(loading, rule);
    else rule.count = <i32>readApprovalCount(loading);
    if (!loading.good()) return rule;
    seen |= member;
  }
  if ((seen & REQUIRED_OF_APPROVAL) != REQUIRED_OF_APPROVAL) loading.refuse(APPROVAL_LACKS);
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

/** Requires one more claim. False where it is required already. */
function requireClaim(entitlement: Entitlement, reader: JsonReader): bool {
  let isNew = false;
  if (isMember(reader, "incident")) {
    isNew = !entitlement.requiresIncident;
    entitlement.requiresIncident = true;
  } else if (isMember(reader, "cnf")) {
    isNew = !entitlement.requiresConfirmation;
    entitlement.requiresConfirmation = true;
  } else {
    isNew = !entitlement.requiresNetworks;
    entitlement.requiresNetworks = true;
  }
  return isNew;
}

/** `require`: only what this filter enforces. */
function readRequire(loading: Loading, entitlement: Entitlement): void {
  const reader = loading.reader;
  if (!reader.openArray()) return;
  while (reader.nextElement()) {
    if (!reader.string()) return;
    if (!isMember(reader, "incident") && !isMember(reader, "cnf") && !isMember(reader, "net")) {
      loading.refuse("an entitlement requires what this filter cannot enforce", reader.stringPtr, reader.stringLen);
    } else if (!requireClaim(entitlement, reader)) {
      loading.refuse("an entitlement requires the same twice", reader.stringPtr, reader.stringLen);
    }
    if (!loading.good()) return;
  }
}

/** `audit`: there is one kind. */
function readAudit(loading: Loading, entitlement: Entitlement): void {
  if (!loading.reader.string()) return;
  entitlement.requiresReceipt = isMember(loading.reader, "receipt");
  if (!entitlement.requiresReceipt) loading.refuse("an entitlement's audit is not receipt");
}

function readMember(member: i32, loading: Loading, entitlement: Entitlement): void {
  const reader = loading.reader;
  const region = loading.region;
  switch (member) {
    case EntitlementMember.Id:
      if (!readName(loading)) return;
      entitlement.namePtr = reader.stringPtr;
      entitlement.nameLen = reader.stringLen;
      break;
    case EntitlementMember.Requesters:
      entitlement.requesters = readNames(reader, region, MAX_REQUESTER_ROLES);
      break;
    case EntitlementMember.Reasons:
      entitlement.reasons = readNames(reader, region, MAX_REASONS);
      break;
    case EntitlementMember.Approvals:
      entitlement.quorum = readApprovals(loading);
      break;
    case EntitlementMember.MaxTtl:
      entitlement.maxTtl = readEntitlementMaxTtl(loading);
      break;
    case EntitlementMember.MaxWait:
      entitlement.maxWait = readEntitlementMaxWait(loading);
      break;
    case EntitlementMember.AuthorizationDetails:
      entitlement.scope = readScope(reader, region, Wildcard.Allowed);
      break;
    case EntitlementMember.Require:
      readRequire(loading, entitlement);
      break;
    case EntitlementMember.Drill:
      entitlement.isDrill = reader.boolean();
      break;
    case EntitlementMember.Audit:
      readAudit(loading, entitlement);
      break;
    default:
      loading.refuse("an entitlement has an unknown member", reader.stringPtr, reader.stringLen);
  }
}

function readEntitlement(loading: Loading): Entitlement {
  const entitlement = changetype<Entitlement>(loading.region.take(offsetof<Entitlement>()));
  const reader = loading.reader;
  let seen = 0;
  approvalRules.clear();
  if (!reader.openObject()) return entitlement;
  while (reader.nextMember()) {
    loading.atMember();
    const member = entitlementMember(reader.stringPtr, reader.stringLen);
    if ((seen & member) != 0) loading.refuse("an entitlement has a member twice");
    else readMember(member, loading, entitlement);
    if (!loading.good()) {
      loading.explain("an entitlement has a member of the wrong type or out of its bounds");
      return entitlement;
    }
    seen |= member;
  }
  if ((seen & REQUIRED_OF_ENTITLEMENT) != REQUIRED_OF_ENTITLEMENT) {
    loading.refuse(ENTITLEMENT_LACKS, entitlement.namePtr, entitlement.nameLen);
  } else if (entitlement.maxWait > 0 && entitlement.quorum == 0) {
    loading.refuse(
      "an entitlement has max_wait and no approvals to wait for",
      entitlement.namePtr,
      entitlement.nameLen,
    );
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
