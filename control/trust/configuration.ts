/** The plugin configuration: what a gateway is handed, closed. */
import { z } from "zod";
import { publicKeySchema } from "../signer/jwk.js";
import type { Anchors } from "./anchors.js";
import { name } from "./names.js";

export const configurationSchema = z.strictObject({
  generation: z.int().nonnegative().describe("new at each push; tells what is serving"),
  audience: name.describe("the environment; grants and bundles must name it"),
  roots: z.array(publicKeySchema).min(1).max(16).describe("the root keys, public, with their thumbprints"),
  threshold: z.int().min(1).max(16).describe("how many different roots must have signed a bundle"),
  mode: z.enum(["enforce", "shadow"]).optional().describe("shadow decides and records, and changes nothing"),
  require: z.boolean().optional().describe("no grant is a deny: for a listener where the filter is the only guard"),
  leeway: z.int().min(0).max(60).optional().describe("seconds of clock skew allowed on iat; default 5"),
  min_version: z.int().nonnegative().optional().describe("older bundles are refused, also after a restart"),
  table_memory_kib: z
    .int()
    .min(0)
    .max(32_768)
    .optional()
    .describe(
      "memory of a worker for tables that speed up signature checks, taken as keys come into use: 952, and 256 a key; default 4096",
    ),
  strip: z
    .array(z.string().regex(/^[a-z0-9_-]{1,64}$/))
    .max(32)
    .optional()
    .describe("request headers that an allowed request loses, besides authorization and override headers"),
  bundle: z.string().optional().describe("the signed trust bundle; without it each grant gets no_trust"),
});
export type Configuration = z.infer<typeof configurationSchema>;

export type ConfigurationOptions = Omit<Configuration, "audience" | "roots" | "threshold" | "generation">;

/** The configuration's text, as it goes into the gateway. */
export function configurationText(anchors: Anchors, generation: number, options: ConfigurationOptions = {}): string {
  const { audience, roots, threshold } = anchors;
  return JSON.stringify({ generation, audience, roots, threshold, ...options } satisfies Configuration);
}
