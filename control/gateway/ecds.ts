/** The ECDS file: what Envoy's filesystem subscription reads. It watches renames only, so the file is never written in place. */
import { z } from "zod";
import { readTextIfThere, writeText } from "../base/files.js";
import { isRecord } from "../base/schema.js";
import { type Configuration, configurationSchema } from "../trust/configuration.js";
import { WASM_TYPE } from "./config.js";
import type { RenderedFilter } from "./rendered.js";

/** The DiscoveryResponse with the filter, its configuration and, for healing, another VM. */
export function ecdsText(
  filter: RenderedFilter,
  configuration: string,
  vmId: string | undefined,
  version: string,
): string {
  const vmConfig = isRecord(filter.config.vm_config) ? filter.config.vm_config : {};
  const config = {
    ...filter.config,
    vm_config: vmId === undefined ? vmConfig : { ...vmConfig, vm_id: vmId },
    configuration: { "@type": "type.googleapis.com/google.protobuf.StringValue", value: configuration },
  };
  const resource = {
    "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
    name: filter.name,
    typed_config: { "@type": WASM_TYPE, config },
  };
  return `${JSON.stringify({ version_info: version, resources: [resource] }, null, 2)}\n`;
}

export function writeEcds(path: string, text: string): void {
  writeText(path, text, { mode: 0o644 });
}

/** The configuration text in the filter's default_config: no bundle. */
export function defaultConfiguration(filter: RenderedFilter): string {
  const { configuration } = filter.config;
  const value = isRecord(configuration) ? configuration.value : undefined;
  return typeof value === "string" ? value : "";
}

export function vmIdOf(filter: RenderedFilter): string {
  const { vm_config: vmConfig } = filter.config;
  const id = isRecord(vmConfig) ? vmConfig.vm_id : undefined;
  return typeof id === "string" ? id : "glassgate-1";
}

const ecdsSchema = z.object({
  resources: z.tuple([
    z.object({
      typed_config: z.object({
        config: z.object({
          vm_config: z.object({ vm_id: z.string() }),
          configuration: z.object({ value: z.string() }),
        }),
      }),
    }),
  ]),
});

export interface Deployed {
  readonly text: string;
  readonly vmId: string;
  readonly configuration: Configuration;
}

/** What the file holds now; undefined when there is none, or when it is not what `push` writes. */
export function readDeployed(path: string): Deployed | undefined {
  const text = readTextIfThere(path, "the ECDS file");
  if (text === undefined) return undefined;
  try {
    const { config } = ecdsSchema.parse(JSON.parse(text)).resources[0].typed_config;
    const configuration = configurationSchema.parse(JSON.parse(config.configuration.value));
    return { text, vmId: config.vm_config.vm_id, configuration };
  } catch {
    return undefined; // Not ours, or damaged: push writes a whole new one.
  }
}
