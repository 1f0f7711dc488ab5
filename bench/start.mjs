// Runs a TypeScript file of this folder in this process: `node bench/start.mjs run.ts --json FILE`. Its `main` gets the arguments.
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const [file = "run.ts", ...args] = process.argv.slice(2);
const path = fileURLToPath(new URL(file, import.meta.url));
const { module } = await runnerImport(path, { configFile: false, logLevel: "error" });
try {
  await module.main(args);
} catch (error) {
  // What a person can mend takes one line (control/base/errors.ts, loaded by Vite, so known by its name). All else shows its stack.
  if (error?.name !== "UserError") throw error;
  console.error(`error: ${[error.message, error.hint].filter((text) => text !== undefined).join(" ")}`);
  process.exit(error.exitCode);
}
