/** The normal callers' identity provider: its public keys read, or a throw-away one made to try the gateway with. */
import { importJWK, SignJWT } from "jose";
import { z } from "zod";
import { UserError } from "../base/errors.js";
import { readText } from "../base/files.js";
import { parseJson } from "../base/schema.js";
import { newKey, publicPart } from "../signer/jwk.js";

/** What envoy.yaml expects where nothing else is said. */
export const DEFAULT_ISSUER = "https://idp.example.com";
const AUDIENCE = "api";

const jwksSchema = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })).min(1) });
const SECRET = ["d", "k", "p", "q"] as const;
const NEXT =
  "Fetch it from your identity provider (the `jwks_uri` of its .well-known/openid-configuration), or try the gateway with --demo-idp.";

/** Refuses what Envoy would refuse at its start, and a file with private keys. */
export function checkJwks(path: string): void {
  const { keys } = parseJson(readText(path, "the identity provider's JWKS", NEXT), path, jwksSchema, NEXT);
  const secret = SECRET.find((member) => keys.some((key) => key[member] !== undefined));
  if (secret !== undefined) {
    throw new UserError(
      `${path} holds a private or a shared key (member "${secret}"); the gateway needs public ones.`,
      {
        hint: NEXT,
      },
    );
  }
}

export interface DemoIdp {
  /** The file for `--jwks`. */
  readonly jwks: string;
  /** A normal caller's token, good for eight hours. The private key is forgotten. */
  readonly token: string;
}

export async function makeDemoIdp(issuer: string): Promise<DemoIdp> {
  const key = newKey("Ed25519");
  const token = await new SignJWT({ sub: "customer-7" })
    .setProtectedHeader({ alg: "EdDSA", kid: key.kid })
    .setIssuer(issuer)
    .setAudience(AUDIENCE)
    .setExpirationTime("8h")
    .sign(await importJWK({ ...key, alg: "EdDSA" }, "EdDSA"));
  return { jwks: `${JSON.stringify({ keys: [{ ...publicPart(key), alg: "EdDSA" }] }, null, 2)}\n`, token };
}
