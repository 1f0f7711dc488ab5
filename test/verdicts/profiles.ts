/** The cases, grouped by the configuration that they run under. */
import { newSigner } from "../kit/token.js";
import type { Case, Profile } from "./case.js";
import { grantCases } from "./grants.js";
import { restrictions } from "./restrictions.js";
import { ambiguousBeforeAll, scopeCases } from "./scopes.js";

const any = (verdict: string, name = "a good grant"): Case => ({ name, verdict, grant: (w) => w.grant() });

/** Before the requester's signature holds, nobody hears that a grant of that name was taken back. */
const revokedAndUnproven: Case = {
  name: "by jti, a stranger's",
  verdict: "key_unknown",
  told: "signature",
  grant: (w) => w.alone({ by: w.stranger, claims: { jti: "revoked-grant-id-1" } }),
};

export const enforceProfiles: readonly Profile[] = [
  {
    name: "standard",
    configuration: (w) => w.configuration(),
    cases: [...grantCases, ...scopeCases, ambiguousBeforeAll],
  },
  restrictions,
  {
    name: "no bundle",
    configuration: (w) => w.configuration({ bundle: null }),
    cases: [
      any("no_trust"),
      { name: "nonsense", verdict: "no_trust", grant: () => "x" },
      { name: "two headers", verdict: "duplicate_header", grant: () => ["a", "b"] },
    ],
  },
  {
    name: "an expired bundle",
    configuration: (w) => w.configuration({ bundle: w.bundleClaims({ iat: w.now - 100, exp: w.now - 1 }) }),
    // What grant, clock and anchors say alone comes before it; whatever the roster would say does not.
    cases: [
      any("bundle_expired"),
      { name: "nonsense", verdict: "malformed", grant: () => "x" },
      {
        name: "an expired grant",
        verdict: "expired",
        grant: (w) => w.alone({ claims: { iat: w.now - 9, exp: w.now } }),
      },
      { name: "for another audience", verdict: "audience", grant: (w) => w.alone({ claims: { aud: "other" } }) },
      { name: "by a key of nobody", verdict: "bundle_expired", grant: (w) => w.alone({ by: w.stranger }) },
      { name: "without its approvals", verdict: "bundle_expired", grant: (w) => w.grant({ approvals: [] }) },
    ],
  },
  {
    name: "a bundle from the future",
    configuration: (w) => w.configuration({ bundle: w.bundleClaims({ iat: w.now + 3000, exp: w.now + 4000 }) }),
    cases: [any("bundle_expired")],
  },
  {
    name: "revocations",
    configuration: (w) =>
      w.configuration({
        bundle: w.bundleClaims({
          revoked: {
            jti: ["revoked-grant-id-1"],
            sub: ["alex"],
            kid: [w.adam.kid, w.rita2.kid],
            incident: ["INC-666"],
          },
        }),
      }),
    cases: [
      { name: "by jti", verdict: "revoked", grant: (w) => w.alone({ claims: { jti: "revoked-grant-id-1" } }) },
      { name: "by the requester's kid", verdict: "revoked", grant: (w) => w.alone({ by: w.rita2 }) },
      { name: "by an approver's kid", verdict: "revoked", grant: (w) => w.grant() },
      {
        name: "by an approver's sub",
        verdict: "revoked",
        grant: (w) => w.grant({ approvals: [{ by: w.alex }, { by: w.anna }] }),
      },
      { name: "by incident", verdict: "revoked", grant: (w) => w.alone({ claims: { incident: "INC-666" } }) },
      {
        name: "the approver's other key is not revoked",
        verdict: "allow",
        grant: (w) => w.grant({ approvals: [{ by: w.adam2 }, { by: w.anna }] }),
      },
      {
        name: "by jti, and expired",
        verdict: "expired",
        grant: (w) => w.alone({ claims: { jti: "revoked-grant-id-1", iat: w.now - 9, exp: w.now } }),
      },
      {
        name: "by jti, out of scope",
        verdict: "revoked",
        grant: (w) => w.alone({ claims: { jti: "revoked-grant-id-1" } }),
        request: { path: "/customers/7" },
      },
      {
        name: "by an approver's kid, whose signature is forged",
        verdict: "revoked",
        grant: (w) => w.grant({ approvals: [{ by: newSigner("ES256"), header: { kid: w.adam.kid } }, { by: w.anna }] }),
      },
      {
        name: "by jti, with another principal's key and for an unknown entitlement",
        verdict: "revoked",
        grant: (w) => w.alone({ by: w.anna, claims: { jti: "revoked-grant-id-1", ent: "nope" } }),
      },
      {
        name: "by jti, a quorum short",
        verdict: "revoked",
        grant: (w) => w.grant({ claims: { jti: "revoked-grant-id-1" }, approvals: [] }),
      },
      {
        name: "by jti, expired",
        verdict: "expired",
        grant: (w) => w.alone({ claims: { jti: "revoked-grant-id-1", iat: w.now - 100, exp: w.now - 1 } }),
      },
      {
        name: "by incident, with an unknown approver",
        verdict: "revoked",
        grant: (w) => w.grant({ claims: { incident: "INC-666" }, approvals: [{ by: w.stranger }] }),
      },
      revokedAndUnproven,
      { name: "another incident", verdict: "allow", grant: (w) => w.alone({ claims: { incident: "INC-667" } }) },
    ],
  },
  {
    name: "a revoked requester",
    configuration: (w) => w.configuration({ bundle: w.bundleClaims({ revoked: { sub: ["rita"] } }) }),
    cases: [
      { name: "by his sub", verdict: "revoked", grant: (w) => w.alone() },
      { name: "by his sub, with his other key", verdict: "revoked", grant: (w) => w.alone({ by: w.rita2 }) },
    ],
  },
  {
    name: "leeway 0",
    configuration: (w) => w.configuration({ configuration: { leeway: 0 } }),
    cases: [
      {
        name: "iat ahead",
        verdict: "not_yet_valid",
        grant: (w) => w.alone({ claims: { iat: w.now + 600, exp: w.now + 900 } }),
      },
      any("allow"),
    ],
  },
  {
    name: "threshold 1",
    configuration: (w) => w.configuration({ configuration: { threshold: 1 }, signedBy: [w.roots[1]] }),
    cases: [any("allow")],
  },
];

/** Decided and recorded, never enforced. */
export const shadowProfile: Profile = {
  name: "shadow",
  configuration: (w) => w.configuration({ configuration: { mode: "shadow" } }),
  cases: [
    any("allow"),
    {
      name: "a bad grant",
      verdict: "signature",
      grant: (w) => w.alone({ by: w.stranger, header: { kid: w.rita.kid } }),
    },
    { name: "out of scope", verdict: "scope_path", grant: (w) => w.grant(), request: { path: "/x" } },
  ],
};
