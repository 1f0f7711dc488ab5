/** An ask as the release filter's own parser reads it: what is shown and judged is what a gateway will enforce. */
import { z } from "zod";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { FilterTools } from "../host/tools.js";
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

/** What a person must not sign unseen: told by the filter, and unknown here. */
function unknownMembers(told: unknown): string[] {
  const issues = described.safeParse(told).error?.issues ?? [];
  return issues.flatMap((issue) => (issue.code === "unrecognized_keys" ? issue.keys : []));
}

const fault = z.object({ error: z.string(), detail: z.string().default(""), name: z.string().optional() });

/** Why the filter calls a grant or an ask malformed, in its words; undefined where it does not. */
function faultOf(told: unknown): string | undefined {
  const { data } = fault.safeParse(told);
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
  const unknown = unknownMembers(told);
  if (unknown.length > 0) {
    throw new UserError(
      `${what} has what this glassgate cannot show, and the filter reads: ${unknown.map(visible).join(", ")}.`,
      { hint: "The command and the filter are of two versions. Install one glassgate whole." },
    );
  }
  throw new UserError(
    `${what} is not well-formed, and every gateway would refuse it: ${faultOf(told) ?? "it cannot be read"}.`,
    { hint: "Was it copied whole, and made by `glassgate ask`? Ask again." },
  );
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
