/** Compiles the AssemblyScript fixtures, once each. */
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const folder = fileURLToPath(new URL("../assembly/host/", import.meta.url));
const compiled = new Map<string, Promise<Uint8Array>>();

async function run(
  sources: Readonly<Record<string, string>>,
  file: string,
  flags: readonly string[],
): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  const readFile = (name: string): string | null => sources[name] ?? null;
  const { error, stderr } = await asc.main(
    [
      file,
      "--outFile",
      "out.wasm",
      "--runtime",
      "stub",
      "--use",
      "abort=",
      "--exportStart",
      "_initialize",
      "-O1",
      ...flags,
    ],
    {
      ...(Object.keys(sources).length > 0 ? { readFile } : {}),
      writeFile: (name, contents) => {
        if (name.endsWith(".wasm") && typeof contents !== "string") bytes = contents;
      },
    },
  );
  if (error !== null || bytes === undefined) throw new Error(`${file} does not compile: ${stderr.toString()}`);
  return bytes;
}

/** A fixture of test/assembly/host, by its name. */
export function fixture(name: string): Promise<Uint8Array> {
  const present = compiled.get(name) ?? run({}, `${folder}${name}.ts`, []);
  compiled.set(name, present);
  return present;
}

/** A module from source text; imports come from the text itself (`@external`). */
export function source(text: string, flags: readonly string[] = []): Promise<Uint8Array> {
  return run({ "module.ts": text }, "module.ts", flags);
}
