/** Generated from config/verdicts.json by scripts/generate.mjs. Do not edit. */

/** One row of the verdict table: `operator` says what to do. */
export interface VerdictRow {
  readonly status: number;
  readonly error: string;
  readonly title: string;
  readonly operator: string;
}

/** Every verdict code, in the order of the table. */
export const verdictCodes = [
  "allow",
  "no_grant",
  "duplicate_header",
  "too_large",
  "path_ambiguous",
  "malformed",
  "algorithm",
  "key_unknown",
  "key_not_valid",
  "key_owner",
  "audience",
  "not_yet_valid",
  "expired",
  "ttl",
  "revoked",
  "signature",
  "approval_signature",
  "entitlement_unknown",
  "requester",
  "reason",
  "claim_required",
  "self_approval",
  "duplicate_approval",
  "quorum",
  "scope_host",
  "scope_method",
  "scope_path",
  "entitlement_scope",
  "binding_missing",
  "binding_mismatch",
  "proof",
  "network",
  "busy",
  "no_trust",
  "bundle_expired",
  "audit_unavailable",
  "internal"
] as const;
export type VerdictCode = (typeof verdictCodes)[number];

export const verdicts: Readonly<Record<VerdictCode, VerdictRow>> = {
  allow: { status: 200, error: "", title: "Allowed", operator: "Nothing to do. The record names who asked and who approved; review the event afterwards." },
  no_grant: { status: 401, error: "", title: "This listener demands a break-glass grant and the request has none", operator: "Send the grant in the header x-break-glass, or use the normal listener." },
  duplicate_header: { status: 400, error: "invalid_request", title: "More than one x-break-glass header", operator: "Send exactly one x-break-glass header; look for a proxy in between that adds a second." },
  too_large: { status: 400, error: "invalid_request", title: "The grant is larger than 8192 bytes", operator: "Ask for fewer paths or hosts in one grant, or shorten its text." },
  path_ambiguous: { status: 400, error: "invalid_request", title: "The path can be read in more than one way", operator: "Send the plain path: no //, no . or .. segment, no ; or \\, no %-escape that is needless, dangerous, broken or no UTF-8." },
  malformed: { status: 401, error: "invalid_token", title: "The grant is not well-formed", operator: "Was it copied whole, and is it the output of `glassgate grant` (not an ask)? Run `glassgate explain` on it." },
  algorithm: { status: 401, error: "invalid_token", title: "The signature algorithm is neither Ed25519 nor ES256, or not that of the key", operator: "Sign with Ed25519 or ES256, as the key in the bundle says. A caller whose signature has not proven a key of the bundle is told `signature`: the record has this code, and so has `glassgate explain`." },
  key_unknown: { status: 401, error: "invalid_token", title: "A signing key is not in the trust bundle", operator: "Was the key rotated away, or has this gateway an older bundle? Compare `glassgate key list` with `glassgate bundle show`. A caller whose signature has not proven a key of the bundle is told `signature`: the record has this code, and so has `glassgate explain`." },
  key_not_valid: { status: 401, error: "invalid_token", title: "A signing key is outside its period of validity", operator: "Sign with the principal's current key (`glassgate bundle show` lists the windows). A caller whose signature has not proven a key of the bundle is told `signature`: the record has this code, and so has `glassgate explain`." },
  key_owner: { status: 401, error: "invalid_token", title: "The signing key does not belong to the requester", operator: "`sub` must be the principal who owns the key that signed the request." },
  audience: { status: 401, error: "invalid_token", title: "The grant is for another environment", operator: "Ask again with the audience of this gateway." },
  not_yet_valid: { status: 401, error: "invalid_token", title: "The grant or an approval is not valid yet", operator: "Compare the clocks of the requester, the approvers and the gateway." },
  expired: { status: 401, error: "invalid_token", title: "The grant has expired", operator: "Grants die by themselves: at exp, and max_ttl after their approvals were there. Ask again and have it approved again." },
  ttl: { status: 401, error: "invalid_token", title: "The grant lives longer than its entitlement allows", operator: "Ask for a shorter time; `glassgate bundle show` says the entitlement's max_ttl and max_wait." },
  revoked: { status: 401, error: "invalid_token", title: "The grant, a key, a person or the incident was revoked", operator: "Somebody took it back on purpose. Speak with the root holders before you ask again." },
  signature: { status: 401, error: "invalid_token", title: "The requester's signature does not verify, or its key is not taken here", operator: "The grant was changed after signing, or cut: complete it again with `glassgate grant`. Or its key is one that this gateway does not take, which it tells nobody but the record: `algorithm`, `key_unknown` or `key_not_valid` there. `glassgate explain` tells the holder; where it says `allow`, the gateway serves another bundle than the holder has: get the newest bundle.jws, or push it." },
  approval_signature: { status: 401, error: "invalid_token", title: "An approver's signature does not verify", operator: "The approval belongs to other claims. Have this very ask approved again." },
  entitlement_unknown: { status: 403, error: "access_denied", title: "The entitlement is not in the trust bundle", operator: "`glassgate bundle show` lists the entitlements that this gateway may know." },
  requester: { status: 403, error: "access_denied", title: "The requester may not invoke this entitlement", operator: "The requester holds none of its roles at this time, or a drill met a real entitlement (or the reverse)." },
  reason: { status: 403, error: "access_denied", title: "The reason is not one the entitlement allows", operator: "Use one of the entitlement's reason codes." },
  claim_required: { status: 403, error: "access_denied", title: "The entitlement demands a claim that the grant lacks", operator: "Add what the entitlement requires: --incident, --net, --bind; a network that is all of IPv4 or IPv6 is none." },
  self_approval: { status: 403, error: "access_denied", title: "An approval comes from the requester's own person", operator: "Have somebody else approve: all accounts of one person count as one." },
  duplicate_approval: { status: 403, error: "access_denied", title: "One person approved twice", operator: "Remove one of the two approvals and have another person approve." },
  quorum: { status: 403, error: "access_denied", title: "Approvals are missing", operator: "`glassgate grant` says which role is still missing." },
  scope_host: { status: 403, error: "insufficient_scope", title: "The grant does not cover this host", operator: "Call the host that was granted, or ask for this one." },
  scope_method: { status: 403, error: "insufficient_scope", title: "The grant does not cover this method", operator: "Use the granted method, or ask for this one. An upgrade needs CONNECT as well." },
  scope_path: { status: 403, error: "insufficient_scope", title: "The grant does not cover this path", operator: "Call the path that was granted, or ask for this one." },
  entitlement_scope: { status: 403, error: "insufficient_scope", title: "The entitlement does not cover this request", operator: "The grant asks for more than was pre-authorised. Use another entitlement." },
  binding_missing: { status: 401, error: "invalid_token", title: "The grant is bound to a key and the request shows none", operator: "Present the client certificate or DPoP proof that the grant names." },
  binding_mismatch: { status: 401, error: "invalid_token", title: "The request shows another key than the grant's", operator: "Present the client certificate or DPoP proof that the grant names." },
  proof: { status: 401, error: "invalid_token", title: "The DPoP proof is wrong or was used before", operator: "Make a new proof for each request." },
  network: { status: 403, error: "access_denied", title: "The request comes from a network that the grant does not name", operator: "Call from the network that was granted; `source` in the record is the address that the gateway sees." },
  busy: { status: 429, error: "temporarily_unavailable", title: "Too many signatures from this network or under this key did not verify, or this grant made too many requests, or its requester has too many grants in use; try again in ten seconds", operator: "The record says where to look. Without a `sub`: somebody in the network of `source` (/24, or /56 of IPv6) sends grants that no key of the bundle has signed; a caller in need uses another network, or repeats. With a `sub`: that person's grants carry approvals or proofs that do not verify, or a grant that is bound to a key has used up its share of proofs (gauge `glassgate.proofs_of_grant`), or that person has streams open under 1,024 different grants on this worker. A grant that was accepted before goes on." },
  no_trust: { status: 503, error: "temporarily_unavailable", title: "The gateway holds no usable trust bundle", operator: "Push a bundle: `glassgate push`. Normal traffic is not affected." },
  bundle_expired: { status: 503, error: "temporarily_unavailable", title: "The gateway's trust bundle is outside its period of validity", operator: "Push a new bundle, and check the gateway's clock." },
  audit_unavailable: { status: 503, error: "temporarily_unavailable", title: "The audit record could not be written", operator: "Access without a record is not given. Check the ledger's receipts." },
  internal: { status: 503, error: "temporarily_unavailable", title: "The filter could not decide", operator: "See the gateway's log; report it as a defect." },
};
