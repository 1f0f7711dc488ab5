/** The floor: a Proxy-Wasm filter of the same compiler that is called for each request and does nothing. */
import asc from "assemblyscript/asc";

/** AssemblyScript. The exports are those of the release filter; none calls the host. */
const SOURCE = `
const arena: usize = memory.data(1048576, 16);
let top: usize = arena;

export function malloc(size: usize): usize {
  if (top + size > arena + 1048576) top = arena;
  const ptr = top;
  top += (size + 15) & ~(<usize>15);
  return ptr;
}

export function proxy_abi_version_0_2_1(): void {}
export function proxy_on_context_create(context: u32, root: u32): void {}
export function proxy_on_vm_start(root: u32, size: u32): u32 { return 1; }
export function proxy_on_configure(root: u32, size: u32): u32 { return 1; }
export function proxy_on_request_headers(context: u32, headers: u32, isEnd: u32): i32 { return 0; }
export function proxy_on_delete(context: u32): void {}
`;

const OPTIONS = ["--runtime", "minimal", "--exportStart", "_initialize", "-O3", "--noAssert", "--use", "abort="];

/** The module's bytes. */
export async function compileThinFilter(): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  const { error, stderr } = await asc.main(["thin.ts", "--outFile", "thin.wasm", ...OPTIONS], {
    readFile: (name) => (name === "thin.ts" ? SOURCE : null),
    writeFile: (name, contents) => {
      if (name === "thin.wasm" && typeof contents !== "string") bytes = contents;
    },
  });
  if (error !== null || bytes === undefined) throw new Error(`the thin filter does not compile: ${stderr.toString()}`);
  return bytes;
}
