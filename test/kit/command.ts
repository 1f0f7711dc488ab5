/**
 * The built command once more, with the same code in one file: it starts in a third of the time, and the tests start it a thousand
 * times. What is made here is `dist/` and its packages, joined by Vite: each file still knows itself at its own place, so that it finds
 * what lies beside it. One number is another: its keys are sealed with little work, where a guesser of passphrases is to have much; that
 * the true command gives it to him is seen in test/cli/key.test.ts. The command as it is installed runs in test/cli/package.test.ts, and
 * wherever a test says `main`.
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "vite";

/** Where the tests, and what they start, find its path. */
const VARIABLE = "GLASSGATE_TEST_COMMAND";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const entry = join(repository, "dist/cli/main.js");
/** One for each run of the tests: another may be starting its commands meanwhile. */
const folder = join(repository, `build/command-${process.pid}`);

const knowItsPlace: Plugin = {
  name: "know-its-place",
  transform: (code, id) =>
    id.startsWith(join(repository, "dist"))
      ? code.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href))
      : undefined,
};

/** Half a second of work less for each key that is made, and each time it is opened. */
const FEW_ITERATIONS = 1000;
const ITERATIONS = /^const ITERATIONS = [\d_]+;$/m;

const sealWithLittleWork: Plugin = {
  name: "seal-with-little-work",
  transform: (code, id) => {
    if (id !== join(repository, "dist/signer/keyfile.js")) return undefined;
    if (!ITERATIONS.test(code)) throw new Error("dist/signer/keyfile.js says its ITERATIONS in other words");
    return code.replace(ITERATIONS, `const ITERATIONS = ${FEW_ITERATIONS};`);
  },
};

export default async function joinCommand(): Promise<(() => void) | undefined> {
  if (!existsSync(entry)) return undefined; // `npm run build` comes first; the tests that need it say so.
  await build({
    root: repository,
    configFile: false,
    logLevel: "warn",
    plugins: [knowItsPlace, sealWithLittleWork],
    ssr: { noExternal: true },
    build: {
      ssr: entry,
      outDir: folder,
      minify: false,
      target: "node20",
      rolldownOptions: { output: { entryFileNames: "[name].mjs", chunkFileNames: "[name].mjs" } },
    },
  });
  process.env[VARIABLE] = join(folder, "main.mjs");
  return () => rmSync(folder, { recursive: true, force: true });
}
