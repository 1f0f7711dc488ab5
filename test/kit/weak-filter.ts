/** The filter with one check taken out, as a build in a hurry makes it: for what must notice it. */
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { NO_CONFIGURATION } from "./fixture.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What stands in a source, once, and what stands there instead. */
export interface Weakening {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** @returns the module's path in build/ */
export async function compileWeakened(name: string, weakenings: readonly Weakening[]): Promise<string> {
  const out = join("build", `weak-${name}.wasm`);
  const missing = new Set(weakenings);
  /** Null where there is none: the compiler asks for files where a module might be. */
  const read = async (file: string, folder: string): Promise<string | null> => {
    const path = join(folder, file);
    let text: string;
    try {
      text = await readFile(path, "utf8");
    } catch {
      return null;
    }
    for (const one of weakenings.filter((each) => each.file === relative(root, path))) {
      if (text.split(one.from).length !== 2) throw new Error(`${one.file} does not have once: ${one.from}`);
      text = text.replace(one.from, () => one.to);
      missing.delete(one);
    }
    return text;
  };
  const options = [
    ...NO_CONFIGURATION,
    ...["--runtime", "minimal", "--exportStart", "_initialize", "-O1", "--noAssert", "--stackSize", "0"],
    ...["--enable", "simd,bulk-memory,sign-extension,mutable-globals", "--maximumMemory", "4096"],
    ...["--use", "abort=assembly/host/abort/abort"],
  ];
  const entries = ["assembly/index.ts", "assembly/tools.ts"];
  const { error, stderr } = await asc.main([...entries, "--baseDir", root, "--outFile", out, ...options], {
    readFile: read,
  });
  if (error !== null) throw new Error(`the filter with ${name} does not compile: ${stderr.toString()}`);
  if (missing.size > 0) throw new Error(`${[...missing].map(({ file }) => file).join(", ")} was not compiled`);
  return join(root, out);
}
