/** What the processes of the load are given: a file each, as they hold the keys of the people they play. */
import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { type PrivateKey, privateKeySchema } from "../../control/signer/jwk.js";

const person = z.object({ id: z.string(), key: privateKeySchema });
export interface Person {
  readonly id: string;
  readonly key: PrivateKey;
}

const planSchema = z.object({
  ports: z.array(z.number()),
  /** Where nothing judges: for a gateway that has lost its filter. */
  upstreamPort: z.number(),
  audience: z.string(),
  requesters: z.array(person),
  leads: z.array(person),
  securities: z.array(person),
  /** On the roster, and forges the approvals of others. */
  insider: person,
  /** A normal caller's token for each gateway. */
  tokens: z.array(z.string()),
  /** A second, of all gateways together. */
  rates: z.object({ normal: z.number(), grants: z.number(), forged: z.number() }),
  /** Where the calls are written. */
  calls: z.string(),
});
export type Plan = z.infer<typeof planSchema>;

export const readPlan = (file: string): Plan => planSchema.parse(JSON.parse(readFileSync(file, "utf8")));

export function writePlan(file: string, plan: Plan): string {
  writeFileSync(file, JSON.stringify(plan), { mode: 0o600 });
  return file;
}
