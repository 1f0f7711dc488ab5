/** This host as Kong 3.4 to 3.9: nginx with ngx_wasm_module. */
import type { HostProfile } from "../gateway.js";
import { kongWasmPath } from "../wasm.js";
import { NGX_RULES } from "./abi.js";
import { NgxProcess } from "./process.js";
import type { NgxOptions } from "./surroundings.js";

export function ngxProfile(nginx: NgxOptions = {}): HostProfile<NgxProcess> {
  return {
    name: "ngx",
    wasmPath: kongWasmPath,
    rules: NGX_RULES,
    statePrefix: "kong.ctx.shared.glassgate_",
    start: (options) => new NgxProcess(options, nginx),
  };
}
