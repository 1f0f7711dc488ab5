/** Are the approvals enough, and who could give what is missing? In words, so that a person at 3 a.m. knows whom to wake. */
import type { WindowedKey } from "../signer/jwk.js";
import { type BundleClaims, type Entitlement, holdsRole, type Principal, personOf } from "../trust/claims.js";

export interface Approver {
  readonly principal: Principal;
  readonly iat: number;
}

/** Each seat's approver, or undefined where none could be found. The assignment is searched, not greedy (Kuhn). */
function assign(
  seats: readonly string[],
  approvers: readonly Approver[],
  may: (approver: Approver, role: string) => boolean,
): (Approver | undefined)[] {
  const seatOf = new Map<Approver, number>();
  const seat = (index: number, tried: Set<Approver>): boolean => {
    const role = seats[index];
    if (role === undefined) return false;
    for (const approver of approvers) {
      if (tried.has(approver) || !may(approver, role)) continue;
      tried.add(approver);
      const held = seatOf.get(approver);
      if (held === undefined || seat(held, tried)) {
        seatOf.set(approver, index);
        return true;
      }
    }
    return false;
  };
  for (const index of seats.keys()) seat(index, new Set());
  const held = new Map([...seatOf].map(([approver, index]) => [index, approver]));
  return seats.map((_, index) => held.get(index));
}

const mayAt =
  (now: number) =>
  ({ principal, iat }: Approver, role: string): boolean =>
    holdsRole(principal, role, now) && holdsRole(principal, role, iat);

const seatsOf = (entitlement: Entitlement): string[] =>
  entitlement.approvals.flatMap(({ role, count }) => Array.from({ length: count }, () => role));

/** Roles that no approver could be found for, one entry a seat. */
export function missingSeats(entitlement: Entitlement, approvers: readonly Approver[], now: number): string[] {
  const seats = seatsOf(entitlement);
  const held = assign(seats, approvers, mayAt(now));
  return seats.filter((_, index) => held[index] === undefined);
}

/**
 * When the life of a grant begins: at the earliest moment at which these approvals make the quorum, or at the ask where none is
 * needed. Undefined while they do not.
 */
export function beganAt(
  entitlement: Entitlement,
  asked: number,
  approvers: readonly Approver[],
  now: number,
): number | undefined {
  if (entitlement.approvals.length === 0) return asked;
  const moments = approvers.map(({ iat }) => iat).sort((a, b) => a - b);
  return moments.find((moment) => {
    const soFar = approvers.filter(({ iat }) => iat <= moment);
    return missingSeats(entitlement, soFar, now).length === 0;
  });
}

/** A role that approvals are still missing for. */
export interface Need {
  readonly role: string;
  readonly count: number;
  /** Who could give one now, each another person. */
  readonly people: readonly string[];
}

/** What is missing beside the approvals given, and who could give it now. */
export function needs(
  claims: BundleClaims,
  entitlement: Entitlement,
  given: readonly Approver[],
  requester: Principal,
  now: number,
): Need[] {
  const missing = missingSeats(entitlement, given, now);
  const excluded = new Set([personOf(requester), ...given.map(({ principal }) => personOf(principal))]);
  return [...new Set(missing)].map((role) => ({
    role,
    count: missing.filter((other) => other === role).length,
    people: candidates(claims, role, excluded, now).map(({ id }) => id),
  }));
}

/** As many as one can call in a night. */
const MAX_NAMES = 20;

/** `1 of lead: adam, alex`. */
export function showNeed({ role, count, people }: Need): string {
  const others = people.length > MAX_NAMES ? ` and ${people.length - MAX_NAMES} others` : "";
  const names = people.length === 0 ? "nobody can approve as that now" : people.slice(0, MAX_NAMES).join(", ");
  return `${count} of ${role}: ${names}${others}`;
}

/** A key with which the principal could sign now, the longest-lived one. */
export function keyAt(principal: Principal, claims: BundleClaims, now: number): WindowedKey | undefined {
  const gone = claims.revoked?.kid ?? [];
  return principal.keys
    .filter(({ kid, nbf, exp }) => !gone.includes(kid) && now >= (nbf ?? 0) && now < (exp ?? Number.POSITIVE_INFINITY))
    .sort((a, b) => (b.exp ?? Number.MAX_SAFE_INTEGER) - (a.exp ?? Number.MAX_SAFE_INTEGER))[0];
}

/** Who could approve in that role now: other persons than `excluded`, with a key that holds, and not revoked. */
export function candidates(
  claims: BundleClaims,
  role: string,
  excluded: ReadonlySet<string>,
  now: number,
): Principal[] {
  const gone = claims.revoked?.sub ?? [];
  return claims.principals.filter(
    (principal) =>
      holdsRole(principal, role, now) &&
      !excluded.has(personOf(principal)) &&
      !gone.includes(principal.id) &&
      keyAt(principal, claims, now) !== undefined,
  );
}

/**
 * People who, beside those in `given`, could make the quorum now; as many as there are, when there are too few.
 * One principal a person: of a person's two accounts the one that fits.
 */
export function couldApprove(
  claims: BundleClaims,
  entitlement: Entitlement,
  given: readonly Approver[],
  requester: Principal,
  now: number,
): Principal[] {
  const roles = new Set(entitlement.approvals.map(({ role }) => role));
  const excluded = new Set([personOf(requester), ...given.map(({ principal }) => personOf(principal))]);
  const free = new Set([...roles].flatMap((role) => candidates(claims, role, excluded, now)));
  const accounts = new Map<string, Principal[]>();
  for (const account of free) accounts.set(personOf(account), [...(accounts.get(personOf(account)) ?? []), account]);
  // A person stands for all accounts while seats are assigned; then the account with the seat's role is taken.
  const people = [...accounts.values()].map((all): Approver => ({ principal: merged(all), iat: now }));
  const seats = seatsOf(entitlement);
  const held = assign(seats, [...given, ...people], mayAt(now));
  return seats.flatMap((role, index) => {
    const approver = held[index];
    if (approver === undefined || given.includes(approver)) return [];
    const account = accounts.get(personOf(approver.principal))?.find((one) => holdsRole(one, role, now));
    return account === undefined ? [] : [account];
  });
}

function merged(accounts: readonly Principal[]): Principal {
  const [first] = accounts;
  if (first === undefined) throw new Error("a person has an account");
  return { ...first, person: personOf(first), roles: accounts.flatMap(({ roles }) => roles) };
}
