/** A filter that may be loaded: what Envoy refuses to load is refused here, with the same reasons. */
import { createHash } from "node:crypto";
import { messageOf, UserError } from "../base/errors.js";
import { CALLBACKS, IMPORTS, WASI, WASI_IMPORTS } from "./abi.js";
import { ModuleFormatError, type ModuleShape, readModule } from "./module.js";

const ABI = "proxy_abi_version_0_2_1";
const HINT = "Build it with `npm run build`.";

export interface Program {
  readonly module: WebAssembly.Module;
  readonly shape: ModuleShape;
  /** The export that gives memory: `malloc` first. */
  readonly allocator: string;
  readonly sha256: string;
}

function refuse(name: string, reason: string): never {
  throw new UserError(`The filter ${name} does not load: ${reason}.`, { hint: HINT });
}

function checkImports(name: string, shape: ModuleShape): void {
  for (const { module, name: imported, kind, signature } of shape.imports) {
    const full = `${module}.${imported}`;
    if (kind !== "function") refuse(name, `it imports the ${kind} ${full}, which this host does not give`);
    const isWasi = module.startsWith("wasi");
    const wanted = module === "env" ? IMPORTS.get(imported) : module === WASI ? WASI_IMPORTS.get(imported) : undefined;
    if (wanted === undefined && isWasi) {
      const offered = [...WASI_IMPORTS.keys()].join(", ");
      refuse(name, `it imports ${full}, and of WASI this host offers only ${WASI}.${offered}`);
    }
    if (wanted === undefined) refuse(name, `it imports ${full}, which no gateway offers`);
    if (wanted !== signature) {
      refuse(name, `it imports ${full} as ${signature ?? "?"}, but gateways offer it as ${wanted} (i: i32, I: i64)`);
    }
  }
}

function checkExports(name: string, shape: ModuleShape): string {
  if (!shape.functions.has(ABI)) {
    const other = [...shape.functions.keys()].find((key) => key.startsWith("proxy_abi_version_"));
    refuse(name, `it does not export ${ABI}${other === undefined ? "" : ` (it exports ${other})`}`);
  }
  if (shape.memories.length !== 1) refuse(name, "it does not export its memory");
  for (const [callback, wanted] of CALLBACKS) {
    const signature = shape.functions.get(callback);
    if (signature !== undefined && signature !== wanted) {
      refuse(name, `it exports ${callback} as ${signature}, but gateways call it as ${wanted} (i: i32, I: i64)`);
    }
  }
  const allocator = ["malloc", "proxy_on_memory_allocate"].find((key) => shape.functions.has(key));
  return allocator ?? refuse(name, "it exports neither malloc nor proxy_on_memory_allocate");
}

/** @param name stands in errors: a path */
export function checkProgram(bytes: Uint8Array, name: string): Program {
  let shape: ModuleShape;
  let module: WebAssembly.Module;
  try {
    shape = readModule(bytes);
    module = new WebAssembly.Module(bytes);
  } catch (error) {
    if (!(error instanceof ModuleFormatError || error instanceof WebAssembly.CompileError)) throw error;
    throw new UserError(`The filter ${name} is no WebAssembly module: ${messageOf(error)}.`, {
      hint: HINT,
      cause: error,
    });
  }
  checkImports(name, shape);
  const allocator = checkExports(name, shape);
  return { module, shape, allocator, sha256: createHash("sha256").update(bytes).digest("hex") };
}
