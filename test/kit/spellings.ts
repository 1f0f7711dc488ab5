/** The same grant in other bytes, as anybody who holds it can make them. */
import { p256 } from "@noble/curves/nist.js";
import { base64url } from "./token.js";

/** Its approvals in that many different orders; at random, but for the first, which is as sent. */
export function shuffled(grant: string, count: number): ReadonlySet<string> {
  const [request = "", ...approvals] = grant.split("~");
  const orders = new Set([grant]);
  while (orders.size < count) {
    const order = approvals
      .map((approval) => ({ approval, rank: Math.random() }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ approval }) => approval);
    orders.add([request, ...order].join("~"));
  }
  return orders;
}

/** With the ES256 signature of that part (0: the request) of the other sign: (r, n - s) holds where (r, s) does. */
export function respelt(grant: string, part: number): string {
  const parts = grant.split("~");
  const [header = "", body = "", text = ""] = parts[part]?.split(".") ?? [];
  const signature = Buffer.from(text, "base64url");
  const s = p256.Point.Fn.ORDER - BigInt(`0x${signature.subarray(32).toString("hex")}`);
  const other = Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, "0"), "hex")]);
  parts[part] = `${header}.${body}.${base64url(other)}`;
  return parts.join("~");
}
