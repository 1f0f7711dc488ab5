/** Asks, approvals, grants and roster proofs as text: their shapes and headers, and what stands in them before anything is verified. */
import { z } from "zod";

const alg = z.enum(["Ed25519", "EdDSA", "ES256"]);
/** A header's `kid` is whatever its maker wrote: it is shown through `visible`, and looked up. */
const headerSchema = z.discriminatedUnion("typ", [
  z.strictObject({ alg, kid: z.string(), typ: z.literal("bg-ask+jwt") }),
  z.strictObject({ alg, kid: z.string(), typ: z.literal("bg+jwt") }),
  z.strictObject({ alg, kid: z.string(), typ: z.literal("bg-approval+jws"), iat: z.int() }),
  z.strictObject({ alg, kid: z.string(), typ: z.literal("bg-challenge+jws") }),
]);
export type MessageHeader = z.infer<typeof headerSchema>;

export type Kind = "ask" | "approval" | "grant" | "proof";
export const kindOf: Readonly<Record<MessageHeader["typ"], Kind>> = {
  "bg-ask+jwt": "ask",
  "bg-approval+jws": "approval",
  "bg+jwt": "grant",
  "bg-challenge+jws": "proof",
};
export const kindNames: Readonly<Record<Kind, string>> = {
  ask: "an ask",
  approval: "an approval",
  grant: "a grant",
  proof: "a roster proof",
};

export interface Message {
  readonly kind: Kind;
  /** In one line, as it was made. */
  readonly text: string;
  readonly header: MessageHeader;
}

export const SIGNATURE_LETTERS = 86;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The JSON of a base64url segment, or undefined. */
export function jsonOf(segment: string): unknown {
  try {
    return JSON.parse(utf8.decode(Buffer.from(segment, "base64url")));
  } catch {
    return undefined; // Not JSON, or not UTF-8: the caller says so.
  }
}

/** The header of one of our messages, or undefined. */
export function headerOf(segment: string): MessageHeader | undefined {
  return headerSchema.safeParse(jsonOf(segment)).data;
}

export const payloadOf = (text: string): string => text.split(".", 2)[1] ?? "";

const named = z.looseObject({ sub: z.string().optional(), iat: z.number().optional() });

/** Who is said to have made it and when, for a list of what was found: nothing of it is proven. */
export function claimedMaker({ header, kind, text }: Message): { sub: string | undefined; iat: number | undefined } {
  if (header.typ === "bg-approval+jws") return { sub: undefined, iat: header.iat };
  const claims = named.safeParse(jsonOf(payloadOf(text)));
  return kind === "approval" || !claims.success
    ? { sub: undefined, iat: undefined }
    : { sub: claims.data.sub, iat: claims.data.iat };
}
