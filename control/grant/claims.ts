/** The claims of a grant (docs/grant-format.md). */
import { z } from "zod";
import { grantDetails, name, numericDate } from "../trust/names.js";

const utf8Bytes = (text: string): number => Buffer.byteLength(text, "utf8");
const bounded = (max: number) =>
  z.string().refine((text) => utf8Bytes(text) >= 1 && utf8Bytes(text) <= max, `must be 1 to ${max} bytes`);

export const grantClaimsSchema = z
  .strictObject({
    jti: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/),
    sub: name,
    aud: z.union([name, z.array(name).min(1).max(16)]),
    iat: numericDate,
    exp: numericDate,
    ent: name,
    reason: name,
    text: bounded(1000),
    incident: bounded(64).optional(),
    authorization_details: grantDetails,
    drill: name.optional(),
  })
  .refine(({ iat, exp }) => iat < exp, "exp must be after iat");
export type GrantClaims = z.infer<typeof grantClaimsSchema>;
