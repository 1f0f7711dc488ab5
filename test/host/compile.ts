/** Compiles the AssemblyScript fixtures, once each. */
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { NO_CONFIGURATION } from "../kit/fixture.js";

const folder = fileURLToPath(new URL("../assembly/host/", import.meta.url));
const compiled = new Map<string, Promise<Uint8Array>>();

export interface SourceOptions {
  /** Top-level statements run when the module is instantiated, instead of in `_initialize`. */
  readonly hasStartSection?: boolean;
}

async function run(
  file: string,
  flags: readonly string[],
  sources: Readonly<Record<string, string>> | undefined,
): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [file, "--outFile", "out.wasm", ...NO_CONFIGURATION, "--runtime", "stub", "--use", "abort=", "-O1", ...flags],
    {
      ...(sources === undefined ? {} : { readFile: (name) => sources[name] ?? null }),
      writeFile: (name, contents) => {
        if (name.endsWith(".wasm") && typeof contents !== "string") bytes = contents;
      },
    },
  );
  if (error !== null || bytes === undefined) throw new Error(`${file} does not compile: ${stderr.toString()}`);
  return bytes;
}

const INITIALIZE = ["--exportStart", "_initialize"];

/** A fixture of test/assembly/host, by its name. */
export function fixture(name: string): Promise<Uint8Array> {
  const present = compiled.get(name) ?? run(`${folder}${name}.ts`, INITIALIZE, undefined);
  compiled.set(name, present);
  return present;
}

/** A module from source text; imports come from the text itself (`@external`). */
export function source(text: string, flags: readonly string[] = [], options: SourceOptions = {}): Promise<Uint8Array> {
  const start = options.hasStartSection === true ? [] : INITIALIZE;
  return run("module.ts", [...start, ...flags], { "module.ts": text });
}
