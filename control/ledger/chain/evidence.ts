/**
 * What evidence proves: `payload *( "~" approval )`, under the bundle by which its record was decided. Every approver that the record
 * names has signed these very claims, and whoever signed is named.
 */
import { createHash } from "node:crypto";
import { visible } from "../../base/text.js";
import type { WindowedKey } from "../../signer/jwk.js";
import type { BundleClaims } from "../../trust/claims.js";
import { holds, jsonOf, parseJws } from "./jws.js";
import type { AuditRecord } from "./lines.js";
import { type Accessed, isWithin } from "./scope.js";
import {
  type Approval,
  type Court,
  claimsSchema,
  isRepeated,
  repeated,
  rulesBroken,
  type Standing,
  standingOf,
} from "./standing.js";

/** As in the filter. */
const MAX_APPROVALS = 8;

/** What a record says that its evidence must prove. */
export type Claimed = Accessed &
  Pick<
    AuditRecord,
    (typeof repeated)[number] | "vm" | "seq" | "ts" | "source" | "grant_sha256" | "approvers" | "evidence"
  >;

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

const isRevokedKey = (bundle: BundleClaims, kid: string): boolean => bundle.revoked?.kid?.includes(kid) ?? false;

/** An approval whose signature holds: by which key, when, and whose that key is. */
export interface Proven extends Approval {
  readonly kid: string;
}

/** Who approved, or what is wrong with that approval. */
function approvalOf(token: string, payload: string, { bundle, at }: Court): Proven | string {
  const jws = parseJws(token);
  if (jws === undefined || jws.payload !== "") return "an approval is malformed";
  const { kid, typ, iat } = jws.header;
  if (typ !== "bg-approval+jws" || iat === undefined) return "an approval is of another type";
  const owner = ownerOf(bundle, kid);
  if (owner === undefined) return `an approval is signed by a key that the bundle does not have (${visible(kid)})`;
  if (!holds(jws, payload, owner.key)) return `the signature of ${owner.id} does not hold`;
  if (!isHeldAt(owner.key, iat) || !isHeldAt(owner.key, at)) return `the key of ${owner.id} did not hold at that time`;
  if (isRevokedKey(bundle, kid)) return `the key of ${owner.id} is revoked`;
  return { sub: owner.id, iat, kid };
}

export interface Judged {
  /** Whose signatures hold. */
  readonly approvals: readonly Proven[];
  /** What is wrong; empty where it proves what the record says. */
  readonly faults: readonly string[];
  /** Undefined where its claims are malformed. */
  readonly standing: Standing | undefined;
}

/** Judges the evidence of a record. Its hash is the record's `evidence`. @param court the bundle that the record names, at its time */
export function judgeEvidence(evidence: string, record: Claimed, court: Court): Judged {
  const [payload = "", ...tokens] = evidence.split("~");
  const faults: string[] = [];
  if (grantOf(evidence) !== record.grant_sha256) faults.push("it is of another grant");
  const claims = claimsSchema.safeParse(jsonOf(payload)).data;
  if (claims === undefined) faults.push("its claims are malformed");
  else for (const name of repeated) if (claims[name] !== record[name]) faults.push(`its ${name} is another`);
  if (tokens.length > MAX_APPROVALS) faults.push("it has too many approvals");
  const named = [...(record.approvers ?? [])];
  const approvals: Proven[] = [];
  for (const token of tokens.slice(0, MAX_APPROVALS)) {
    const approval = approvalOf(token, payload, court);
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
  const standing = claims === undefined ? undefined : standingOf(claims);
  if (claims !== undefined && !isWithin(claims.authorization_details, record)) faults.push("it does not open that");
  if (claims !== undefined && standing !== undefined)
    faults.push(...rulesBroken(standing, { ...claims, source: record.source }, approvals, court));
  return { approvals, faults, standing };
}

/** Whether each approver that the record names has signed evidence of the grant, then, with a key that holds under that bundle. */
export function isCovered(
  proven: Iterable<Proven>,
  { approvers = [] }: Pick<Claimed, "approvers">,
  { bundle, at }: Court,
): boolean {
  const holding = [...proven].filter(({ kid, sub }) => {
    const owner = ownerOf(bundle, kid);
    return owner?.id === sub && isHeldAt(owner.key, at) && !isRevokedKey(bundle, kid);
  });
  return approvers.every(({ sub, iat }) => holding.some((one) => one.sub === sub && one.iat === iat));
}

/** Judges an access that rests on evidence from before, which covers it. */
export function judgeResting(standing: Standing, record: Claimed, court: Court): readonly string[] {
  const faults = isRepeated(standing, record) ? [] : ["its claims are not those of the record"];
  if (standing.details !== undefined && !isWithin(standing.details, record)) faults.push("it does not open that");
  return [...faults, ...rulesBroken(standing, record, record.approvers ?? [], court)];
}
