/**
 * Grants of a drill, good ones and such as no honest command makes: another header, another signer, claims changed after the signature.
 * The good ones are made as `ask`, `approve` and `grant` make them. Only keys of drills sign here, only `bg+jwt` and approvals.
 */
import { createHmac, createPrivateKey, type KeyObject, randomBytes, sign as signBytes } from "node:crypto";
import { newProofKey } from "../caller/proof.js";
import { completeGrant, makeApproval, makeAsk } from "../grant/make.js";
import { payloadOf } from "../grant/message.js";
import { algorithmOf, type PrivateKey } from "../signer/jwk.js";
import type { Entitlement } from "../trust/claims.js";
import type { ApprovalSpec, GrantSpec, Json, MadeGrant, Players, Target, Walked } from "./model.js";

/** A drill's grant is used at once: what is left of one opens nothing a minute or two later. */
const LIFE_SECONDS = 120;

export interface Making {
  readonly drill: string;
  readonly audience: string;
  readonly players: Players;
  readonly entitlement: Entitlement;
  readonly target: Target;
  readonly incident: string;
  readonly net: readonly string[] | undefined;
  /** Seconds. */
  readonly now: () => number;
  /** It is listed and never sent: its shape is whole, and nobody signs it. */
  readonly isDry: boolean;
}

/** As long as a signature. */
const UNSIGNED = Buffer.alloc(64).toString("base64url");
type Sign = (input: string, key: PrivateKey, alg: unknown) => string;

const segment = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const without = (json: Json): Json =>
  Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined));

const opened = new WeakMap<PrivateKey, KeyObject>();

function openedKey(key: PrivateKey): KeyObject {
  const found = opened.get(key) ?? createPrivateKey({ key: { ...key }, format: "jwk" });
  opened.set(key, found);
  return found;
}

function sign(input: string, key: PrivateKey, alg: unknown): string {
  const message = Buffer.from(input, "ascii");
  // As whoever confuses the two: what is public taken for a secret (RFC 8725, section 2.1).
  if (alg === "HS256") {
    const digest = createHmac("sha256", Buffer.from(key.x, "base64url")).update(message).digest();
    return Buffer.concat([digest, digest]).toString("base64url");
  }
  // Node's own: a drill signs a thousand times, and a curve in JavaScript takes ten times as long.
  const digest = algorithmOf(key) === "Ed25519" ? null : "sha256";
  return signBytes(digest, message, { key: openedKey(key), dsaEncoding: "ieee-p1363" }).toString("base64url");
}

const isRequired = ({ require = [] }: Entitlement, claim: "incident" | "cnf" | "net"): boolean =>
  require.includes(claim);

function claimsOf(making: Making, spec: GrantSpec, jti: string, proofKey: PrivateKey | undefined): Json {
  const { entitlement, target, players, audience, drill, incident, net } = making;
  const iat = making.now();
  return {
    jti,
    sub: (spec.by ?? players.requester).sub,
    aud: audience,
    iat,
    exp: iat + Math.min(entitlement.max_ttl, LIFE_SECONDS),
    ent: entitlement.id,
    reason: entitlement.reasons[0],
    text: `Drill ${drill}: an exercise`,
    ...(isRequired(entitlement, "incident") ? { incident } : {}),
    authorization_details: [
      { type: "break_glass_http", locations: [target.host], actions: [target.method], paths: [target.path] },
    ],
    ...(proofKey === undefined ? {} : { cnf: { jkt: proofKey.kid } }),
    ...(net === undefined ? {} : { net }),
    drill,
    ...spec.claims,
  };
}

function approve(payload: string, { by, forgedBy, iat }: ApprovalSpec, now: number, signs: Sign): string {
  const alg = algorithmOf(by.key);
  const head = segment({ alg, kid: by.key.kid, typ: "bg-approval+jws", iat: iat ?? now });
  return `${head}..${signs(`${head}.${payload}`, forgedBy ?? by.key, alg)}`;
}

/** A grant for the target, bent as the spec says. */
export function bentGrant(making: Making, spec: GrantSpec = {}): MadeGrant {
  const { players, entitlement } = making;
  const by = spec.by ?? players.requester;
  const jti = randomBytes(16).toString("base64url");
  const isBound = spec.isBound ?? isRequired(entitlement, "cnf");
  const proofKey = isBound ? (making.isDry ? players.requester.key : newProofKey()) : undefined;
  const signs: Sign = making.isDry ? () => UNSIGNED : sign;
  const claims = without(claimsOf(making, spec, jti, proofKey));
  const header = without({ alg: algorithmOf(by.key), kid: by.key.kid, typ: "bg+jwt", ...spec.header });
  const signed = `${segment(header)}.${segment(claims)}`;
  const signature = header.alg === "none" ? "" : signs(signed, spec.forgedBy ?? by.key, header.alg);
  const payload = segment({ ...claims, ...spec.altered });
  const approvals = (spec.approvals ?? players.approvers.map((one) => ({ by: one }))).map((one) =>
    approve(payload, one, making.now(), signs),
  );
  // `none` with no signature is cut off by the shape alone: 64 octets of nothing reach the algorithm.
  const whole = signature === "" ? UNSIGNED : signature;
  return { text: [`${segment(header)}.${payload}.${whole}`, ...approvals].join("~"), jti, proofKey };
}

/** The way that people walk: ask, approvals, grant, each made by the command's own code. */
export async function walkedGrant(making: Making): Promise<Walked> {
  const { players, entitlement, target, audience, drill, incident, net } = making;
  if (making.isDry) return { grant: bentGrant(making), quorumMs: 0, grantMs: 0 };
  const proofKey = isRequired(entitlement, "cnf") ? newProofKey() : undefined;
  const began = performance.now();
  const ask = await makeAsk(
    {
      iat: making.now(),
      ttl: Math.min(entitlement.max_ttl, LIFE_SECONDS),
      sub: players.requester.sub,
      aud: audience,
      ent: entitlement.id,
      reason: entitlement.reasons[0] ?? "",
      text: `Drill ${drill}: an exercise`,
      ...(isRequired(entitlement, "incident") ? { incident } : {}),
      authorization_details: [
        { type: "break_glass_http", locations: [target.host], actions: [target.method], paths: [target.path] },
      ],
      ...(proofKey === undefined ? {} : { cnf: { jkt: proofKey.kid } }),
      ...(net === undefined ? {} : { net: [...net] }),
      drill,
    },
    players.requester.key,
  );
  const approvals: string[] = [];
  for (const { key } of players.approvers) approvals.push(await makeApproval(ask, key, making.now()));
  const quorumMs = performance.now() - began;
  const text = await completeGrant(ask, approvals, players.requester.key);
  const claims: unknown = JSON.parse(Buffer.from(payloadOf(ask), "base64url").toString("utf8"));
  const jti = typeof claims === "object" && claims !== null && "jti" in claims ? String(claims.jti) : "";
  return { grant: { text, jti, proofKey }, quorumMs, grantMs: performance.now() - began };
}
