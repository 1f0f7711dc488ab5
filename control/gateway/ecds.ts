/** The ECDS file: what Envoy's filesystem subscription reads. It watches renames only, so the file is never written in place. */
import { writeText } from "../base/files.js";
import { WASM_TYPE } from "./config.js";
import { isRecord, type RenderedFilter } from "./render.js";

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
