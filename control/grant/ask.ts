/** An ask as the release filter's own parser reads it: what is shown and judged is what a gateway will enforce. */
import { z } from "zod";
import { UserError } from "../base/errors.js";
import { FilterTools } from "../host/tools.js";
import type { Message } from "./message.js";

const described = z.object({
  claims: z.object({
    jti: z.string(),
    sub: z.string(),
    aud: z.array(z.string()),
    iat: z.number(),
    exp: z.number(),
    ent: z.string(),
    reason: z.string(),
    text: z.string(),
    incident: z.string().optional(),
    authorization_details: z.array(
      z.object({
        type: z.literal("break_glass_http"),
        locations: z.array(z.string()),
        actions: z.array(z.string()),
        paths: z.array(z.string()),
      }),
    ),
    drill: z.string().optional(),
  }),
});
export type AskClaims = z.infer<typeof described>["claims"];

/** The claims of an ask or grant. Throws where the filter would call it malformed. @param what names it in the error */
export async function readClaims(text: string, what: string): Promise<AskClaims> {
  const tools = await FilterTools.load();
  const parsed = described.safeParse(JSON.parse(tools.describe(text)));
  if (parsed.success) return parsed.data.claims;
  throw new UserError(`${what} is not well-formed: every gateway would refuse it.`, {
    hint: "Was it copied whole, and made by `glassgate ask`? Ask again.",
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
