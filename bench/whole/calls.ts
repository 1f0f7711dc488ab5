/** One request of the load test and what was answered: a line of a file that the processes of the load write, and the books are kept from. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { z } from "zod";

export const CALL_KINDS = ["normal", "grant", "forged"] as const;

const callSchema = z.object({
  kind: z.enum(CALL_KINDS),
  /** Counted from 0. */
  gateway: z.int(),
  /** Of this call alone. */
  path: z.string(),
  jti: z.string().optional(),
  sub: z.string().optional(),
  /** When the grant ends, in seconds. */
  exp: z.number().optional(),
  /** Milliseconds since 1970, before it was sent and after it was answered. */
  sent: z.number(),
  answered: z.number(),
  ms: z.number(),
  /** 0 where nothing was answered. */
  status: z.number(),
  /** Of a denial; where nothing was answered, why. */
  code: z.string().optional(),
  /** As the answer told it. */
  requestId: z.string().optional(),
});
export type Call = z.infer<typeof callSchema>;

/** What a process of the load says of itself. */
export const countsSchema = z.object({
  sent: z.number(),
  answered: z.number(),
  allowed: z.number(),
  bypassed: z.number(),
});

export async function* readCalls(file: string): AsyncGenerator<Call> {
  for await (const line of createInterface(createReadStream(file))) yield callSchema.parse(JSON.parse(line));
}
