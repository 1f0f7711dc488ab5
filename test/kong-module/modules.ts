/** Filters that are none, in WebAssembly's text form, which Wasmtime reads as it reads the other. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

interface Bent {
  /** Instructions of `proxy_on_configure`, which leave one number: 1 is "taken". */
  readonly configure?: string;
  readonly imports?: string;
}

/** Every export that the module demands, and nothing behind them. */
const text = ({ configure = "i32.const 1", imports = "" }: Bent): string => `(module
  ${imports}
  (memory (export "memory") 1)
  (global $top (mut i32) (i32.const 1024))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "_initialize"))
  (func (export "malloc") (param i32) (result i32)
    global.get $top
    global.get $top
    local.get 0
    i32.add
    global.set $top)
  (func (export "proxy_on_context_create") (param i32 i32)
    i32.const 1024
    global.set $top)
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) i32.const 1)
  (func (export "proxy_on_configure") (param i32 i32) (result i32) ${configure})
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) i32.const 0)
  (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32) i32.const 0)
  (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) i32.const 0)
  (func (export "proxy_on_response_body") (param i32 i32 i32) (result i32) i32.const 0)
  (func (export "proxy_on_done") (param i32) (result i32) i32.const 1)
  (func (export "proxy_on_log") (param i32))
  (func (export "proxy_on_delete") (param i32)))
`;

const TEXTS = {
  /** Lets everything pass. */
  empty: text({}),
  refusing: text({ configure: "i32.const 0" }),
  trapping: text({ configure: "unreachable" }),
  /** As Envoy has it; this host's is of another type. */
  misfit: text({ imports: '(import "env" "proxy_get_log_level" (func (param i32) (result i64)))' }),
} as const;

export type Name = keyof typeof TEXTS;

/** Writes them into the folder. @returns name and path of each */
export function writeModules(folder: string, names: readonly Name[]): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => {
      const path = join(folder, `${name}.wat`);
      writeFileSync(path, TEXTS[name]);
      return [name, path];
    }),
  );
}
