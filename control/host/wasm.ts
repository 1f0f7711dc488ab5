/** The release filter. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { systemCode, UserError } from "../base/errors.js";

/** build/glassgate.wasm of this package: the same depth from control/ and dist/. */
export const wasmPath = fileURLToPath(new URL("../../build/glassgate.wasm", import.meta.url));

/** @param path another filter than the package's own */
export async function loadFilter(path = wasmPath): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(readFileSync(path));
  } catch (error) {
    const reason = systemCode(error) === "ENOENT" ? "is missing" : "is no WebAssembly module";
    throw new UserError(`The filter ${path} ${reason}.`, { cause: error, hint: "Build it with `npm run build`." });
  }
}
