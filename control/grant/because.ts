/** A denial in words: the filter's verdict, its sentence, and what of the bundle or the ask is behind it. */
import { UserError } from "../base/errors.js";
import { nearest, visible } from "../base/text.js";
import { showDuration, showTime } from "../base/time.js";
import { verdicts } from "../base/verdicts.gen.js";
import { type BundleClaims, type Entitlement, type Principal, personOf } from "../trust/claims.js";
import type { AskClaims } from "./ask.js";
import type { KeyHolder } from "./check.js";
import { isWholeFamily } from "./networks.js";
import type { Denial } from "./stage.js";

export interface Circumstances {
  readonly claims: AskClaims;
  readonly bundle: BundleClaims;
  readonly requester: KeyHolder;
  readonly approvers: readonly KeyHolder[];
  /** When the approvals made the quorum, where they do. */
  readonly began?: number | undefined;
  readonly now: number;
}

export const entitlementOf = ({ claims, bundle }: Pick<Circumstances, "claims" | "bundle">): Entitlement | undefined =>
  bundle.entitlements.find(({ id }) => id === claims.ent);

function revokedNames({ claims, bundle: { revoked }, requester, approvers }: Circumstances): string[] {
  const holders = [requester, ...approvers];
  return [
    ...(revoked?.jti?.includes(claims.jti) === true ? ["this very grant is revoked"] : []),
    ...(claims.incident !== undefined && revoked?.incident?.includes(claims.incident) === true
      ? [`the incident ${visible(claims.incident)} is revoked`]
      : []),
    ...holders
      .filter(({ principal }) => revoked?.sub?.includes(principal.id))
      .map((one) => `${one.principal.id} is revoked`),
    ...holders
      .filter(({ key }) => revoked?.kid?.includes(key.kid))
      .map((one) => `a key of ${one.principal.id} is revoked`),
  ];
}

function windowsOf({ requester, approvers, now }: Circumstances): string[] {
  return [requester, ...approvers].flatMap(({ principal, key: { nbf, exp } }) => [
    ...(nbf !== undefined && now < nbf ? [`the key of ${principal.id} begins at ${showTime(nbf)}`] : []),
    ...(exp !== undefined && now >= exp ? [`the key of ${principal.id} ended at ${showTime(exp)}`] : []),
  ]);
}

function requesterFault(circumstances: Circumstances, entitlement: Entitlement): string {
  const { claims, requester } = circumstances;
  const isDrill = entitlement.drill ?? false;
  if (isDrill !== (claims.drill !== undefined))
    return isDrill ? "this entitlement is for drills: ask with --drill" : "this entitlement is not for drills";
  return `${requester.principal.id} holds none of the roles that may ask now: ${entitlement.requesters.join(", ")}`;
}

function namedTwice({ requester, approvers }: Circumstances): string[] {
  const own = personOf(requester.principal);
  const persons = approvers.map(({ principal }) => personOf(principal));
  const show = ({ id, person }: Principal): string =>
    person === undefined || person === id ? id : `${id} (${person})`;
  return approvers
    .filter(({ principal }, i) => personOf(principal) === own || persons.indexOf(personOf(principal)) !== i)
    .map(({ principal }) => `the approval by ${show(principal)}`);
}

function unknownName(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  const guess = near === undefined ? "" : `did you mean ${near}? `;
  return `there is no ${visible(name)}; ${guess}there are: ${known.join(", ") || "none"}`;
}

function lifeFault({ iat, exp }: AskClaims, { max_ttl: life, max_wait: wait = 0 }: Entitlement): string {
  const more = wait === 0 ? "" : `, and ${showDuration(wait)} more for gathering approvals`;
  return `it lives ${showDuration(exp - iat)}; at most ${showDuration(life)}${more}`;
}

/** Which of the claims that the entitlement demands are not there, and by which option each is given. */
function missingClaims({ incident, cnf, net }: AskClaims, { require = [] }: Entitlement): string[] {
  return require.flatMap((name) => {
    if (name === "incident") return incident === undefined ? ["it names no incident: ask with --incident"] : [];
    if (name === "cnf") return cnf === undefined ? ["it is bound to no key: ask with --bind or --bind-cert"] : [];
    if (net === undefined) return ["it names no network: ask with --net"];
    return net.filter(isWholeFamily).map((network) => `the network ${visible(network)} is no restriction`);
  });
}

/** What is behind the verdict, where the bundle and the ask tell. */
function behind({ verdict, requests }: Denial, circumstances: Circumstances): readonly string[] {
  const { claims, bundle } = circumstances;
  const entitlement = entitlementOf(circumstances);
  switch (verdict) {
    case "revoked":
      return revokedNames(circumstances);
    case "key_not_valid":
      return windowsOf(circumstances);
    case "bundle_expired":
      return [`the bundle holds from ${showTime(bundle.iat)} to ${showTime(bundle.exp)}`];
    case "audience":
      return [`it is for ${claims.aud.map(visible).join(", ")}`];
    case "entitlement_unknown":
      return [
        unknownName(
          claims.ent,
          bundle.entitlements.map(({ id }) => id),
        ),
      ];
    case "requester":
      return entitlement === undefined ? [] : [requesterFault(circumstances, entitlement)];
    case "reason":
      return entitlement === undefined ? [] : [unknownName(claims.reason, entitlement.reasons)];
    case "ttl":
      return entitlement === undefined ? [] : [lifeFault(claims, entitlement)];
    case "claim_required":
      return entitlement === undefined ? [] : missingClaims(claims, entitlement);
    case "expired":
      return entitlement === undefined || circumstances.began === undefined || claims.exp <= circumstances.now
        ? []
        : [
            `its approvals were there at ${showTime(circumstances.began)}, and it lives ${showDuration(entitlement.max_ttl)} from then`,
          ];
    case "key_owner":
      return [`it names ${visible(claims.sub)} and is signed by ${circumstances.requester.principal.id}`];
    case "self_approval":
    case "duplicate_approval":
      return namedTwice(circumstances);
    default:
      return requests.map(visible);
  }
}

/** `revoked: The grant, ... was revoked (bob is revoked)`. */
export function because(denial: Denial, circumstances: Circumstances): string {
  const why = behind(denial, circumstances);
  return `${denial.verdict}: ${verdicts[denial.verdict].title}${why.length === 0 ? "" : ` (${why.join("; ")})`}`;
}

/** @param intro what the verdict means for the person: "The gateway would deny this" */
export function denied(intro: string, denial: Denial, circumstances: Circumstances): UserError {
  return new UserError(`${intro}: ${because(denial, circumstances)}.`, {
    hint: verdicts[denial.verdict].operator,
    exitCode: 1,
  });
}
