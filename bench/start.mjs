// Runs a TypeScript file of this folder in this process: `node bench/start.mjs run.ts --json FILE`. Its `main` gets the arguments.
// Vite joins it with all that it reads of ours into one file first, where each still knows its own place: that takes a third of the work
// of reading each by itself.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("../", import.meta.url));
const [file = "run.ts", ...args] = process.argv.slice(2);

/** Else a module would look for what lies beside it beside the joined file. */
const knowItsPlace = {
  name: "know-its-place",
  transform: (code, id) =>
    id.startsWith(root) && code.includes("import.meta.url")
      ? { code: code.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href)), map: null }
      : undefined,
};

async function load() {
  const { output } = await build({
    root,
    configFile: false,
    logLevel: "error",
    plugins: [knowItsPlace],
    build: {
      ssr: join(root, "bench", file),
      write: false,
      minify: false,
      sourcemap: "hidden",
      target: "node20",
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  // Below the repository, where its packages are found.
  const path = join(root, "build", `bench-${process.pid}.mjs`);
  mkdirSync(join(root, "build"), { recursive: true });
  // With its map a stack names the files as they are written.
  const map = Buffer.from(JSON.stringify(output[0].map)).toString("base64");
  writeFileSync(path, `${output[0].code}\n//# sourceMappingURL=data:application/json;base64,${map}\n`);
  try {
    return await import(pathToFileURL(path).href);
  } finally {
    rmSync(path);
  }
}

process.setSourceMapsEnabled(true);
const module = await load();
try {
  await module.main(args);
} catch (error) {
  // What a person can mend takes one line (control/base/errors.ts, known by its name). All else shows its stack.
  if (error?.name !== "UserError") throw error;
  console.error(`error: ${[error.message, error.hint].filter((text) => text !== undefined).join(" ")}`);
  process.exit(error.exitCode);
}
