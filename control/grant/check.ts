/** Whose signatures these are, proven against a bundle: so that errors can name the person. Rules are the filter's business. */
import { compactVerify, importJWK } from "jose";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { algorithmOf, type WindowedKey } from "../signer/jwk.js";
import type { BundleClaims, Principal } from "../trust/claims.js";
import type { Ask } from "./ask.js";
import { type Message, payloadOf } from "./message.js";
import type { Approver } from "./quorum.js";

export interface KeyHolder {
  readonly principal: Principal;
  readonly key: WindowedKey;
}

/** The principal who owns that key, and the key. */
export function holderOf(claims: BundleClaims, kid: string): KeyHolder | undefined {
  for (const principal of claims.principals) {
    const key = principal.keys.find((candidate) => candidate.kid === kid);
    if (key !== undefined) return { principal, key };
  }
  return undefined;
}

async function verifies(compact: string, key: WindowedKey): Promise<boolean> {
  const alg = algorithmOf(key);
  const { nbf: _nbf, exp: _exp, ...jwk } = key;
  const algorithms = alg === "Ed25519" ? ["Ed25519", "EdDSA"] : [alg];
  try {
    await compactVerify(compact, await importJWK({ ...jwk, alg }, alg), { algorithms });
    return true;
  } catch {
    return false; // Whatever is wrong with it: it does not verify.
  }
}

const NEWEST = "Do you have the newest bundle? `glassgate bundle show` lists its keys.";

/** The signer of an ask, proven; throws when unknown or when the signature does not hold. */
export async function provenSigner({ text, kid }: Ask, claims: BundleClaims): Promise<KeyHolder> {
  const holder = holderOf(claims, kid);
  if (holder === undefined) {
    throw new UserError(`The ask is signed by a key that is not in the trust bundle (${visible(kid)}).`, {
      hint: NEWEST,
    });
  }
  if (await verifies(text, holder.key)) return holder;
  throw new UserError(
    `The ask was changed after it was signed: the signature of ${holder.principal.id} does not hold.`,
    { hint: "Do not approve it. Ask the requester over another channel." },
  );
}

/** The approver, proven. */
export async function provenApprover({ text, header }: Message, ask: Ask, bundle: BundleClaims): Promise<Approver> {
  const holder = holderOf(bundle, header.kid);
  if (holder === undefined) {
    throw new UserError(`An approval is signed by a key that is not in the trust bundle (${visible(header.kid)}).`, {
      hint: NEWEST,
    });
  }
  if (!(await verifies(text.replace("..", `.${payloadOf(ask.text)}.`), holder.key))) {
    throw new UserError(`The approval by ${holder.principal.id} belongs to another ask, or was changed.`, {
      hint: "Have this very ask approved.",
    });
  }
  return { principal: holder.principal, iat: "iat" in header ? header.iat : 0 };
}
