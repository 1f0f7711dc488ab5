/** The benchmark's own Wasm filters, each delivered as the release filter is: by an ECDS file. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { WASM_TYPE } from "../../control/gateway/config.js";
import { ecdsText, writeEcds } from "../../control/gateway/ecds.js";

export interface Module {
  /** Of its listener too. */
  readonly name: string;
  /** Modules of the same one and the same bytes share their VMs. */
  readonly vmId: string;
  readonly bytes: Uint8Array;
  /** Default: its name. */
  readonly rootId?: string;
  readonly configuration: string;
}

/** Writes code and configuration into `folder`; returns the filter for a listener. */
export function deliver({ name, vmId, bytes, rootId = name, configuration }: Module, folder: string): object {
  const filename = join(folder, `${vmId}.wasm`);
  const ecdsPath = join(folder, `ecds-${name}`, "filter.json");
  mkdirSync(join(ecdsPath, ".."));
  writeFileSync(filename, bytes);
  const config = {
    name,
    root_id: rootId,
    vm_config: { vm_id: vmId, runtime: "envoy.wasm.runtime.v8", code: { local: { filename } } },
  };
  writeEcds(ecdsPath, ecdsText({ name, ecdsPath, config }, configuration, undefined, "1"));
  return {
    name,
    config_discovery: {
      config_source: { resource_api_version: "V3", path_config_source: { path: ecdsPath } },
      type_urls: [WASM_TYPE],
    },
  };
}
