/** What an agent sends to a ledger: kinds and bytes, whatever the bytes are, as JSON. Who sends it is known by the connection alone. */
import { z } from "zod";
import { type Received, receivedKinds } from "./intake.js";

/** In one request, whichever way. */
export const MAX_ITEMS = 50_000;

/** Canonical: what decodes to bytes encodes to the same text. */
const base64 = z.string().transform((text, context) => {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") === text) return bytes;
  context.addIssue({ code: "custom", message: "is no base64" });
  return z.NEVER;
});
const itemSchema = z.strictObject({ kind: z.enum(receivedKinds), bytes: base64 });
const frameSchema = z.strictObject({
  received: z.custom<readonly unknown[]>((list) => Array.isArray(list) && list.length <= MAX_ITEMS),
});
export type FrameItem = Pick<Received, "bytes"> & { readonly kind: (typeof receivedKinds)[number] };

export const encodeFrame = (received: readonly Pick<Received, "kind" | "bytes">[]): Buffer =>
  Buffer.from(
    JSON.stringify({ received: received.map(({ kind, bytes }) => ({ kind, bytes: bytes.toString("base64") })) }),
  );

/** Undefined where it has another form: up to the first item that is none, as each of millions would become a fault of its own. */
export function decodeFrame(body: Buffer): readonly FrameItem[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    return undefined; // No JSON: the caller says so.
  }
  const items: FrameItem[] = [];
  const frame = frameSchema.safeParse(parsed).data;
  for (const one of frame?.received ?? []) {
    const { data } = itemSchema.safeParse(one);
    if (data === undefined) return undefined;
    items.push(data);
  }
  return frame === undefined ? undefined : items;
}
