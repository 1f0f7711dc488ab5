/** Compiles a small AssemblyScript module of test/fixtures with the release settings. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { GuestInstance } from "../../control/host/instance.js";
import { readModule } from "../../control/host/module.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Of a name that is not there: else the compiler takes asconfig.json from the folder, and with it the whole filter as further entries. */
export const NO_CONFIGURATION = ["--config", "none.json"] as const;

/** A failed assertion traps; where the filter is part of it, as the filter does. @returns the module's path in build/ */
export async function compileFixture(name: string): Promise<string> {
  const out = join("build", `fixture-${name}.wasm`);
  const source = readFileSync(join(root, `test/fixtures/${name}.ts`), "utf8");
  const options = [
    ...NO_CONFIGURATION,
    ...["--runtime", "minimal", "--exportStart", "_initialize", "-O2", "--noAssert"],
    ...["--enable", "simd,bulk-memory,sign-extension,mutable-globals", "--maximumMemory", "4096"],
    ...["--use", source.includes("/assembly/index") ? "abort=assembly/host/abort/abort" : "abort="],
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

/** A fixture that needs no gateway, started. It exports `malloc`. A trap throws. */
export async function startFixture(name: string): Promise<GuestInstance> {
  const bytes = readFileSync(await compileFixture(name));
  const program = {
    module: new WebAssembly.Module(bytes),
    shape: readModule(bytes),
    allocator: "malloc",
    sha256: "",
  };
  const instance = new GuestInstance(program, {
    resolve: () => undefined,
    intercept: () => undefined,
    onTrap: (reason) => {
      throw new Error(reason);
    },
  });
  instance.start();
  return instance;
}
