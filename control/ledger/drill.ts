/**
 * The signature under a drill's report, `bg-drill+jws`: what was rehearsed, when, what came of it, and the hash of the report itself.
 * Whether it holds is judged by chain/drills.ts.
 */
import { z } from "zod";
import { UserError } from "../base/errors.js";
import type { PrivateKey } from "../signer/jwk.js";
import { signClaims } from "../signer/sign.js";
import { name } from "../trust/names.js";
import { readSigned, type Signed } from "./chain/jws.js";

export const DRILL_TYPE = "bg-drill+jws";
/** Of the whole token: several times what the longest names make of it. */
export const MAX_DRILL_BYTES = 8192;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in hex");
const count = z.int().nonnegative();
const moment = z.iso.datetime({ precision: 3 });

export const drillClaimsSchema = z
  .strictObject({
    v: z.literal(1),
    /** The environment, as anchors name it; what was signed before it was told has none. */
    aud: name.optional(),
    /** The log's, where the drill had a ledger. */
    origin: z
      .string()
      .regex(/^[\x21-\x7e]+$/)
      .max(200)
      .optional(),
    /** The id in the drill's grants. */
    drill: name,
    name,
    /** Some of its cases alone were played. */
    partial: z.literal(true).optional(),
    /** Who signs it, by the trust bundle. */
    sub: name,
    iat: count,
    began: moment,
    ended: moment,
    /** When the next one is to be held. */
    due: moment,
    /** Of the drill file that was played; what was signed before it was told has none. */
    file: sha256.optional(),
    /** Of report.json, as it stands there. */
    report: sha256,
    counts: z.strictObject({ passed: count, failed: count, notProbed: count }),
    /** Whether all was as expected: measures and faults as well. */
    good: z.boolean(),
    /** Under which the report proves its records. */
    checkpoint: z.strictObject({ size: count, root: sha256 }).optional(),
  })
  .refine(({ began, ended }) => Date.parse(began) <= Date.parse(ended), "it ended before it began")
  .refine(({ counts, good }) => !good || counts.failed === 0, "it is not good with something that failed");
export type DrillClaims = z.infer<typeof drillClaimsSchema>;

export type SignedDrill = Signed<DrillClaims>;

export async function signDrill(claims: DrillClaims, key: PrivateKey): Promise<string> {
  const token = await signClaims(DRILL_TYPE, drillClaimsSchema.parse(claims), key);
  if (token.length > MAX_DRILL_BYTES)
    throw new UserError(`The signature of the drill is longer than ${MAX_DRILL_BYTES} bytes.`);
  return token;
}

/** Its form alone. Undefined for what is none. */
export const readDrillToken = (token: string): SignedDrill | undefined =>
  readSigned(token, { typ: DRILL_TYPE, maxBytes: MAX_DRILL_BYTES, schema: drillClaimsSchema });
