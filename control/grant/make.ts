/** Making asks, approvals and grants. */
import { randomBytes } from "node:crypto";
import { messageOf, UserError } from "../base/errors.js";
import type { PrivateKey } from "../signer/jwk.js";
import { signClaims, signDetached, signPayload } from "../signer/sign.js";
import { claims, type GrantClaims, grantClaimsSchema, optionOf } from "./claims.js";
import { payloadOf } from "./message.js";

const MAX_GRANT_BYTES = 8192;

/** Where a person gave what stands in a claim, where that is not the option of its name. */
const PLACES: Readonly<Record<string, string>> = {
  paths: "the path, or --also-path",
  actions: "the method, or --also-method",
  locations: "the host",
  exp: "--ttl",
  net: "--net",
};

function placeOf(claim: string): string {
  const isAsked = claims.some(({ name, flag }) => name === claim && flag !== undefined);
  return PLACES[claim] ?? (isAsked ? optionOf(claim) : claim);
}

export type AskInput = Omit<GrantClaims, "jti" | "iat" | "exp"> & { readonly ttl: number; readonly iat: number };

/** The claims of a new ask, checked. @param input.ttl seconds */
export function newClaims(input: AskInput): GrantClaims {
  const { ttl, iat, ...rest } = input;
  const jti = randomBytes(16).toString("base64url");
  const result = grantClaimsSchema.safeParse({ jti, iat, exp: iat + ttl, ...rest });
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const claim = String(issue?.path.findLast((part) => typeof part === "string") ?? "");
  const why = issue?.message ?? messageOf(result.error);
  throw new UserError(`The ask cannot be made: ${placeOf(claim)}: ${why}${why.endsWith("?") ? "" : "."}`, {
    hint: "Mend that and ask again; `glassgate ask --help` shows examples.",
  });
}

/** The ask: signed claims that open nothing. */
export async function signAsk(ask: GrantClaims, key: PrivateKey): Promise<string> {
  return signClaims("bg-ask+jwt", ask, key);
}

export async function makeAsk(input: AskInput, key: PrivateKey): Promise<string> {
  return signAsk(newClaims(input), key);
}

/** A detached signature over the ask's payload. @param iat when it is approved */
export async function makeApproval(ask: string, key: PrivateKey, iat: number): Promise<string> {
  return signDetached("bg-approval+jws", payloadOf(ask), key, iat);
}

/** The whole: the requester's signature, made last, and the approvals. */
export async function completeGrant(ask: string, approvals: readonly string[], key: PrivateKey): Promise<string> {
  const grant = [await signPayload("bg+jwt", payloadOf(ask), key), ...approvals].join("~");
  if (grant.length > MAX_GRANT_BYTES) {
    throw new UserError(`The grant would be ${grant.length} bytes; gateways take ${MAX_GRANT_BYTES}.`, {
      hint: "Ask for fewer paths or hosts, or shorten the text.",
    });
  }
  return grant;
}
