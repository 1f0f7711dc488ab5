/** Anchors: what is pinned at a gateway (root keys, threshold, audience). */
import { createHash } from "node:crypto";
import { z } from "zod";
import { readText } from "../base/files.js";
import { parseJson } from "../base/schema.js";
import { publicKeySchema } from "../signer/jwk.js";
import { name } from "./names.js";

export const anchorsSchema = z
  .strictObject({ audience: name, threshold: z.int().min(1).max(16), roots: z.array(publicKeySchema).min(1).max(16) })
  .refine(({ roots, threshold }) => roots.length >= threshold, "has fewer roots than its threshold");
export type Anchors = z.infer<typeof anchorsSchema>;

export function readAnchors(path: string): Anchors {
  return parseJson(
    readText(path, "the anchors", "Run `glassgate init` first, or name the file with --anchors."),
    path,
    anchorsSchema,
    "`glassgate init` writes this file; restore it rather than editing it.",
  );
}

const kidsOf = (anchors: Anchors): string[] => anchors.roots.map(({ kid }) => kid).sort();

/** SHA-256 over audience and roots, hex: versions are compared inside one domain only. */
export function domainOf(anchors: Anchors): string {
  return createHash("sha256")
    .update([anchors.audience, ...kidsOf(anchors)].join("\n"))
    .digest("hex");
}
