/** What each kind of claim is on the command's side (config/claims.json). */
import { z } from "zod";
import { name } from "../trust/names.js";

export { grantDetails, name, numericDate } from "../trust/names.js";

export const text = (maxBytes: number) =>
  z
    .string()
    .refine((value) => value !== "" && Buffer.byteLength(value, "utf8") <= maxBytes, `must be 1 to ${maxBytes} bytes`);

export const grantId = z.string().regex(/^[A-Za-z0-9_-]{16,64}$/, "must be 16 to 64 of A-Za-z0-9_-");

export const nameOrNames = (max: number) => z.union([name, z.array(name).min(1).max(max)]);

/** `authorization_details` as the filter's parser tells them. */
export const toldDetails = z.array(
  z.strictObject({
    type: z.literal("break_glass_http"),
    locations: z.array(z.string()),
    actions: z.array(z.string()),
    paths: z.array(z.string()),
  }),
);
