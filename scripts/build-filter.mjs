// Builds build/glassgate.wasm from assembly/ with the settings in asconfig.json.
import { mkdirSync, statSync } from "node:fs";
import asc from "assemblyscript/asc";

mkdirSync("build", { recursive: true });
const { error, stderr } = await asc.main(["--config", "asconfig.json", "--target", "release"], {
  stdout: process.stdout,
  stderr: process.stderr,
});
if (error) {
  console.error(`The filter did not compile: ${error.message}`);
  process.exit(1);
}
void stderr;
console.log(`build/glassgate.wasm: ${statSync("build/glassgate.wasm").size} bytes`);
