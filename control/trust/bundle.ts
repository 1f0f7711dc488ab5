/** Trust bundles: built from a roster, signed by each root holder in turn, verified under anchors. */
import { compactVerify, decodeProtectedHeader, importJWK } from "jose";
import { z } from "zod";
import { messageOf, UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import type { PrivateKey } from "../signer/jwk.js";
import { algorithmOf } from "../signer/jwk.js";
import { signClaims, signDetached } from "../signer/sign.js";
import type { Anchors } from "./anchors.js";
import { type BundleClaims, bundleClaimsSchema } from "./claims.js";
import type { Roster } from "./roster.js";

/** How far `iat` is set back: a builder's clock may be a little ahead of the gateways', which would answer bundle_expired. */
export const SET_BACK = 60;

/** Claims of the next bundle. @param now seconds */
export function buildClaims(roster: Roster, audience: readonly string[], version: number, now: number): BundleClaims {
  if (!Number.isSafeInteger(version)) {
    throw new UserError("The bundle in force has the highest version that there can be: none can follow it.", {
      hint: "Compare it with what the gateways serve: it was not built by `glassgate bundle build`.",
    });
  }
  const { lifetime, ...rest } = roster;
  const dates = { iat: now - SET_BACK, exp: now + lifetime };
  return bundleClaimsSchema.parse({ schema: 1, version, ...dates, aud: [...audience], ...rest });
}

/** An unsigned bundle is its claims as JSON; the first root's signature makes it a text that gateways read. */
export async function signFirst(claims: BundleClaims, root: PrivateKey): Promise<string> {
  return signClaims("bg-bundle+jwt", claims, root);
}

/** Appends another root's signature. Refuses a second one by the same root. */
export async function signFurther(bundle: string, root: PrivateKey): Promise<string> {
  if (signerKids(bundle).includes(root.kid)) {
    throw new UserError(`The root ${root.kid} has signed this bundle already.`, {
      hint: "Pass it on to another root holder.",
    });
  }
  return `${bundle}~${await signDetached("bg-bundle-approval+jws", payloadOf(bundle), root)}`;
}

/** Far more than the filter takes (512 KiB). */
const MAX_BUNDLE_BYTES = 8 * 1024 * 1024;
const SHAPE = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:~[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+)*$/;

export function payloadOf(bundle: string): string {
  return bundle.split(".", 2)[1] ?? "";
}

const headerSchema = z.strictObject({
  alg: z.enum(["Ed25519", "EdDSA", "ES256"]),
  kid: z.string(),
  typ: z.enum(["bg-bundle+jwt", "bg-bundle-approval+jws"]),
});

function headerOf(token: string, file: string): z.infer<typeof headerSchema> {
  try {
    return headerSchema.parse(
      decodeProtectedHeader(token.replace("..", `.${Buffer.from("{}").toString("base64url")}.`)),
    );
  } catch (error) {
    throw new UserError(`${file}: the header of a signature is not that of a trust bundle.`, {
      cause: error,
      hint: "It was changed or cut. Build and sign it again.",
    });
  }
}

/** The kids of all who signed, in order. Nothing is verified. */
export function signerKids(bundle: string, file = "The bundle"): string[] {
  return bundle.split("~").map((token) => headerOf(token, file).kid);
}

/** What a schema or JSON.parse complains of first, in one line. */
export function firstFault(error: unknown): string {
  const issue = error instanceof z.ZodError ? error.issues[0] : undefined;
  const words = issue === undefined ? messageOf(error).split("\n", 1)[0] : `${issue.path.join(".")}: ${issue.message}`;
  return visible(words ?? "");
}

/** The claims, read without verifying anything. */
export function readClaims(bundle: string, file: string): BundleClaims {
  const hint = "It is the output of `glassgate bundle sign`; copy it whole.";
  if (bundle.length > MAX_BUNDLE_BYTES || !SHAPE.test(bundle))
    throw new UserError(`${file} is not a signed trust bundle.`, { hint });
  try {
    return bundleClaimsSchema.parse(JSON.parse(Buffer.from(payloadOf(bundle), "base64url").toString("utf8")));
  } catch (error) {
    throw new UserError(`${file} is not a trust bundle that this version reads: ${firstFault(error)}`, {
      cause: error,
      hint,
    });
  }
}

export interface Verification {
  readonly claims: BundleClaims;
  /** Roots whose signature holds. */
  readonly signedBy: readonly string[];
  /** How many more are needed; 0 when the bundle is complete. */
  readonly missing: number;
}

/** Verifies every signature by a root under the anchors; a bad one throws, a non-root's is not counted. */
export async function verifyBundle(bundle: string, file: string, anchors: Anchors): Promise<Verification> {
  const claims = readClaims(bundle, file);
  const payload = payloadOf(bundle);
  const signedBy: string[] = [];
  for (const token of bundle.split("~")) {
    const { kid } = headerOf(token, file);
    const root = anchors.roots.find((candidate) => candidate.kid === kid);
    if (root === undefined) continue;
    if (signedBy.includes(kid)) {
      throw new UserError(`${file} is signed twice by the root ${kid}.`, {
        hint: "The filter refuses that. Build and sign it again.",
      });
    }
    const alg = algorithmOf(root);
    try {
      await compactVerify(token.replace("..", `.${payload}.`), await importJWK({ ...root, alg }, alg), {
        algorithms: [alg, "EdDSA"],
      });
    } catch (error) {
      throw new UserError(`${file}: the signature of root ${kid} does not hold.`, {
        cause: error,
        hint: "The bundle was changed after signing. Build and sign it again.",
      });
    }
    signedBy.push(kid);
  }
  if (!claims.aud.includes(anchors.audience)) {
    throw new UserError(`${file} is for ${claims.aud.join(", ")}, not for ${anchors.audience}.`, {
      hint: "Build it with --audience, or use the anchors of that environment.",
    });
  }
  return { claims, signedBy, missing: Math.max(0, anchors.threshold - signedBy.length) };
}
