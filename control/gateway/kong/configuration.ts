/** The filter's configuration as a Kong gateway holds it: written out, or as one text (all that Kong 3.4 takes). */
import type { z } from "zod";
import { isRecord } from "../../base/schema.js";
import { type Configuration, configurationSchema, deployedSchema } from "../../trust/configuration.js";
import { type Deployed, readBundle } from "../ecds.js";

export const upstreamHeaderSchema = configurationSchema.shape.upstream_header.unwrap();
export type UpstreamHeader = z.infer<typeof upstreamHeaderSchema>;

/** As an object, whichever way it is written; undefined where it is neither. */
export function configurationIn(config: unknown): Readonly<Record<string, unknown>> | undefined {
  if (isRecord(config)) return config;
  if (typeof config !== "string") return undefined;
  try {
    const read: unknown = JSON.parse(config);
    return isRecord(read) ? read : undefined;
  } catch {
    return undefined; // The caller says whose configuration it is.
  }
}

/** In the form that the one before has. */
export const inFormOf = (before: unknown, configuration: string): unknown =>
  typeof before === "string" ? configuration : JSON.parse(configuration);

export function upstreamHeaderOf(configuration: Readonly<Record<string, unknown>>): UpstreamHeader | undefined {
  return upstreamHeaderSchema.safeParse(configuration.upstream_header).data;
}

/** The same that an ECDS file holds for an Envoy; undefined when it is not what `render` and `push` write. */
export function deployedIn(config: unknown): Deployed | undefined {
  const configuration: Configuration | undefined = deployedSchema.safeParse(configurationIn(config)).data;
  if (configuration === undefined) return undefined;
  const bundle = configuration.bundle === undefined ? undefined : readBundle(configuration.bundle);
  return { text: JSON.stringify(configuration), vmId: "", configuration, bundle };
}

/** Whether a text is a declarative Kong configuration: nothing of Envoy's begins so. */
export const isKongFile = (text: string): boolean => /(?:^|\n|[{,]\s*)["']?_format_version["']?\s*:/.test(text);

/** The declarative configuration in a file of it, or in what `GET /config` of a Kong without database answers. */
export function kongTextIn(text: string): string | undefined {
  if (isKongFile(text)) return text;
  const inner = text.includes("_format_version") ? configurationIn(text)?.config : undefined;
  return typeof inner === "string" && isKongFile(inner) ? inner : undefined;
}
