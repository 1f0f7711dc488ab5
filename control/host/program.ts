/** A filter that may be loaded: what its gateway refuses to load is refused here, with the same reasons. */
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

/** What one gateway loads and another does not. */
export interface LoadingRules {
  /** Everything that is offered under the module name `env`. */
  readonly imports: ReadonlyMap<string, string>;
  /** Who offers something else, in the words of a refusal: `gateways offer`. */
  readonly offered: string;
  /** Who does not: `no gateway offers`. */
  readonly absent: string;
  /** Exports without which there is no filter, and what the gateway does where one is missing. */
  readonly mandatory: ReadonlyMap<string, string>;
}

export const ENVOY_RULES: LoadingRules = {
  imports: IMPORTS,
  offered: "gateways offer",
  absent: "no gateway offers",
  mandatory: new Map(),
};

function refuse(name: string, reason: string): never {
  throw new UserError(`The filter ${name} does not load: ${reason}.`, { hint: HINT });
}

function checkImports(name: string, shape: ModuleShape, { imports, offered, absent }: LoadingRules): void {
  for (const { module, name: imported, kind, signature } of shape.imports) {
    const full = `${module}.${imported}`;
    if (kind !== "function") refuse(name, `it imports the ${kind} ${full}, which this host does not give`);
    const isWasi = module.startsWith("wasi");
    const wanted = module === "env" ? imports.get(imported) : module === WASI ? WASI_IMPORTS.get(imported) : undefined;
    if (wanted === undefined && isWasi) {
      const given = [...WASI_IMPORTS.keys()].join(", ");
      refuse(name, `it imports ${full}, and of WASI this host offers only ${WASI}.${given}`);
    }
    if (wanted === undefined) refuse(name, `it imports ${full}, which ${absent}`);
    if (wanted !== signature) {
      refuse(name, `it imports ${full} as ${signature ?? "?"}, but ${offered} it as ${wanted} (i: i32, I: i64)`);
    }
  }
}

function checkExports(name: string, shape: ModuleShape, { mandatory }: LoadingRules): string {
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
  for (const [callback, without] of mandatory) {
    if (!shape.functions.has(callback)) refuse(name, `it does not export ${callback}: without it ${without}`);
  }
  const allocator = ["malloc", "proxy_on_memory_allocate"].find((key) => shape.functions.has(key));
  return allocator ?? refuse(name, "it exports neither malloc nor proxy_on_memory_allocate");
}

/** @param name stands in errors: a path */
export function checkProgram(bytes: Uint8Array, name: string, rules: LoadingRules = ENVOY_RULES): Program {
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
  checkImports(name, shape, rules);
  const allocator = checkExports(name, shape, rules);
  return { module, shape, allocator, sha256: createHash("sha256").update(bytes).digest("hex") };
}
