/** A record in one line for a reader; the whole of it stands in the audit log. */
import { z } from "zod";
import { visible } from "../base/text.js";

const shown = z.looseObject({
  verdict: z.string(),
  sub: z.string().optional(),
  ent: z.string().optional(),
  kid: z.string().optional(),
  approvers: z.array(z.looseObject({ sub: z.string() })).optional(),
  method: z.string().optional(),
  path: z.string().optional(),
  ended: z.literal(true).optional(),
});

/** Who, by what, approved by whom, which request: as far as the filter knew when it decided. */
export function brief(record: Readonly<Record<string, unknown>> | undefined): string {
  if (record === undefined) return "no record: no grant was shown";
  const { verdict, sub, ent, kid, approvers = [], method, path, ended } = shown.parse(record);
  const parts = [verdict];
  if (sub !== undefined) parts.push(ent === undefined ? sub : `${sub} via ${ent}`);
  else if (kid !== undefined) parts.push(`by the key ${kid.slice(0, 8)}...`);
  if (approvers.length > 0) parts.push(`approved by ${approvers.map((approver) => approver.sub).join(", ")}`);
  if (method !== undefined && path !== undefined) parts.push(`${method} ${path}`);
  if (ended === true) parts.push("the open stream was ended");
  return visible(`record: ${parts.join(" · ")}`);
}
