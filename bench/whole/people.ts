/** Who is on the roster: enough people to revoke one now and then, two kinds of approvers, and an insider. */
import { newKey, publicPart } from "../../control/signer/jwk.js";
import type { Json } from "../../test/kit/world.js";
import type { Person } from "./plan.js";

const REQUESTERS = 48;
const APPROVERS = 4;
const MAX_TTL = 3600;

export interface People {
  readonly requesters: readonly Person[];
  readonly leads: readonly Person[];
  readonly securities: readonly Person[];
  readonly insider: Person;
}

const crowd = (name: string, count: number): Person[] =>
  Array.from({ length: count }, (_, i) => ({ id: `${name}-${i + 1}`, key: newKey("Ed25519") }));

export const makePeople = (): People => ({
  requesters: crowd("requester", REQUESTERS),
  leads: crowd("chief", APPROVERS),
  securities: crowd("guardian", APPROVERS),
  insider: { id: "mallory", key: newKey("Ed25519") },
});

/** As principals of a bundle. */
export function principalsOf({ requesters, leads, securities, insider }: People): Json[] {
  const holding =
    (role: string) =>
    ({ id, key }: Person): Json => ({ id, roles: [role], keys: [publicPart(key)] });
  return [
    ...[...requesters, insider].map(holding("oncall")),
    ...leads.map(holding("lead")),
    ...securities.map(holding("security")),
  ];
}

/** The entitlement that all ask for. */
export const MORE_OF_ENTITLEMENT: Json = { max_ttl: MAX_TTL };
