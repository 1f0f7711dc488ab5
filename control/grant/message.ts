/** Asks, approvals and grants as text: they travel through any channel, so white space around them is forgiven. */
import { decodeProtectedHeader } from "jose";
import { z } from "zod";
import { messageOf, UserError } from "../base/errors.js";
import { type GrantClaims, grantClaimsSchema } from "./claims.js";

const headers = {
  ask: z.strictObject({ alg: z.enum(["Ed25519", "ES256"]), kid: z.string(), typ: z.literal("bg-ask+jwt") }),
  approval: z.strictObject({
    alg: z.enum(["Ed25519", "ES256"]),
    kid: z.string(),
    typ: z.literal("bg-approval+jws"),
    iat: z.int(),
  }),
  grant: z.strictObject({ alg: z.enum(["Ed25519", "ES256"]), kid: z.string(), typ: z.literal("bg+jwt") }),
} as const;
export type Kind = keyof typeof headers;

const SHAPE: Readonly<Record<Kind, RegExp>> = {
  ask: /^[\w-]+\.[\w-]+\.[\w-]{86}$/,
  approval: /^[\w-]+\.\.[\w-]{86}$/,
  grant: /^[\w-]+\.[\w-]+\.[\w-]{86}(?:~[\w-]+\.\.[\w-]{86}){0,8}$/,
};
const NAMES: Readonly<Record<Kind, string>> = { ask: "an ask", approval: "an approval", grant: "a grant" };

/** What the text seems to be, for errors that name the mistake. */
function kindOf(text: string): string {
  for (const kind of ["ask", "approval", "grant"] as const) {
    if (!SHAPE[kind].test(text)) continue;
    try {
      const { typ } = decodeProtectedHeader(text.split("~")[0]?.replace("..", ".e30.") ?? "");
      if (typ === "bg-ask+jwt") return "an ask";
      if (typ === "bg-approval+jws") return "an approval";
      if (typ === "bg+jwt") return "a grant";
    } catch {
      return "none of ours";
    }
  }
  return "none of ours, or cut short";
}

/** Trims the text and checks that it is of that kind. @param where names it in the error */
export function readMessage(kind: Kind, raw: string, where: string): string {
  const text = raw.replace(/\s+/g, "");
  try {
    if (!SHAPE[kind].test(text)) throw new Error("shape");
    headers[kind].parse(decodeProtectedHeader(text.split("~")[0]?.replace("..", ".e30.") ?? ""));
    return text;
  } catch (error) {
    const found = text === "" ? "it is empty" : `it is ${kindOf(text)}`;
    throw new UserError(`${where} is not ${NAMES[kind]}: ${found}.`, {
      cause: error,
      hint: "Copy the whole line, from the first to the last character.",
    });
  }
}

export const payloadOf = (text: string): string => text.split(".", 2)[1] ?? "";

/** The claims of an ask or grant, checked by the schema. */
export function claimsOf(text: string, where: string): GrantClaims {
  try {
    return grantClaimsSchema.parse(JSON.parse(Buffer.from(payloadOf(text), "base64url").toString("utf8")));
  } catch (error) {
    throw new UserError(`${where} has claims that the gateway would refuse: ${messageOf(error).split("\n", 1)[0]}`, {
      cause: error,
      hint: "Ask again with `glassgate ask`.",
    });
  }
}

export interface ApprovalHeader {
  readonly alg: "Ed25519" | "ES256";
  readonly kid: string;
  readonly iat: number;
}

export function approvalHeader(approval: string): ApprovalHeader {
  return headers.approval.parse(decodeProtectedHeader(approval.replace("..", ".e30.")));
}

export function kidOf(text: string): string {
  const { kid } = decodeProtectedHeader(text.split("~")[0] ?? "");
  return typeof kid === "string" ? kid : "";
}
