/** What each kind of claim is on the command's side (config/claims.json). */
import { z } from "zod";
import { name } from "../trust/names.js";
import { faultOfNetwork } from "./networks.js";

export { grantDetails, name, numericDate } from "../trust/names.js";

export const text = (maxBytes: number) =>
  z
    .string()
    .refine((value) => value !== "" && Buffer.byteLength(value, "utf8") <= maxBytes, `must be 1 to ${maxBytes} bytes`);

export const grantId = z.string().regex(/^[A-Za-z0-9_-]{16,64}$/, "must be 16 to 64 of A-Za-z0-9_-");

export const nameOrNames = (max: number) => z.union([name, z.array(name).min(1).max(max)]);

/** A SHA-256 in canonical base64url: of 43 letters the last has two spare bits, which are zero. */
const thumbprint = z.string().regex(/^[\w-]{42}[AEIMQUYcgkosw048]$/, "must be a SHA-256 in base64url, 43 letters");

/** The key that the holder of a grant must show (RFC 7800): a client certificate (RFC 8705), or one that makes DPoP proofs (RFC 9449). */
export const confirmation = z.union([z.strictObject({ "x5t#S256": thumbprint }), z.strictObject({ jkt: thumbprint })]);
export const toldConfirmation = z.union([
  z.strictObject({ "x5t#S256": z.string() }),
  z.strictObject({ jkt: z.string() }),
]);

const network = z.string().superRefine((text, context) => {
  const fault = faultOfNetwork(text);
  if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
});
export const networks = z.array(network).min(1).max(16, "are more than 16 networks");

/** `authorization_details` as the filter's parser tells them. */
export const toldDetails = z.array(
  z.strictObject({
    type: z.literal("break_glass_http"),
    locations: z.array(z.string()),
    actions: z.array(z.string()),
    paths: z.array(z.string()),
  }),
);
