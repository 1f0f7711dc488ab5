/** Generated from config/members.json by scripts/generate.mjs. Do not edit. */
import { z } from "zod";
import { publicKeySchema, windowedKeySchema } from "../signer/jwk.js";
import { entitlementDetails, floors, headerName, integer, keptHeader, name, numericDate, requestPath, requirements, revokedName, upstreamHeader, visibleText } from "./names.js";

/** The names, for "did you mean". */
export const memberNames = {
  role: ["role","nbf","exp"],
  key: ["kty","crv","x","y","kid","alg","nbf","exp"],
  principal: ["id","person","roles","keys"],
  approval: ["role","count"],
  entitlement: ["id","requesters","reasons","approvals","max_ttl","max_wait","authorization_details","require","drill","audit"],
  issued_before: ["at","sub"],
  revoked: ["jti","sub","kid","incident","issued_before"],
  bundle: ["schema","version","iat","exp","aud","principals","entitlements","revokers","reviewers","ledgers","revoked","texts"],
  revocations: ["version","iat","aud","revoked"],
  receipt: ["cluster","path","authority","timeout_ms"],
  configuration: ["generation","audience","roots","threshold","mode","require","leeway","min_version","table_memory_kib","strip","keep","bundle","revocations","receipt","upstream_header"],
} as const;

/** Members of the configuration that a push sets, and those that the gateway's own file decides: all others stay as they are deployed. */
export const setByPush = ["generation","audience","roots","threshold","min_version","bundle"] as const;
export const setByRender = ["mode","require","leeway","strip","keep","receipt"] as const;

export const roleSchema = z.strictObject({
  role: name.describe("its name"),
  nbf: numericDate.optional().describe("held from then on"),
  exp: numericDate.optional().describe("held until then"),
});

export const principalSchema = z.strictObject({
  id: name.describe("its name"),
  person: name.optional().describe("the human behind it; default id"),
  roles: z.array(z.union([name, roleSchema])).max(64).describe("what it may be asked for, each for a time where that is said"),
  keys: z.array(windowedKeySchema).describe("its public keys"),
});

export const approvalSchema = z.strictObject({
  role: name.describe("whose approval counts"),
  count: integer(1, 8).describe("of how many persons"),
});

export const entitlementSchema = z.strictObject({
  id: name.describe("its name"),
  requesters: z.array(name).min(1).max(64).describe("roles that may ask for it"),
  reasons: z.array(name).min(1).max(64).describe("reason codes"),
  approvals: z.array(approvalSchema).max(8).describe("who must approve; at most 8 together"),
  max_ttl: integer(1).describe("how many seconds a grant may live once its approvals are there"),
  max_wait: integer(0, 3600).optional().describe("how many seconds may pass before that while approvals are gathered, default 0; only with approvals"),
  authorization_details: entitlementDetails.describe("what a grant may open"),
  require: requirements.optional().describe("claims that a grant must have: incident, cnf, net"),
  drill: z.boolean().optional().describe("for exercises only"),
  audit: z.literal("receipt").optional().describe("receipt: a request is let in only with a ledger's signed receipt for its record"),
});

export const issuedBeforeSchema = z.strictObject({
  at: numericDate.describe("grants whose iat is before it"),
  sub: name.optional().describe("only those that this principal asked for or approved"),
});

export const revokedSchema = z.strictObject({
  jti: z.array(revokedName).optional().describe("single grants"),
  sub: z.array(revokedName).optional().describe("principals, as requester or approver"),
  kid: z.array(revokedName).optional().describe("keys"),
  incident: z.array(revokedName).optional().describe("all grants of a ticket"),
  issued_before: z.array(issuedBeforeSchema).max(4096).optional().describe("all grants asked for before a time"),
});

export const bundleSchema = z.strictObject({
  schema: z.literal(1).describe("1"),
  version: integer(0).describe("rises with each bundle"),
  iat: numericDate.describe("when it was built"),
  exp: numericDate.describe("it holds until then"),
  aud: z.array(name).min(1).max(16).describe("environments that it is for"),
  principals: z.array(principalSchema).max(4096).describe("people and machines"),
  entitlements: z.array(entitlementSchema).max(1024).describe("what may be asked for"),
  revokers: z.array(name).min(1).max(64).optional().describe("roles whose holders may sign urgent revocations"),
  reviewers: z.array(name).min(1).max(64).optional().describe("roles whose holders may close a review"),
  ledgers: z.array(publicKeySchema).max(16).optional().describe("keys that may sign receipts, public, with their thumbprints"),
  revoked: revokedSchema.optional().describe("what is taken back"),
  texts: floors(1024).optional().describe("by signer, the version up to which urgent revocations are ignored: revoked holds what they took back"),
});

export const revocationsSchema = z.strictObject({
  version: integer(0).describe("rises with each text of its signer; at most iat"),
  iat: numericDate.describe("when it was signed"),
  aud: z.union([name, z.array(name).min(1).max(16)]).describe("environments that it is for"),
  revoked: revokedSchema.describe("what is taken back; each at is at most iat"),
});

export const receiptSchema = z.strictObject({
  cluster: visibleText(255).describe("the cluster of the gateway's that leads to a ledger"),
  path: requestPath(255).describe("where it takes records and answers with a receipt"),
  authority: visibleText(255).optional().describe("the host that it is asked as; default the cluster's name"),
  timeout_ms: integer(1, 500).optional().describe("milliseconds that a request waits for it at most; default 500"),
});

export const configurationSchema = z.strictObject({
  generation: integer(0).describe("new at each push; tells what is serving"),
  audience: name.describe("the environment; grants and bundles must name it"),
  roots: z.array(publicKeySchema).min(1).max(16).describe("the root keys, public, with their thumbprints"),
  threshold: integer(1, 16).describe("how many different roots must have signed a bundle"),
  mode: z.enum(["enforce", "shadow"]).optional().describe("shadow decides and records, and changes nothing"),
  require: z.boolean().optional().describe("no grant is a deny: for a listener where the filter is the only guard"),
  leeway: integer(0, 60).optional().describe("seconds of clock skew allowed on iat; default 5"),
  min_version: integer(0).optional().describe("older bundles are refused, also after a restart"),
  table_memory_kib: integer(0, 32768).optional().describe("memory of a worker for tables that speed up signature checks, taken as keys come into use: 952, and 256 a key; default 4096"),
  strip: z.array(headerName).max(32).optional().describe("request headers that an allowed request loses, besides authorization and override headers"),
  keep: z.array(keptHeader).max(32).optional().describe("override headers that an allowed request keeps, as a trusted proxy in front always sets them; never authorization"),
  bundle: z.string().optional().describe("the signed trust bundle; without it each grant gets no_trust"),
  revocations: z.union([z.string(), z.array(z.string()).max(8)]).optional().describe("urgent revocations: a signed text, or up to 8 of different signers, together at most 192 KiB"),
  receipt: receiptSchema.optional().describe("Envoy only, Kong's build refuses it: where receipts come from, for entitlements with audit. Without it they open nothing (audit_unavailable)"),
  upstream_header: upstreamHeader(512).optional().describe("Kong only, Envoy's build refuses it: {name, value}, a header that an allowed request carries with the key of the second route"),
});
