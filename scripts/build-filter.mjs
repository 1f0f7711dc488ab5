// Builds build/glassgate.wasm from assembly/ with the settings in asconfig.json.
import { mkdirSync, statSync } from "node:fs";
import asc from "assemblyscript/asc";

mkdirSync("build", { recursive: true });
/** Binaryen's note that one more round would still have shrunk the code a little: nothing to act on, the output is the same each time. */
const NOTE = /^Last converge was suboptimal\.\n?/m;
const { error } = await asc.main(["--config", "asconfig.json", "--target", "release"], {
  stdout: process.stdout,
  stderr: { write: (text) => process.stderr.write(String(text).replace(NOTE, "")) },
});
if (error) {
  console.error(`The filter did not compile: ${error.message}`);
  process.exit(1);
}
console.log(`build/glassgate.wasm: ${statSync("build/glassgate.wasm").size} bytes`);
