/** An ask as the release filter's own parser reads it: what is shown and judged is what a gateway will enforce. */
import { z } from "zod";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { FilterTools } from "../host/tools.js";
import { firstFault } from "../trust/bundle.js";
import { toldShape } from "./claims.gen.js";
import type { Message } from "./message.js";

const signature = { alg: z.enum(["Ed25519", "ES256"]).nullable(), kid: z.string() };
const described = z.strictObject({
  typ: z.enum(["bg-ask+jwt", "bg+jwt"]),
  ...signature,
  claims: z.strictObject(toldShape),
  approvals: z.array(z.strictObject({ ...signature, iat: z.number() })),
});
export type AskClaims = z.infer<typeof described>["claims"];

const faultSchema = z.object({ error: z.string(), detail: z.string().default(""), name: z.string().optional() });

/** Why the filter calls a grant or an ask malformed, in its words; undefined where it does not. */
function faultOf(told: unknown): string | undefined {
  const { data } = faultSchema.safeParse(told);
  if (data === undefined) return undefined;
  return `${data.detail === "" ? data.error : data.detail}${data.name === undefined ? "" : `: ${visible(data.name)}`}`;
}

/** Why every gateway calls the grant malformed; undefined where none would. */
export async function malformedBecause(text: string): Promise<string | undefined> {
  return faultOf(JSON.parse((await FilterTools.load()).describe(text)));
}

/**
 * The claims of an ask or grant. Throws where the filter would call it malformed, and where it reads a claim that is unknown here.
 * @param what names it in the error
 */
export async function readClaims(text: string, what: string): Promise<AskClaims> {
  return claimsOf(JSON.parse((await FilterTools.load()).describe(text)), what);
}

/** @param told what the filter's parser says of the text */
export function claimsOf(told: unknown, what: string): AskClaims {
  const parsed = described.safeParse(told);
  if (parsed.success) return parsed.data.claims;
  const fault = faultOf(told);
  if (fault !== undefined)
    throw new UserError(`${what} is not well-formed, and every gateway would refuse it: ${fault}.`, {
      hint: "Was it copied whole, and made by `glassgate ask`? Ask again.",
    });
  const unknown = parsed.error.issues.flatMap((issue) => (issue.code === "unrecognized_keys" ? issue.keys : []));
  const shown = unknown.length === 0 ? firstFault(parsed.error) : unknown.map(visible).join(", ");
  throw new UserError(`${what} has what this glassgate cannot show, and the filter reads: ${shown}.`, {
    hint: "The command and the filter are of two versions. Install one glassgate whole.",
  });
}

export interface Ask {
  /** In one line. */
  readonly text: string;
  readonly kid: string;
  readonly claims: AskClaims;
}

export async function readAsk({ text, header }: Message): Promise<Ask> {
  return { text, kid: header.kid, claims: await readClaims(text, "The ask") };
}
