// Builds build/glassgate.wasm from assembly/ with the settings in asconfig.json.
import { mkdirSync, renameSync, statSync } from "node:fs";
import asc from "assemblyscript/asc";

mkdirSync("build", { recursive: true });
/** Binaryen's note that one more round would still have shrunk the code a little: nothing to act on, the output is the same each time. */
const NOTE = /^Last converge was suboptimal\.\n?/m;
/** Renamed when whole: a gateway or a test may be reading the one before. */
const made = { wasm: `build/.${process.pid}.wasm`, wat: `build/.${process.pid}.wat` };
const files = ["--outFile", made.wasm, "--textFile", made.wat];
const { error } = await asc.main(["--config", "asconfig.json", "--target", "release", ...files], {
  stdout: process.stdout,
  stderr: { write: (text) => process.stderr.write(String(text).replace(NOTE, "")) },
});
if (error) {
  console.error(`The filter did not compile: ${error.message}`);
  process.exit(1);
}
for (const [kind, path] of Object.entries(made)) renameSync(path, `build/glassgate.${kind}`);
console.log(`build/glassgate.wasm: ${statSync("build/glassgate.wasm").size} bytes`);
