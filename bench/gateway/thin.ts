/** The floor of all Wasm filters: called for each request, does nothing. Its exports are those of the release filter. */
import { compile } from "./compile.js";

const SOURCE = `
export function proxy_on_context_create(context: u32, root: u32): void {}
export function proxy_on_configure(root: u32, size: u32): u32 { return 1; }
export function proxy_on_request_headers(context: u32, headers: u32, isEnd: u32): i32 { return 0; }
export function proxy_on_delete(context: u32): void {}
`;

export const compileThinFilter = (): Promise<Uint8Array> => compile("thin", SOURCE);
