/**
 * The built command once more, with the same code in one file: it starts in a third of the time, and the tests start it a thousand
 * times. What is made here is `dist/` and its packages, joined by Vite: each file still knows itself at its own place, so that it finds
 * what lies beside it. One number is another: its keys are sealed with little work, where a guesser of passphrases is to have much; that
 * the true command gives it to him is seen in test/cli/key.test.ts. The command as it is installed runs in test/cli/package.test.ts, and
 * wherever a test says `main`.
 */
import { execFileSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
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

/** The command with other words in one of its files. */
const changed = (name: string, file: string, from: RegExp, to: string): Plugin => ({
  name,
  transform: (code, id) => {
    if (id !== join(repository, "dist", file)) return undefined;
    if (!from.test(code)) throw new Error(`dist/${file} has no longer what is changed here: ${from.source}`);
    return code.replace(from, to);
  },
});

/** Half a second of work less for each key that is made, and each time it is opened. */
const sealWithLittleWork = changed(
  "seal-with-little-work",
  "signer/keyfile.js",
  /^const ITERATIONS = [\d_]+;$/m,
  "const ITERATIONS = 1000;",
);

/** A script has no `await` at its top. */
const asScript = changed(
  "as-script",
  "cli/main.js",
  /^const \{ main \} = await import\("\.\/run\.js"\);\nawait main\(args\);$/m,
  'void import("./run.js").then(({ main }) => main(args));',
);

/**
 * What is started: the joined file with the code that was compiled from it before, as Node itself can do it only from version 22 on
 * (`module.enableCompileCache`). Its first run, which `joinCommand` makes, writes that; another Node, or one with other flags, does without.
 */
const START = `"use strict";
const { existsSync, readFileSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { Script } = require("node:vm");
const filename = join(__dirname, "whole.cjs");
const compiled = join(__dirname, "compiled");
const source = readFileSync(filename, "utf8").replace(/^#!.*/, "");
const isCompiled = existsSync(compiled);
const script = new Script(\`(function (exports, require, module) {\${source}\n})\`, {
  filename,
  ...(isCompiled ? { cachedData: readFileSync(compiled) } : {}),
});
if (!isCompiled) process.once("exit", () => writeFileSync(compiled, script.createCachedData()));
script.runInThisContext()(exports, require, module);
`;

export default async function joinCommand(): Promise<(() => void) | undefined> {
  if (!existsSync(entry)) return undefined; // `npm run build` comes first; the tests that need it say so.
  await build({
    root: repository,
    configFile: false,
    logLevel: "warn",
    plugins: [knowItsPlace, sealWithLittleWork, asScript],
    ssr: { noExternal: true },
    build: {
      ssr: entry,
      outDir: folder,
      minify: false,
      target: "node20",
      rolldownOptions: { output: { format: "cjs", codeSplitting: false, entryFileNames: "whole.cjs" } },
    },
  });
  const main = join(folder, "main.cjs");
  writeFileSync(main, START);
  // All commands are read for the help.
  execFileSync(process.execPath, [main, "--help"], { stdio: "ignore" });
  process.env[VARIABLE] = main;
  return () => rmSync(folder, { recursive: true, force: true });
}
