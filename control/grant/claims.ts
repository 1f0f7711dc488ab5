/** The claims of a grant (docs/grant-format.md). */
import { z } from "zod";
import { claimRows, claimShape } from "./claims.gen.js";

export const grantClaimsSchema = z
  .strictObject(claimShape)
  .refine(({ iat, exp }) => iat < exp, { error: "exp must be after iat", path: ["exp"] });
export type GrantClaims = z.infer<typeof grantClaimsSchema>;

export type ClaimName = (typeof claimRows)[number]["name"];

/** How a claim is shown and given. */
export interface ClaimRow {
  readonly name: ClaimName;
  readonly kind: string;
  readonly label: string;
  readonly optional?: true;
  /** The value's name in the help of `glassgate ask`, where a person gives it word for word. */
  readonly flag?: string;
  readonly help?: string;
}

/** In the order in which they are shown. */
export const claims: readonly ClaimRow[] = claimRows;

/** The option by which a claim is given: `--incident`. */
export const optionOf = (claim: string): string => `--${claim.replaceAll("_", "-")}`;
