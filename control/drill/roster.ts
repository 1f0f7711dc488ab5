/**
 * The roster proof: a challenge that goes to everybody, and what a key's holder signs about it, `bg-challenge+jws`. A challenge is
 * data and is signed by nobody: what is signed is built here from its nonce, under a typ of its own, and opens and approves nothing.
 */
import { hash, randomBytes } from "node:crypto";
import { z } from "zod";
import { decodeCarrier, otherTexts, readings } from "../grant/unwrap.js";
import { bytesOf, type Jws, jsonOf, parseJws } from "../ledger/chain/jws.js";
import type { PrivateKey } from "../signer/jwk.js";
import { signClaims } from "../signer/sign.js";
import { name, numericDate } from "../trust/names.js";

export const PROOF_TYPE = "bg-challenge+jws";
const NONCE_BYTES = 16;
/** 16 octets leave four spare bits, which are zero. */
const nonce = z.string().regex(/^[A-Za-z0-9_-]{21}[AQgw]$/, "must be 16 bytes in base64url");

export const MAX_BY_BYTES = 64;
const by = z
  .string()
  .refine(
    (text) => text.trim() !== "" && Buffer.byteLength(text) <= MAX_BY_BYTES,
    `must have 1 to ${MAX_BY_BYTES} bytes`,
  );

export const challengeSchema = z
  .strictObject({ v: z.literal(1), aud: name, nonce, iat: numericDate, exp: numericDate, by })
  .refine(({ iat, exp }) => iat < exp, "ends before it begins");
export type Challenge = z.infer<typeof challengeSchema>;

export const proofSchema = z.strictObject({
  v: z.literal(1),
  /** The environment, as anchors name it. */
  aud: name,
  /** The challenge's. */
  nonce,
  /** The principal; none for a root. */
  sub: name.optional(),
  /** By the signer's clock. */
  iat: numericDate,
});
export type ProofClaims = z.infer<typeof proofSchema>;

/** Seven members of bounded length are a third of it. */
const MAX_PROOF_LETTERS = 2048;

export interface Proof {
  readonly token: string;
  readonly jws: Jws;
  readonly claims: ProofClaims;
}

export const newChallenge = (parts: Omit<Challenge, "v" | "nonce">): Challenge =>
  challengeSchema.parse({ v: 1, ...parts, nonce: randomBytes(NONCE_BYTES).toString("base64url") });

/** Against damage on its way, not against people. */
const CHECK_BYTES = 8;
const checkOf = (payload: string): string =>
  Buffer.from(hash("sha256", payload, "hex"), "hex")
    .subarray(0, CHECK_BYTES)
    .toString("base64url");

/** One line that a chat carries: `bg-challenge.<claims>.<check>`. */
export function challengeText(challenge: Challenge): string {
  const payload = Buffer.from(JSON.stringify(challenge)).toString("base64url");
  return `bg-challenge.${payload}.${checkOf(payload)}`;
}

const CHALLENGE = /bg-challenge\.([\w-]{40,1024})\.([\w-]{11})/gi;

function challengesIn(text: string): Challenge[] {
  const found = new Map<string, Challenge>();
  for (const { letters } of readings(decodeCarrier(text)))
    for (const [, payload = "", check] of letters.matchAll(CHALLENGE)) {
      if (check !== checkOf(payload) || bytesOf(payload) === undefined) continue;
      const challenge = challengeSchema.safeParse(jsonOf(payload)).data;
      if (challenge !== undefined) found.set(payload, challenge);
    }
  return [...found.values()];
}

/** Every challenge in the text, each once, whatever a chat made of it. */
export function findChallenges(text: string): Challenge[] {
  const found = challengesIn(text);
  return found.length > 0
    ? found
    : (otherTexts(text)
        .map(challengesIn)
        .find(({ length }) => length > 0) ?? []);
}

/** Signs that the key's holder is there, about that challenge. @param sub the principal; undefined for a root */
export const signProof = async (
  challenge: Challenge,
  sub: string | undefined,
  iat: number,
  key: PrivateKey,
): Promise<string> =>
  signClaims(
    PROOF_TYPE,
    proofSchema.parse({ v: 1, aud: challenge.aud, nonce: challenge.nonce, ...(sub === undefined ? {} : { sub }), iat }),
    key,
  );

/** Its form alone; whether it holds is judged by roster-judge.ts. Undefined for what is none. */
export function readProof(token: string): Proof | undefined {
  if (token.length > MAX_PROOF_LETTERS) return undefined;
  const jws = parseJws(token);
  if (jws === undefined || jws.header.typ !== PROOF_TYPE || jws.header.iat !== undefined) return undefined;
  const claims = proofSchema.safeParse(jsonOf(jws.payload)).data;
  return claims === undefined ? undefined : { token, jws, claims };
}
