/** Compiles the benchmark's own Proxy-Wasm modules, with the release filter's compiler and options. */
import { readFileSync } from "node:fs";
import asc from "assemblyscript/asc";

const OPTIONS = ["--runtime", "minimal", "--exportStart", "_initialize", "-O3", "--noAssert", "--use", "abort="];

/** What every such module has: the filter that does nothing, whose allocator is a ring that is never freed. */
const COMMON = `
${readFileSync(new URL("../../test/fixtures/noop.ts", import.meta.url), "utf8")}
export function proxy_on_vm_start(root: u32, size: u32): u32 { return 1; }
`;

/** @param source AssemblyScript. @returns the module's bytes */
export async function compile(name: string, source: string): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  const { error, stderr } = await asc.main([`${name}.ts`, "--outFile", `${name}.wasm`, ...OPTIONS], {
    readFile: (file) => (file === `${name}.ts` ? COMMON + source : null),
    writeFile: (file, contents) => {
      if (file === `${name}.wasm` && typeof contents !== "string") bytes = contents;
    },
  });
  if (error !== null || bytes === undefined) throw new Error(`${name} does not compile: ${stderr.toString()}`);
  return bytes;
}
