/** Compiles a small AssemblyScript module of test/fixtures with the release settings. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** @returns the module's path in build/ */
export async function compileFixture(name: string): Promise<string> {
  const out = join("build", `fixture-${name}.wasm`);
  const options = [
    "--runtime",
    "minimal",
    "--exportStart",
    "_initialize",
    "-O2",
    "--noAssert",
    "--enable",
    "simd",
    "--use",
    "abort=assembly/host/abort/abort",
  ];
  const { error, stderr } = await asc.main([
    `test/fixtures/${name}.ts`,
    "--baseDir",
    root,
    "--outFile",
    out,
    ...options,
  ]);
  if (error !== null) throw new Error(`the fixture ${name} does not compile: ${stderr.toString()}`);
  return join(root, out);
}
