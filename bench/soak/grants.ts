/** Everything that the soak sends in `x-break-glass`, made once. */
import { randomBytes } from "node:crypto";
import type { People } from "./people.js";

/** Of each kind that shall be new. Many more than the filter caches (64 a VM), so that none is found there when its turn comes again. */
const DISTINCT = 600;
/** Few enough to stay in the cache among the new ones. */
const HOT = 6;

const make = (count: number, one: (i: number) => string): string[] => Array.from({ length: count }, (_, i) => one(i));

/** Another character in the last signature: it stays well-formed and does not hold. */
const bend = (grant: string): string => `${grant.slice(0, -10)}${grant.at(-10) === "A" ? "B" : "A"}${grant.slice(-9)}`;

/** The same in the requester's. */
function bendRequester(grant: string): string {
  const [request = "", ...approvals] = grant.split("~");
  return [bend(request), ...approvals].join("~");
}

export type Grants = ReturnType<typeof makeGrants>;

export function makeGrants(people: People) {
  const fresh = {
    oneEd25519: make(DISTINCT, () => people.grant("Ed25519", 1)),
    threeEd25519: make(DISTINCT, () => people.grant("Ed25519", 3)),
    oneEs256: make(DISTINCT, () => people.grant("ES256", 1)),
    threeEs256: make(DISTINCT, () => people.grant("ES256", 3)),
  };
  return {
    ...fresh,
    hot: make(HOT, (i) => people.grant(i % 2 === 0 ? "Ed25519" : "ES256", 3)),
    /** By the key that bundles of even, or of odd versions hold. */
    even: make(HOT, () => people.grantOfRita(0)),
    odd: make(HOT, () => people.grantOfRita(1)),
    badSignature: [
      ...[...fresh.oneEd25519, ...fresh.oneEs256].map(bend),
      ...[...fresh.threeEd25519, ...fresh.threeEs256].map(bendRequester),
    ],
    badApproval: make(DISTINCT, (i) => bend(people.grantOfForger(i))),
    unknownKey: make(DISTINCT, () => people.unknownGrant()),
    garbage: make(DISTINCT, () => randomBytes(600).toString("base64url")),
    tooLarge: ["A".repeat(9000)],
  };
}
