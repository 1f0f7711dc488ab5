/** The plugin configuration: what a gateway is handed, closed (docs/members.md). */
import type { z } from "zod";
import type { Anchors } from "./anchors.js";
import { configurationSchema } from "./members.gen.js";

export { configurationSchema, setByPush, setByRender } from "./members.gen.js";
export type Configuration = z.infer<typeof configurationSchema>;

/**
 * As it is deployed: with the members that only a newer glassgate knows, so that a push keeps them. Whether they can stay is the
 * filter's business.
 */
export const deployedSchema = configurationSchema.loose();

export type ConfigurationOptions = Omit<Configuration, "audience" | "roots" | "threshold" | "generation">;

/** The configuration's text, as it goes into the gateway. */
export function configurationText(anchors: Anchors, generation: number, options: ConfigurationOptions = {}): string {
  const { audience, roots, threshold } = anchors;
  return JSON.stringify({ generation, audience, roots, threshold, ...options } satisfies Configuration);
}
