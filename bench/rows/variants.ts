/** The rows: what is sent to which listener, and how it must be answered. */
import type { Algorithm } from "../../control/signer/jwk.js";
import type { CallSet } from "../gateway/calls.js";
import { DEMANDED_ENTITLEMENT } from "../gateway/filters.js";
import type { Headers } from "../load/client.js";
import { manySources } from "../load/sources.js";
import type { Tokens } from "../tokens/tokens.js";
import type { Signatures, World } from "../tokens/world.js";

export interface Variant {
  readonly id: string;
  readonly group:
    | "base"
    | "native"
    | "no grant"
    | "direct"
    | "composite"
    | "whole"
    | "restricted"
    | "forged"
    | "calls"
    | "ext_authz";
  readonly name: string;
  readonly listener: string;
  /** Of request `i`, which rises through the whole run. */
  readonly headers: (i: number) => Headers;
  /** The listener of the "no filter" beside it. Default: the plain one. */
  readonly baseListener?: "none" | "tlsNone";
  /** Headers that the "no filter" request beside it carries as well. */
  readonly baseHeaders?: (i: number) => Headers;
  /** Every answer must be one of these. */
  readonly statuses: readonly number[];
  /** How many times the requests of other rows a sample has: more where little is to be told from nothing. Default 1. */
  readonly weight?: number;
}

export const CHEAP_WEIGHT = 4;
/** Where two rows of a few microseconds each are compared. */
export const CHEAPEST_WEIGHT = 12;

const pick = (list: readonly string[], i: number): string => list[i % list.length] ?? "";
const nothing = (): Headers => ({});
const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });
const grant = (text: string): Headers => ({ "x-break-glass": text });
const lane =
  (number: number) =>
  (i: number): Headers =>
    manySources(i, number);
const oneSource = (): Headers => ({ "x-forwarded-for": "198.51.100.7" });

/** The listener: the filter alone in the chain, alone behind the match on the header, or the whole of envoy.yaml. */
type Place = "direct" | "composite" | "whole";
const idAt = (place: Place, id: string): string => (place === "direct" ? id : `${place}-${id}`);

function fresh(place: Place, tokens: Tokens, algorithm: Algorithm, signatures: Signatures): Variant {
  return {
    id: idAt(place, `fresh-${algorithm}-${signatures}`),
    group: place,
    name: `new grants, ${signatures} ${algorithm} signature${signatures === 1 ? "" : "s"}`,
    listener: place,
    headers: (i) => grant(pick(tokens.grants[algorithm][signatures], i)),
    statuses: [200],
  };
}

function cached(place: Place, grant: Headers): Variant {
  return {
    id: idAt(place, "cached"),
    weight: CHEAP_WEIGHT,
    group: place,
    name: "same grant again, 3 signatures (cached)",
    listener: place,
    headers: () => grant,
    statuses: [200],
  };
}

function forged(id: string, name: string, list: readonly string[], source: (i: number) => Headers): Variant {
  return {
    id,
    group: "forged",
    name,
    listener: "whole",
    headers: (i) => ({ ...grant(pick(list, i)), ...source(i) }),
    baseHeaders: source,
    statuses: [401, 429],
  };
}

function external(id: string, name: string, headers: (i: number) => Headers): Variant {
  return {
    id: `authz-${id}`,
    group: "ext_authz",
    name: `ext_authz, ${name}`,
    listener: "authz",
    headers,
    statuses: [200],
  };
}

/** Without "no filter" itself, which runs beside each of them. */
export function variantsOf(world: World, tokens: Tokens, calls: readonly CallSet[]): readonly Variant[] {
  const { jwt, grants } = tokens;
  const same = grants.Ed25519[3][0] ?? "";
  const worker = tokens.worker({ ...world.claims(1), ent: DEMANDED_ENTITLEMENT });
  return [
    {
      id: "null",
      weight: CHEAPEST_WEIGHT,
      group: "base",
      name: "no filter once more: what the method takes for a difference",
      listener: "none",
      headers: nothing,
      statuses: [200],
    },
    {
      id: "carrying",
      weight: CHEAP_WEIGHT,
      group: "base",
      name: "no filter, the request carries a grant of 3 signatures",
      listener: "none",
      headers: (i) => grant(pick(grants.Ed25519[3], i)),
      statuses: [200],
    },
    {
      id: "jwt-eddsa",
      group: "native",
      name: "jwt_authn, EdDSA, new tokens",
      listener: "jwt",
      headers: (i) => bearer(pick(jwt.Ed25519, i)),
      statuses: [200],
    },
    {
      id: "jwt-es256",
      group: "native",
      name: "jwt_authn, ES256, new tokens",
      listener: "jwt",
      headers: (i) => bearer(pick(jwt.ES256, i)),
      statuses: [200],
    },
    {
      id: "jwt-cached",
      weight: CHEAP_WEIGHT,
      group: "native",
      name: "jwt_authn with its cache, same token",
      listener: "jwtCached",
      headers: () => bearer(pick(jwt.Ed25519, 0)),
      statuses: [200],
    },
    {
      id: "native-work",
      weight: CHEAP_WEIGHT,
      group: "native",
      name: "the same work: cached jwt_authn, RBAC, claims logged",
      listener: "nativeWork",
      headers: () => bearer(worker),
      statuses: [200],
    },
    {
      id: "jwt-optional",
      weight: CHEAPEST_WEIGHT,
      group: "native",
      name: "jwt_authn, no token, none needed",
      listener: "jwtOptional",
      headers: nothing,
      statuses: [200],
    },
    {
      id: "jwt-none",
      weight: CHEAPEST_WEIGHT,
      group: "native",
      name: "jwt_authn, no token (401)",
      listener: "jwt",
      headers: nothing,
      statuses: [401],
    },
    {
      id: "thin",
      weight: CHEAPEST_WEIGHT,
      group: "no grant",
      name: "thin filter: called, does nothing",
      listener: "thin",
      headers: nothing,
      statuses: [200],
    },
    {
      id: "composite-no-grant",
      weight: CHEAPEST_WEIGHT,
      group: "no grant",
      name: "glassgate behind the match, no grant",
      listener: "composite",
      headers: nothing,
      statuses: [200],
    },
    {
      id: "no-grant",
      weight: CHEAPEST_WEIGHT,
      group: "no grant",
      name: "glassgate directly in the chain, no grant",
      listener: "direct",
      headers: nothing,
      statuses: [200],
    },
    {
      id: "normal-caller",
      group: "no grant",
      name: "whole envoy.yaml, no grant, new EdDSA token",
      listener: "whole",
      headers: (i) => bearer(pick(jwt.Ed25519, i)),
      statuses: [200],
    },
    cached("direct", grant(same)),
    ...(["Ed25519", "ES256"] as const).flatMap((algorithm) =>
      ([1, 2, 3] as const).map((signatures) => fresh("direct", tokens, algorithm, signatures)),
    ),
    cached("composite", grant(same)),
    fresh("composite", tokens, "Ed25519", 1),
    fresh("composite", tokens, "Ed25519", 3),
    cached("whole", grant(same)),
    fresh("whole", tokens, "Ed25519", 1),
    fresh("whole", tokens, "Ed25519", 3),
    forged("garbage", "garbage, no JWS", tokens.garbage, lane(0)),
    forged("unknown", "a key that nobody knows", tokens.unknown, lane(1)),
    forged("wrong-signature", "wrong signature, many networks", tokens.wrongSignature, lane(2)),
    forged("wrong-signature-one", "wrong signature, one network", tokens.wrongSignature, oneSource),
    forged("wrong-approval", "wrong third signature, many requesters", tokens.wrongApproval, lane(3)),
    forged("wrong-approval-one", "wrong third signature, one requester", tokens.wrongApprovalOfOne, lane(4)),
    ...calls.map(
      ({ id, name, headers }): Variant => ({
        id,
        weight: CHEAP_WEIGHT,
        group: "calls",
        name,
        listener: id,
        headers: () => headers,
        statuses: [200],
      }),
    ),
    external("cached", "same grant again (cached)", () => grant(same)),
    external("1", "new grants, 1 Ed25519 signature", (i) => grant(pick(grants.Ed25519[1], i))),
    external("3", "new grants, 3 Ed25519 signatures", (i) => grant(pick(grants.Ed25519[3], i))),
  ];
}
