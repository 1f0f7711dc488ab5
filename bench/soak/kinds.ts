/** What is sent, in which share, and how it must be answered. */
import type { Headers, Target } from "../load/client.js";
import { manySources } from "../load/sources.js";
import type { Grants } from "./grants.js";
import type { People } from "./people.js";

export interface Kind {
  readonly name: string;
  /** Requests of this kind in each round of the mix. */
  readonly share: number;
  /** Of its request `i`. */
  readonly headers: (i: number) => Headers;
  readonly target: Target;
  readonly isGrant: boolean;
  /** @param version of the bundle that decides for sure; undefined while another one is being pushed */
  readonly allowed: (version: number | undefined) => readonly number[];
}

/** The gateway answers the path of most requests itself (gateway.ts); this one goes to an upstream. */
const UPSTREAM: Target = { path: "/orders/8" };
/** It fails so often that the filter makes it wait. */
const FLOODING_NETWORK: Headers = { "x-forwarded-for": "198.51.100.7" };
const USUAL: Target = {};

const pick = (list: readonly string[], i: number): string => list[i % list.length] ?? "";
const carrying = (grant: string): Headers => ({ "x-break-glass": grant });
const always = (statuses: readonly number[]) => ({ allowed: () => statuses });

function normal(name: string, share: number, headers: () => Headers, status: number, target = USUAL): Kind {
  return { name: `no grant, ${name}`, share, headers, target, isGrant: false, ...always([status]) };
}

function granted(name: string, share: number, grants: readonly string[], status: number, target = USUAL): Kind {
  return { name, share, headers: (i) => carrying(pick(grants, i)), target, isGrant: true, ...always([status]) };
}
/** Good exactly while the bundle holds its key. From everywhere, as an unknown key is a failure of the network that it comes from. */
function rotating(name: string, parity: number, grants: readonly string[], lane: number): Kind {
  return {
    ...granted(`a key in every ${name} bundle`, 3, grants, 200),
    headers: (i) => ({ ...carrying(pick(grants, i)), ...manySources(i, lane) }),
    allowed: (version) => (version === undefined ? [200, 401] : [version % 2 === parity ? 200 : 401]),
  };
}

function forged(
  name: string,
  share: number,
  grants: readonly string[],
  source: (i: number) => Headers,
  statuses: readonly number[],
): Kind {
  const headers = (i: number): Headers => ({ ...carrying(pick(grants, i)), ...source(i) });
  return { name: `forged: ${name}`, share, headers, target: USUAL, isGrant: true, ...always(statuses) };
}
/** Each from a network of its own, which has not failed before: such a one is never told to wait. */
const fromEverywhere = (
  name: string,
  share: number,
  grants: readonly string[],
  lane: number,
  statuses: readonly number[] = [401],
): Kind => forged(name, share, grants, (i) => manySources(i, lane), statuses);

/** On connections that stay open. */
export function kindsOf(people: People, grants: Grants): readonly Kind[] {
  const bearer = (): Headers => ({ authorization: `Bearer ${people.normalToken}` });
  const { oneEd25519, threeEd25519, oneEs256, threeEs256 } = grants;
  return [
    normal("a normal token", 27, bearer, 200),
    normal("a normal token, to the upstream", 3, bearer, 200, UPSTREAM),
    normal("a normal token, from the flooding network", 3, () => ({ ...bearer(), ...FLOODING_NETWORK }), 200),
    normal("no token", 2, () => ({}), 401),
    granted("cached grants", 18, grants.hot, 200),
    granted("cached grants, to the upstream", 2, grants.hot, 200, UPSTREAM),
    granted("new grants, 1 Ed25519 signature", 5, oneEd25519, 200),
    granted("new grants, 3 Ed25519 signatures", 5, threeEd25519, 200),
    granted("new grants, 1 ES256 signature", 5, oneEs256, 200),
    granted("new grants, 3 ES256 signatures", 5, threeEs256, 200),
    rotating("even", 0, grants.even, 4),
    rotating("odd", 1, grants.odd, 5),
    fromEverywhere("a requester's signature", 4, grants.badSignature, 0),
    // By few requesters, so some are told to wait.
    fromEverywhere("an approver's signature", 3, grants.badApproval, 1, [401, 429]),
    fromEverywhere("a key that nobody knows", 2, grants.unknownKey, 2),
    fromEverywhere("garbage", 2, grants.garbage, 3),
    forged("from the flooding network", 3, grants.badSignature, () => FLOODING_NETWORK, [401, 429]),
    granted("bad scope: path", 1, oneEd25519, 403, { path: "/customers/7" }),
    granted("bad scope: method", 1, oneEs256, 403, { method: "DELETE" }),
    granted("bad scope: host", 1, threeEd25519, 403, { host: "other.example.com" }),
  ];
}

/** Envoy closes an HTTP/1.1 connection behind its 400, so each of these has one of its own. */
export function singleKindsOf(grants: Grants): readonly Kind[] {
  return [
    granted("larger than a grant may be", 1, grants.tooLarge, 400),
    granted("an ambiguous path", 1, grants.oneEd25519, 400, { path: "/orders/7;a" }),
  ];
}

/** The verdicts that these can bring about. */
export const POSSIBLE_VERDICTS: ReadonlySet<string> = new Set([
  "allow",
  "approval_signature",
  "busy",
  "key_unknown",
  "malformed",
  "path_ambiguous",
  "scope_host",
  "scope_method",
  "scope_path",
  "signature",
  "too_large",
]);
