/**
 * What evidence proves: `payload *( "~" approval )`, under the bundle by which its record was decided. Every approver that the record
 * names has signed these very claims, and whoever signed is named.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { visible } from "../../base/text.js";
import { type Approver, beganAt, missingSeats } from "../../grant/quorum.js";
import type { WindowedKey } from "../../signer/jwk.js";
import { type BundleClaims, holdsRole, personOf } from "../../trust/claims.js";
import { holds, jsonOf, parseJws } from "./jws.js";
import type { AuditRecord } from "./lines.js";
import { type Accessed, isWithin } from "./scope.js";

const claimsSchema = z.looseObject({
  jti: z.string(),
  sub: z.string(),
  ent: z.string(),
  reason: z.string(),
  incident: z.string().optional(),
  drill: z.string().optional(),
  iat: z.int().nonnegative(),
  exp: z.int().nonnegative(),
  authorization_details: z.array(
    z.looseObject({ locations: z.array(z.string()), actions: z.array(z.string()), paths: z.array(z.string()) }),
  ),
});
type Claims = z.infer<typeof claimsSchema>;
const agreeing = ["jti", "sub", "ent", "reason", "incident", "drill"] as const;
/** The gateway tells the time of a decision and of its record one after the other. */
const SLACK_SECONDS = 2;
/** As in the filter. */
const MAX_APPROVALS = 8;

/** What a record says that its evidence must prove. */
export type Claimed = Accessed &
  Pick<AuditRecord, (typeof agreeing)[number] | "vm" | "seq" | "ts" | "grant_sha256" | "approvers" | "evidence">;

/** `grant_sha256`: the SHA-256 of the payload as it was sent. */
export function grantOf(evidence: string): string {
  const end = evidence.indexOf("~");
  return createHash("sha256")
    .update(end < 0 ? evidence : evidence.slice(0, end))
    .digest("hex");
}

/** By kid: who owns it, and the key. */
const owners = new WeakMap<BundleClaims, ReadonlyMap<string, { readonly id: string; readonly key: WindowedKey }>>();

function ownerOf(bundle: BundleClaims, kid: string) {
  let table = owners.get(bundle);
  if (table === undefined) {
    table = new Map(bundle.principals.flatMap(({ id, keys }) => keys.map((key) => [key.kid, { id, key }] as const)));
    owners.set(bundle, table);
  }
  return table.get(kid);
}

const isHeldAt = ({ nbf = 0, exp = Number.POSITIVE_INFINITY }: WindowedKey, seconds: number): boolean =>
  seconds >= nbf && seconds < exp;

export interface Approval {
  readonly sub: string;
  /** Seconds since 1970: when it was signed. */
  readonly iat: number;
}

/** Who approved, or what is wrong with that approval. @param decidedAt seconds */
function approvalOf(token: string, payload: string, bundle: BundleClaims, decidedAt: number): Approval | string {
  const jws = parseJws(token);
  if (jws === undefined || jws.payload !== "") return "an approval is malformed";
  const { kid, typ, iat } = jws.header;
  if (typ !== "bg-approval+jws" || iat === undefined) return "an approval is of another type";
  const owner = ownerOf(bundle, kid);
  if (owner === undefined) return `an approval is signed by a key that the bundle does not have (${visible(kid)})`;
  if (!holds(jws, payload, owner.key)) return `the signature of ${owner.id} does not hold`;
  if (!isHeldAt(owner.key, iat) || !isHeldAt(owner.key, decidedAt))
    return `the key of ${owner.id} did not hold at that time`;
  return { sub: owner.id, iat };
}

export interface Judged {
  /** Whose signature holds. */
  readonly proven: readonly string[];
  readonly approvals: readonly Approval[];
  /** What is wrong; empty where it proves what the record says. */
  readonly faults: readonly string[];
  /** Seconds since 1970: the grant's own end. Undefined where its claims are malformed. */
  readonly exp: number | undefined;
}

/** Whether a grant with that end had ended. @param ts of the record */
export const hadEnded = (exp: number, ts: string): boolean => Math.floor(Date.parse(ts) / 1000) >= exp + SLACK_SECONDS;

/**
 * Whether the rules of the bundle were kept: its own filter would not have let it in otherwise, but a filter that somebody exchanged
 * writes true records of what nobody had approved.
 */
function rulesBroken({ sub, ent, iat, exp }: Claims, approvals: readonly Approval[], bundle: BundleClaims, at: number) {
  const entitlement = bundle.entitlements.find(({ id }) => id === ent);
  const requester = bundle.principals.find(({ id }) => id === sub);
  if (entitlement === undefined) return [`the bundle has no entitlement ${visible(ent)}`];
  if (requester === undefined) return [`the bundle does not name ${visible(sub)}`];
  const faults: string[] = [];
  if (!entitlement.requesters.some((role) => holdsRole(requester, role, at)))
    faults.push(`${sub} may not ask for ${ent}`);
  const persons = new Map<string, Approver>();
  for (const approval of approvals) {
    const principal = bundle.principals.find(({ id }) => id === approval.sub);
    if (principal !== undefined && personOf(principal) !== personOf(requester))
      persons.set(personOf(principal), { principal, iat: approval.iat });
  }
  const approvers = [...persons.values()];
  const missing = missingSeats(entitlement, approvers, at);
  const began = beganAt(entitlement, iat, approvers, at);
  if (missing.length > 0) faults.push(`${ent} needs approvals that it does not have (${missing.join(", ")})`);
  else if (at >= Math.min(exp, (began ?? iat) + entitlement.max_ttl) + SLACK_SECONDS) faults.push("it had ended");
  return faults;
}

/** Judges the evidence of a record. Its hash is the record's `evidence`. @param bundle the one that the record names */
export function judgeEvidence(evidence: string, record: Claimed, bundle: BundleClaims): Judged {
  const [payload = "", ...tokens] = evidence.split("~");
  const faults: string[] = [];
  if (grantOf(evidence) !== record.grant_sha256) faults.push("it is of another grant");
  const claims = claimsSchema.safeParse(jsonOf(payload)).data;
  if (claims === undefined) faults.push("its claims are malformed");
  else for (const name of agreeing) if (claims[name] !== record[name]) faults.push(`its ${name} is another`);
  if (tokens.length > MAX_APPROVALS) faults.push("it has too many approvals");
  const decidedAt = Math.floor(Date.parse(record.ts) / 1000);
  const named = [...(record.approvers ?? [])];
  const approvals: Approval[] = [];
  for (const token of tokens.slice(0, MAX_APPROVALS)) {
    const approval = approvalOf(token, payload, bundle, decidedAt);
    if (typeof approval === "string") {
      faults.push(approval);
      continue;
    }
    approvals.push(approval);
    const at = named.findIndex(({ sub, iat }) => sub === approval.sub && iat === approval.iat);
    if (at < 0) faults.push(`${approval.sub} signed, and the record does not say so`);
    else named.splice(at, 1);
  }
  for (const { sub } of named) faults.push(`the record says that ${visible(sub)} approved, who did not sign this`);
  if (claims !== undefined && !isWithin(claims.authorization_details, record)) faults.push("it does not open that");
  if (claims !== undefined) faults.push(...rulesBroken(claims, approvals, bundle, decidedAt));
  return { proven: approvals.map(({ sub }) => sub), approvals, faults, exp: claims?.exp };
}
