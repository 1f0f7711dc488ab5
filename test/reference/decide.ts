/**
 * The decision written again from docs/request.md, slow and obvious, sharing nothing with the filter: strict JSON on top of
 * JSON.parse, signatures by `jose`. The bundle is taken as good: what the filter refuses at load is tested elsewhere.
 */
import { compactVerify, errors, importJWK } from "jose";
import { type JsonValue, NotStrictJson } from "./json.js";
import { addressOf, isIn } from "./networks.js";
import { referenceProof } from "./proof.js";
import { isRevoked, revokedLists } from "./revocations.js";
import { isAmbiguous, judgeScope, type ReferenceRequest } from "./scope.js";
import {
  type Claims,
  decodeSegment,
  type Header,
  isObject,
  type JsonObject,
  Malformed,
  readClaims,
  readDetails,
  readHeader,
} from "./shapes.js";

export interface ReferenceInput {
  /** The plugin configuration's text, with a good bundle or none. */
  readonly configuration: string;
  /** Each `x-break-glass` line. */
  readonly grants: readonly string[];
  readonly request: ReferenceRequest;
  /** Seconds since 1970. */
  readonly now: number;
}

interface Key {
  readonly jwk: JsonObject;
  readonly alg: string;
  readonly nbf: number;
  readonly exp: number;
  readonly principal: Principal;
}
interface Role {
  readonly role: string;
  readonly nbf: number;
  readonly exp: number;
}
interface Principal {
  readonly id: string;
  readonly person: string;
  readonly roles: Role[];
}
interface Approval {
  readonly header: Header;
  readonly text: string;
}

const asObject = (value: JsonValue | undefined): JsonObject => (isObject(value) ? value : {});
const asList = (value: JsonValue | undefined): JsonValue[] => (Array.isArray(value) ? value : []);
const asString = (value: JsonValue | undefined): string => (typeof value === "string" ? value : "");
const asNumber = (value: JsonValue | undefined, otherwise: number): number =>
  typeof value === "number" ? value : otherwise;
const parse = (text: string): JsonObject => asObject(JSON.parse(text));

/** What was read last, as most questions are asked under the same configuration. */
let last: (Configured & { readonly text: string }) | undefined;

interface Configured {
  readonly configuration: JsonObject;
  readonly bundle: JsonObject;
  readonly keys: ReadonlyMap<string, Key>;
}

function readConfiguration(text: string): Configured {
  if (last?.text === text) return last;
  const configuration = parse(text);
  const payload = asString(configuration.bundle).split(".")[1] ?? "";
  const bundle = payload === "" ? {} : parse(Buffer.from(payload, "base64url").toString("utf8"));
  last = { text, configuration, bundle, keys: keysOf(bundle) };
  return last;
}

function keysOf(bundle: JsonObject): Map<string, Key> {
  const keys = new Map<string, Key>();
  for (const entry of asList(bundle.principals).map(asObject)) {
    const principal: Principal = {
      id: asString(entry.id),
      person: asString(entry.person ?? entry.id),
      roles: asList(entry.roles).map((role) => {
        const {
          role: name,
          nbf,
          exp,
        } = typeof role === "string" ? { role, nbf: 0, exp: Number.POSITIVE_INFINITY } : asObject(role);
        return { role: asString(name), nbf: asNumber(nbf, 0), exp: asNumber(exp, Number.POSITIVE_INFINITY) };
      }),
    };
    for (const jwk of asList(entry.keys).map(asObject)) {
      const { nbf, exp, ...plain } = jwk;
      keys.set(asString(jwk.kid), {
        jwk: plain,
        alg: jwk.kty === "OKP" ? "Ed25519" : "ES256",
        nbf: asNumber(nbf, 0),
        exp: asNumber(exp, Number.POSITIVE_INFINITY),
        principal,
      });
    }
  }
  return keys;
}

/** The answers for the grants of the last few calls, which are asked for again and again: a check takes longer than all the rest. */
const answers = new Map<string, Promise<boolean>>();
const MOST_ANSWERS = 64;

function verifies(compact: string, key: Key): Promise<boolean> {
  const name = `${asString(key.jwk.kid)} ${key.alg} ${compact}`;
  const known = answers.get(name);
  if (known !== undefined) return known;
  if (answers.size >= MOST_ANSWERS) answers.clear();
  const answer = verify(compact, key);
  answers.set(name, answer);
  return answer;
}

async function verify(compact: string, key: Key): Promise<boolean> {
  const { alg: _, ...jwk } = key.jwk;
  try {
    await compactVerify(compact, await importJWK(jwk, key.alg), { algorithms: [key.alg, "EdDSA"] });
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error;
  }
}

const normalised = (alg: string): string => (alg === "EdDSA" ? "Ed25519" : alg);
const isOurs = (alg: string): boolean => ["Ed25519", "ES256"].includes(normalised(alg));
const holds = (window: { nbf: number; exp: number }, at: number): boolean => at >= window.nbf && at < window.exp;
const hasRole = (principal: Principal, role: string, ...at: number[]): boolean =>
  principal.roles.some((held) => held.role === role && at.every((time) => holds(held, time)));

interface Approver {
  readonly principal: Principal;
  readonly iat: number;
}

/** The first moment of an approval at which all approvals up to then can fill the seats; undefined when there is none. */
function quorumAt(seats: readonly string[], approvers: readonly Approver[], now: number): number | undefined {
  return approvers
    .map(({ iat }) => iat)
    .sort((a, b) => a - b)
    .find((moment) =>
      canSeat(
        seats,
        approvers.filter(({ iat }) => iat <= moment),
        now,
      ),
    );
}

/** What the entitlement demands of the claims, and the grant lacks. A network of a whole family is none. */
function lacksClaim({ incident, cnf, net }: Claims, require: readonly JsonValue[]): boolean {
  const isNarrow = net?.every(({ prefix }) => prefix > 0) ?? false;
  return require.some((name) =>
    name === "incident" ? incident === undefined : name === "cnf" ? cnf === undefined : !isNarrow,
  );
}

/** The key that the request shows against the one that the grant is bound to. */
async function judgeBinding({ cnf }: Claims, { request, grants, now }: ReferenceInput): Promise<string> {
  const { certificate, proofs = [], used } = request;
  if (cnf === undefined) return "allow";
  if (cnf.method === "jkt")
    return referenceProof(proofs, cnf.thumbprint.toString("base64url"), grants[0] ?? "", request, now, used);
  if (certificate === undefined) return "binding_missing";
  return certificate === cnf.thumbprint.toString("hex") ? "allow" : "binding_mismatch";
}

/** Every way to give each seat another approver, tried one after the other. */
function canSeat(seats: readonly string[], approvers: readonly Approver[], now: number): boolean {
  const [role, ...rest] = seats;
  if (role === undefined) return true;
  return approvers.some(
    (approver, i) =>
      hasRole(approver.principal, role, now, approver.iat) && canSeat(rest, approvers.toSpliced(i, 1), now),
  );
}

function readGrant(text: string): {
  header: Header;
  claims: Claims;
  approvals: Approval[];
  request: string;
  payload: string;
} {
  const [request = "", ...rest] = text.split("~");
  const parts = request.split(".");
  const [head = "", payload = "", signature = ""] = parts;
  if (parts.length !== 3 || payload === "" || rest.length > 8) throw new Malformed("structure");
  const header = readHeader(decodeSegment(head), "bg+jwt", false);
  if (decodeSegment(signature).length !== 64) throw new Malformed("signature length");
  const claims = readClaims(decodeSegment(payload));
  const approvals = rest.map((approval) => {
    const [approvalHead = "", empty, approvalSignature = "", ...more] = approval.split(".");
    if (empty !== "" || more.length > 0) throw new Malformed("approval structure");
    const approvalHeader = readHeader(decodeSegment(approvalHead), "bg-approval+jws", true);
    if (decodeSegment(approvalSignature).length !== 64) throw new Malformed("signature length");
    return { header: approvalHeader, text: approval.replace("..", `.${payload}.`) };
  });
  return { header, claims, approvals, request, payload };
}

/** Several requests are judged under one grant: what it says is read once. */
let lastGrant: { readonly text: string; readonly read: ReturnType<typeof readGrant> | undefined } | undefined;

/** Undefined where it is not well-formed. */
function readLastGrant(text: string): ReturnType<typeof readGrant> | undefined {
  if (lastGrant?.text === text) return lastGrant.read;
  lastGrant = { text, read: undefined };
  try {
    lastGrant = { text, read: readGrant(text) };
  } catch (error) {
    if (!(error instanceof Malformed || error instanceof NotStrictJson)) throw error;
  }
  return lastGrant.read;
}

/** What can be judged: well-formed, under a bundle. */
interface Matter {
  readonly grant: ReturnType<typeof readGrant>;
  readonly configuration: JsonObject;
  readonly bundle: JsonObject;
  readonly keys: ReadonlyMap<string, Key>;
  readonly leeway: number;
}

function readMatter({ grants, request, configuration: text }: ReferenceInput): Matter | string {
  const { configuration, bundle, keys } = readConfiguration(text);
  const leeway = asNumber(configuration.leeway, 5);
  const [grant] = grants;
  if (grant === undefined) return "no_grant";
  if (grants.length > 1) return "duplicate_header";
  if (grant.length > 8192) return "too_large";
  if (isAmbiguous(request.path)) return "path_ambiguous";
  if (configuration.bundle === undefined) return "no_trust";
  const read = readLastGrant(grant);
  return read === undefined ? "malformed" : { grant: read, configuration, bundle, keys, leeway };
}

/** What the grant's text says without any roster; then, whether there is a roster now. */
function judgeText(matter: Matter, now: number): string | undefined {
  const { configuration, bundle, leeway } = matter;
  const { header, claims } = matter.grant;
  if (!isOurs(header.alg)) return "algorithm";
  if (claims.iat > now + leeway) return "not_yet_valid";
  if (now >= claims.exp) return "expired";
  if (!claims.aud.includes(asString(configuration.audience))) return "audience";
  const holdsNow = now < asNumber(bundle.exp, 0) && asNumber(bundle.iat, 0) <= now + leeway;
  return holdsNow ? undefined : "bundle_expired";
}

/** The requester's key when it has signed, else why not. */
async function proveRequester({ grant: { header, request }, keys }: Matter, now: number): Promise<Key | string> {
  const key = keys.get(header.kid);
  if (key === undefined) return "key_unknown";
  if (normalised(header.alg) !== key.alg) return "algorithm";
  if (!holds(key, now)) return "key_not_valid";
  return (await verifies(request, key)) ? key : "signature";
}

export interface ReferenceAnswer {
  /** As the record has it. */
  readonly verdict: string;
  /** As reply, response details and metrics have it: while no key has signed, nothing of why. */
  readonly told: string;
}

/** `busy`, which depends on earlier requests, is none of the reference's verdicts. */
export async function referenceAnswer(input: ReferenceInput): Promise<ReferenceAnswer> {
  const matter = readMatter(input);
  const early = typeof matter === "string" ? matter : judgeText(matter, input.now);
  if (typeof matter === "string" || early !== undefined) return { verdict: early ?? "", told: early ?? "" };
  const key = await proveRequester(matter, input.now);
  if (typeof key === "string") return { verdict: key, told: "signature" };
  const verdict = await judgeProven(matter, key, input);
  return { verdict, told: verdict };
}

/** The verdict's code. */
export async function referenceDecision(input: ReferenceInput): Promise<string> {
  return (await referenceAnswer(input)).verdict;
}

async function judgeProven(matter: Matter, key: Key, input: ReferenceInput): Promise<string> {
  const { request, now } = input;
  const { bundle, keys, leeway } = matter;
  const { claims, approvals } = matter.grant;
  const signers = [key, ...approvals.flatMap(({ header: { kid } }) => keys.get(kid) ?? [])].map(
    ({ jwk, principal }) => ({ kid: asString(jwk.kid), sub: principal.id }),
  );
  if (isRevoked(revokedLists(matter.configuration, bundle), { ...claims, signers })) return "revoked";
  if (key.principal.id !== claims.sub) return "key_owner";
  const entitlement = asList(bundle.entitlements)
    .map(asObject)
    .find(({ id }) => id === claims.ent);
  if (entitlement === undefined) return "entitlement_unknown";
  if (!asList(entitlement.requesters).some((role) => hasRole(key.principal, asString(role), now))) return "requester";
  if ((entitlement.drill === true) !== (claims.drill !== undefined)) return "requester";
  if (!asList(entitlement.reasons).includes(claims.reason)) return "reason";
  if (lacksClaim(claims, asList(entitlement.require))) return "claim_required";
  const maxTtl = asNumber(entitlement.max_ttl, 0);
  if (claims.exp - claims.iat > asNumber(entitlement.max_wait, 0) + maxTtl) return "ttl";

  const approvers: Approver[] = [];
  for (const { header: approval } of approvals) {
    if (!isOurs(approval.alg)) return "algorithm";
    const approverKey = keys.get(approval.kid);
    if (approverKey === undefined) return "key_unknown";
    if (normalised(approval.alg) !== approverKey.alg) return "algorithm";
    const iat = approval.iat ?? 0;
    if (!holds(approverKey, now) || !holds(approverKey, iat)) return "key_not_valid";
    if (iat < claims.iat - leeway || iat > now + leeway) return "not_yet_valid";
    const { principal } = approverKey;
    if (principal.person === key.principal.person) return "self_approval";
    if (approvers.some((other) => other.principal.person === principal.person)) return "duplicate_approval";
    approvers.push({ principal, iat });
  }
  const seats = asList(entitlement.approvals)
    .map(asObject)
    .flatMap(({ role, count }) => Array.from({ length: asNumber(count, 0) }, () => asString(role)));
  const began = seats.length === 0 ? claims.iat : quorumAt(seats, approvers, now);
  if (began === undefined) return "quorum";
  if (now >= began + maxTtl) return "expired";
  for (const { header: approval, text: compact } of approvals) {
    const approverKey = keys.get(approval.kid);
    if (approverKey === undefined || !(await verifies(compact, approverKey))) return "approval_signature";
  }

  const scope = judgeScope(claims.details, request);
  if (scope !== "allow") return scope;
  if (judgeScope(readDetails(entitlement.authorization_details, true), request) !== "allow") return "entitlement_scope";
  const address = addressOf(request.source ?? "");
  if (claims.net !== undefined && (address === undefined || !claims.net.some((block) => isIn(address, block))))
    return "network";
  return judgeBinding(claims, input);
}
