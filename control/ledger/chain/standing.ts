/**
 * What a grant says of itself, and whether the rules of a bundle let it stand at a time: its own filter would not have let it in otherwise,
 * but a filter that somebody exchanged writes true records of what nobody had approved.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { visible } from "../../base/text.js";
import { isWholeFamily } from "../../grant/networks.js";
import { type Approver, beganAt, missingSeats } from "../../grant/quorum.js";
import { type BundleClaims, type Entitlement, holdsRole, personOf } from "../../trust/claims.js";
import type { AuditRecord } from "./lines.js";
import { isFrom } from "./scope.js";

const detailsSchema = z.array(
  z.object({ locations: z.array(z.string()), actions: z.array(z.string()), paths: z.array(z.string()) }),
);
const audience = z.string().max(256);
/** As many as the filter takes (MAX_NETWORKS). */
const netSchema = z.array(z.string().max(64)).max(16);
/** Other claims than these nobody needs here. */
export const claimsSchema = z.object({
  jti: z.string(),
  sub: z.string(),
  ent: z.string(),
  reason: z.string(),
  incident: z.string().optional(),
  drill: z.string().optional(),
  iat: z.int().nonnegative(),
  exp: z.int().nonnegative(),
  aud: z.union([audience, z.array(audience).max(16)]),
  authorization_details: detailsSchema,
  cnf: z.unknown().optional(),
  net: netSchema.optional(),
});
export type Claims = z.infer<typeof claimsSchema>;

/** Claims that a record repeats. */
export const repeated = ["jti", "sub", "ent", "reason", "incident", "drill"] as const;
type Repeated = Pick<AuditRecord, (typeof repeated)[number]>;

const hashOf = (said: Repeated): string =>
  createHash("sha256")
    .update(JSON.stringify(repeated.map((name) => said[name] ?? null)))
    .digest("hex");

/** What is kept of a grant whose evidence holds: 65,536 of them may be there. */
export const standingSchema = z.strictObject({
  /** Hash over the claims that records repeat. */
  repeated: z.string().max(64),
  iat: z.int().nonnegative(),
  exp: z.int().nonnegative(),
  aud: z.array(audience).max(16),
  /** What it opens; where that is longer than is kept, what its entitlement opens counts alone. */
  details: detailsSchema.optional(),
  /** Whether it is bound to a key: which, and that it was shown, no record says. */
  isBound: z.boolean(),
  /** The networks that it may be used from. */
  net: netSchema.optional(),
});
export type Standing = z.infer<typeof standingSchema>;

/** In characters of JSON. */
const MAX_DETAILS = 1024;

export function standingOf(claims: Claims): Standing {
  const { iat, exp, aud, authorization_details: details, cnf, net } = claims;
  return {
    repeated: hashOf(claims),
    iat,
    exp,
    aud: typeof aud === "string" ? [aud] : aud,
    ...(JSON.stringify(details).length <= MAX_DETAILS && { details }),
    isBound: cnf !== undefined,
    ...(net !== undefined && { net }),
  };
}

export const isRepeated = ({ repeated: hash }: Standing, record: Repeated): boolean => hashOf(record) === hash;

export interface Approval {
  readonly sub: string;
  readonly iat: number;
}

/** By what a request was decided. */
export interface Court {
  readonly bundle: BundleClaims;
  readonly audience: string;
  /** Seconds. */
  readonly at: number;
}

/** The gateway tells the time of a decision and of its record one after the other. */
const SLACK_SECONDS = 2;
/** The most that a configuration may allow (MAX_LEEWAY); which it was, no record says. */
const LEEWAY_SECONDS = 60;

function isRevoked({ revoked }: BundleClaims, said: Repeated, approvals: readonly Approval[], iat: number): boolean {
  const { jti: jtis = [], sub: subs = [], incident: incidents = [], issued_before: before = [] } = revoked ?? {};
  const { jti = "", sub = "", incident } = said;
  const people = [sub, ...approvals.map((one) => one.sub)];
  return (
    jtis.includes(jti) ||
    people.some((one) => subs.includes(one)) ||
    (incident !== undefined && incidents.includes(incident)) ||
    before.some((one) => iat < one.at && (one.sub === undefined || people.includes(one.sub)))
  );
}

/** What the entitlement demands of the grant itself. */
function claimsBroken(entitlement: Entitlement, said: Repeated, { iat, exp, isBound, net }: Standing): string[] {
  const { id, reasons, require = [], max_ttl, max_wait = 0, drill = false } = entitlement;
  const faults: string[] = [];
  if (drill !== (said.drill !== undefined)) faults.push(drill ? `${id} is for drills only` : `${id} is for no drill`);
  if (!reasons.includes(said.reason ?? "")) faults.push(`${id} does not have its reason`);
  if (exp - iat > max_wait + max_ttl) faults.push(`it was made for longer than ${id} allows`);
  // A network of a whole family keeps nobody out.
  const isNarrow = net?.some(isWholeFamily) === false;
  const has = { incident: said.incident !== undefined, cnf: isBound, net: isNarrow };
  for (const name of require) if (!has[name]) faults.push(`${id} demands ${name}`);
  return faults;
}

/** @param said the claims that are judged, and whence it came @param approvals as they were proven */
export function rulesBroken(
  standing: Standing,
  said: Repeated & Pick<AuditRecord, "source">,
  approvals: readonly Approval[],
  { bundle, audience, at }: Court,
): string[] {
  const { sub = "", ent = "" } = said;
  const { iat, exp, aud, net } = standing;
  const entitlement = bundle.entitlements.find(({ id }) => id === ent);
  const requester = bundle.principals.find(({ id }) => id === sub);
  if (entitlement === undefined) return [`the bundle has no entitlement ${visible(ent)}`];
  if (requester === undefined) return [`the bundle does not name ${visible(sub)}`];
  const faults = claimsBroken(entitlement, said, standing);
  if (!aud.includes(audience)) faults.push(`it is not for ${audience}`);
  if (net !== undefined && !isFrom(net, said.source)) faults.push(`it is not for ${visible(said.source ?? "nowhere")}`);
  if (at >= bundle.exp + SLACK_SECONDS) faults.push("the bundle had ended");
  if (isRevoked(bundle, said, approvals, iat)) faults.push("it is revoked");
  if (iat > at + LEEWAY_SECONDS) faults.push("it was not yet valid");
  if (!entitlement.requesters.some((role) => holdsRole(requester, role, at)))
    faults.push(`${sub} may not ask for ${ent}`);
  const persons = new Map<string, Approver>();
  for (const approval of approvals) {
    if (approval.iat < iat - LEEWAY_SECONDS || approval.iat > at + LEEWAY_SECONDS)
      faults.push(`${visible(approval.sub)} did not approve between the ask and the access`);
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
