/**
 * Urgent revocations written again from docs/trust-bundle.md, for a gateway that has seen one configuration only: which texts it could use,
 * which of them count, and what they take away.
 */
import { compactVerify, errors, importJWK } from "jose";
import type { JsonValue } from "./json.js";
import { isObject, type JsonObject } from "./shapes.js";

const asObject = (value: JsonValue | undefined): JsonObject => (isObject(value) ? value : {});
const asList = (value: JsonValue | undefined): JsonValue[] => (Array.isArray(value) ? value : []);
const asString = (value: JsonValue | undefined): string => (typeof value === "string" ? value : "");
const asNumber = (value: JsonValue | undefined, otherwise: number): number =>
  typeof value === "number" ? value : otherwise;
const decoded = (segment: string): JsonObject =>
  asObject(JSON.parse(Buffer.from(segment, "base64url").toString("utf8")));

interface Signer {
  readonly name: string;
  readonly isRoot: boolean;
  readonly jwk: JsonObject;
  /** May sign a text of that moment. */
  readonly mayAt: (time: number) => boolean;
}

interface Text {
  readonly compact: string;
  readonly kid: string;
  readonly claims: JsonObject;
  readonly version: number;
  readonly iat: number;
  readonly signer: Signer | undefined;
}

const holds = (window: JsonObject, time: number): boolean =>
  time >= asNumber(window.nbf, 0) && time < asNumber(window.exp, Number.POSITIVE_INFINITY);

function signersOf(configuration: JsonObject, bundle: JsonObject): Map<string, Signer> {
  const revokers = asList(bundle.revokers);
  const signers = new Map<string, Signer>();
  for (const principal of asList(bundle.principals).map(asObject)) {
    const isRevokerAt = (time: number): boolean =>
      asList(principal.roles).some((role) =>
        typeof role === "string"
          ? revokers.includes(role)
          : revokers.includes(asString(asObject(role).role)) && holds(asObject(role), time),
      );
    for (const jwk of asList(principal.keys).map(asObject))
      signers.set(asString(jwk.kid), {
        name: asString(principal.id),
        isRoot: false,
        jwk,
        mayAt: (time) => isRevokerAt(time) && holds(jwk, time),
      });
  }
  for (const jwk of asList(configuration.roots).map(asObject))
    signers.set(asString(jwk.kid), { name: asString(jwk.kid), isRoot: true, jwk, mayAt: () => true });
  return signers;
}

async function verifies({ compact, signer }: Text): Promise<boolean> {
  if (signer === undefined) return false;
  const { kty, crv, x, y } = signer.jwk;
  const alg = kty === "OKP" ? "Ed25519" : "ES256";
  const jwk = {
    kty: asString(kty),
    crv: asString(crv),
    x: asString(x),
    ...(y === undefined ? {} : { y: asString(y) }),
  };
  try {
    await compactVerify(compact, await importJWK(jwk, alg), { algorithms: [alg, "EdDSA"] });
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error;
  }
}

function readTexts(configuration: JsonObject, bundle: JsonObject): Text[] {
  const given = configuration.revocations;
  const signers = signersOf(configuration, bundle);
  return (typeof given === "string" ? [given] : asList(given).map(asString)).map((compact) => {
    const [head = "", payload = ""] = compact.split(".");
    const kid = asString(decoded(head).kid);
    const claims = decoded(payload);
    const [version, iat] = [asNumber(claims.version, 0), asNumber(claims.iat, 0)];
    return { compact, kid, claims, version, iat, signer: signers.get(kid) };
  });
}

const floorOf = (bundle: JsonObject, name: string): number => asNumber(asObject(bundle.texts)[name], -1);
/** Under the bundle's floor, or of a key that it has revoked. */
const isPassedOver = ({ signer, kid, version }: Text, bundle: JsonObject): boolean =>
  version <= floorOf(bundle, signer?.name ?? kid) || asList(asObject(bundle.revoked).kid).includes(kid);

async function isUsable(text: Text, configuration: JsonObject): Promise<boolean> {
  const { claims, version, iat, signer } = text;
  const audiences = typeof claims.aud === "string" ? [claims.aud] : asList(claims.aud);
  return (
    signer?.mayAt(iat) === true &&
    audiences.includes(asString(configuration.audience)) &&
    version <= iat &&
    (await verifies(text))
  );
}

/** Numbers beyond the moment of signing: wrong whoever signed. */
const isOverdrawn = ({ claims, version, iat }: Text): boolean =>
  version > iat ||
  asList(asObject(claims.revoked).issued_before).some((entry) => asNumber(asObject(entry).at, 0) > iat);

/** Whether a new gateway takes the configuration's texts, which are well-formed. */
export async function areTextsUsable(configuration: JsonObject, bundle: JsonObject): Promise<boolean> {
  const texts = readTexts(configuration, bundle);
  if (texts.some(isOverdrawn)) return false;
  const counted = texts.filter((text) => !isPassedOver(text, bundle));
  const names = counted.map(({ signer, kid }) => signer?.name ?? kid);
  if (new Set(names).size !== names.length) return false;
  for (const text of counted) if (!(await isUsable(text, configuration))) return false;
  return true;
}

/** The bundle's list, and those of the texts that count. */
export function revokedLists(configuration: JsonObject, bundle: JsonObject): JsonObject[] {
  const own = asObject(bundle.revoked);
  const heard = readTexts(configuration, bundle).filter(
    (text) => !isPassedOver(text, bundle) && !asList(own.sub).includes(text.signer?.name ?? ""),
  );
  const ofRoots = heard.filter(({ signer }) => signer?.isRoot);
  const silenced = ofRoots.flatMap(({ claims }) => asList(asObject(claims.revoked).sub));
  const counting = heard.filter(({ signer }) => signer?.isRoot === true || !silenced.includes(signer?.name ?? ""));
  return [own, ...counting.map(({ claims }) => asObject(claims.revoked))];
}

export interface Issued {
  readonly jti: string;
  readonly iat: number;
  readonly incident?: string | undefined;
  /** Of the requester and of each approver. */
  readonly signers: readonly { readonly kid: string; readonly sub: string }[];
}

/** Whether one of the lists takes the grant away. */
export function isRevoked(lists: readonly JsonObject[], { jti, iat, incident, signers }: Issued): boolean {
  const subs = signers.map(({ sub }) => sub);
  return lists.some(
    (list) =>
      asList(list.jti).includes(jti) ||
      (incident !== undefined && asList(list.incident).includes(incident)) ||
      subs.some((sub) => asList(list.sub).includes(sub)) ||
      signers.some(({ kid }) => asList(list.kid).includes(kid)) ||
      asList(list.issued_before)
        .map(asObject)
        .some(({ at, sub }) => iat < asNumber(at, 0) && (sub === undefined || subs.includes(asString(sub)))),
  );
}
