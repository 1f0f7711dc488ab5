/** Checks asks and approvals against a bundle before they are sent anywhere: what the gateway would say, earlier and in words. */
import { compactVerify, importJWK } from "jose";
import { UserError } from "../base/errors.js";
import { showTime } from "../base/time.js";
import { algorithmOf, type WindowedKey } from "../signer/jwk.js";
import { type BundleClaims, type Entitlement, holdsRole, type Principal, personOf } from "../trust/claims.js";
import type { GrantClaims } from "./claims.js";
import { approvalHeader, kidOf, payloadOf } from "./message.js";
import { type Approver, candidates, missingSeats } from "./quorum.js";

export interface KeyHolder {
  readonly principal: Principal;
  readonly key: WindowedKey;
}

/** The principal who owns that key, and the key. */
export function holderOf(claims: BundleClaims, kid: string): KeyHolder | undefined {
  for (const principal of claims.principals) {
    const key = principal.keys.find((candidate) => candidate.kid === kid);
    if (key !== undefined) return { principal, key };
  }
  return undefined;
}

async function verifies(compact: string, key: WindowedKey): Promise<boolean> {
  const alg = algorithmOf(key);
  const { nbf: _nbf, exp: _exp, ...jwk } = key;
  try {
    await compactVerify(compact, await importJWK({ ...jwk, alg }, alg), { algorithms: [alg] });
    return true;
  } catch {
    return false;
  }
}

/** The signer of an ask or grant, proven; throws when unknown or when the signature does not hold. */
export async function provenSigner(text: string, claims: BundleClaims, what: string): Promise<KeyHolder> {
  const holder = holderOf(claims, kidOf(text));
  if (holder === undefined) {
    throw new UserError(`${what} is signed by a key that is not in the trust bundle.`, {
      hint: "Do you have the newest bundle? `glassgate bundle show` lists its keys.",
    });
  }
  if (!(await verifies(text.split("~")[0] ?? "", holder.key))) {
    throw new UserError(
      `${what} was changed after it was signed: the signature of ${holder.principal.id} does not hold.`,
      {
        hint: "Do not approve it. Ask the requester over another channel.",
      },
    );
  }
  return holder;
}

/** The entitlement of the claims, with what the gateway would refuse about the asking itself. */
export function entitlementFor(
  claims: GrantClaims,
  bundle: BundleClaims,
  requester: Principal,
  now: number,
): { entitlement: Entitlement; faults: string[] } {
  const entitlement = bundle.entitlements.find(({ id }) => id === claims.ent);
  if (entitlement === undefined) {
    throw new UserError(`The entitlement ${claims.ent} is not in the trust bundle.`, {
      hint: `There are: ${bundle.entitlements.map(({ id }) => id).join(", ") || "none"}.`,
    });
  }
  const faults: string[] = [];
  if (requester.id !== claims.sub) faults.push(`it names ${claims.sub} and is signed by ${requester.id}`);
  if (!entitlement.requesters.some((role) => holdsRole(requester, role, now))) {
    faults.push(`${requester.id} holds none of the roles that may ask: ${entitlement.requesters.join(", ")}`);
  }
  if ((entitlement.drill ?? false) !== (claims.drill !== undefined)) {
    faults.push(
      entitlement.drill === true
        ? "this entitlement is for drills: give --drill"
        : "this entitlement is not for drills",
    );
  }
  if (!entitlement.reasons.includes(claims.reason))
    faults.push(`the reason ${claims.reason} is not one of ${entitlement.reasons.join(", ")}`);
  if (entitlement.require?.includes("incident") === true && claims.incident === undefined)
    faults.push("it needs an incident: give --incident");
  if (claims.exp - claims.iat > entitlement.max_ttl)
    faults.push(`it lives ${claims.exp - claims.iat} seconds; the entitlement allows ${entitlement.max_ttl}`);
  if (claims.exp <= now) faults.push(`it expired at ${showTime(claims.exp)}`);
  return { entitlement, faults };
}

async function proveApproval(approval: string, ask: string, bundle: BundleClaims): Promise<Approver> {
  const { kid, iat } = approvalHeader(approval);
  const holder = holderOf(bundle, kid);
  if (holder === undefined)
    throw new UserError(`An approval is signed by a key that is not in the trust bundle (${kid}).`);
  if (!(await verifies(approval.replace("..", `.${payloadOf(ask)}.`), holder.key))) {
    throw new UserError(`The approval by ${holder.principal.id} belongs to another ask.`, {
      hint: "Have this very ask approved.",
    });
  }
  return { principal: holder.principal, iat };
}

/** What is still missing before the gateway would accept; empty when nothing is. */
export async function missingApprovals(
  ask: string,
  approvals: readonly string[],
  bundle: BundleClaims,
  requester: Principal,
  entitlement: Entitlement,
  now: number,
): Promise<string[]> {
  const approvers: Approver[] = [];
  for (const approval of approvals) {
    const approver = await proveApproval(approval, ask, bundle);
    const person = personOf(approver.principal);
    if (person === personOf(requester)) {
      throw new UserError(
        `The approval by ${approver.principal.id} is the requester's own: both accounts are ${person}.`,
        { hint: "Somebody else must approve." },
      );
    }
    if (approvers.some(({ principal }) => personOf(principal) === person)) {
      throw new UserError(`${person} approved twice.`, { hint: "Leave one of the two approvals out." });
    }
    approvers.push(approver);
  }
  const excluded = new Set([personOf(requester), ...approvers.map(({ principal }) => personOf(principal))]);
  return missingSeats(entitlement, approvers, now).map((role) => {
    const people = candidates(bundle, role, excluded, now);
    return `one approval by somebody with the role ${role}: ${people.length === 0 ? "nobody is left who holds it" : people.join(", ")}`;
  });
}
