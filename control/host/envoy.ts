/** This host as Envoy. */
import type { HostProfile } from "./gateway.js";
import { GatewayProcess } from "./process.js";
import { ENVOY_RULES } from "./program.js";
import { wasmPath } from "./wasm.js";

export const envoyProfile: HostProfile<GatewayProcess> = {
  name: "envoy",
  wasmPath,
  rules: ENVOY_RULES,
  statePrefix: "wasm.glassgate.",
  start: (options) => new GatewayProcess(options),
};
