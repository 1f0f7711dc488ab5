/** The filters of the release. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { messageOf, systemCode, UserError } from "../base/errors.js";
import { checkProgram, type LoadingRules, type Program } from "./program.js";

/** build/glassgate.wasm of this package: the same depth from control/ and dist/. */
export const wasmPath = fileURLToPath(new URL("../../build/glassgate.wasm", import.meta.url));

/** The same filter for Kong: build/glassgate-kong.wasm. */
export const kongWasmPath = fileURLToPath(new URL("../../build/glassgate-kong.wasm", import.meta.url));

/**
 * @param wasm another filter than the package's own: its path or its bytes
 * @param rules of the gateway that loads it: Envoy's
 */
export async function loadProgram(wasm: string | Uint8Array = wasmPath, rules?: LoadingRules): Promise<Program> {
  if (typeof wasm !== "string") return checkProgram(wasm, "(given as bytes)", rules);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(wasm);
  } catch (error) {
    const reason = systemCode(error) === "ENOENT" ? "is missing" : `cannot be read: ${messageOf(error)}`;
    throw new UserError(`The filter ${wasm} ${reason}.`, { cause: error, hint: "Build it with `npm run build`." });
  }
  return checkProgram(bytes, wasm, rules);
}
