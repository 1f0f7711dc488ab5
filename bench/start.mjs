// Runs a TypeScript file of this folder in this process: `node bench/start.mjs run.ts --json FILE`. Its `main` gets the arguments.
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const [file = "run.ts", ...args] = process.argv.slice(2);
const path = fileURLToPath(new URL(file, import.meta.url));
const { module } = await runnerImport(path, { configFile: false, logLevel: "error" });
await module.main(args);
