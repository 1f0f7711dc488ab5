/** What the other host does not load, and what becomes of requests then: the refusal says it. */
import { describe, expect, it } from "vitest";
import { FilterHost } from "../../../control/host/host.js";
import { IMPORTS } from "../../../control/host/ngx/abi.js";
import { ngxProfile } from "../../../control/host/ngx/profile.js";
import { wasmPath } from "../../../control/host/wasm.js";
import { source } from "../compile.js";

const EXPORTS: Readonly<Record<string, string>> = {
  proxy_abi_version_0_2_1: "(): void {}",
  malloc: "(size: usize): usize { return heap.alloc(size); }",
  proxy_on_context_create: "(a: u32, b: u32): void {}",
  proxy_on_vm_start: "(a: u32, b: u32): u32 { return 1; }",
  proxy_on_configure: "(a: u32, b: u32): u32 { return 1; }",
  proxy_on_request_headers: "(a: u32, b: u32, c: u32): u32 { return 0; }",
  proxy_on_request_body: "(a: u32, b: u32, c: u32): u32 { return 0; }",
  proxy_on_response_headers: "(a: u32, b: u32, c: u32): u32 { return 0; }",
  proxy_on_response_body: "(a: u32, b: u32, c: u32): u32 { return 0; }",
  proxy_on_done: "(a: u32): u32 { return 1; }",
  proxy_on_log: "(a: u32): void {}",
  proxy_on_delete: "(a: u32): void {}",
};
const all = Object.keys(EXPORTS);
const filter = (names: readonly string[], more = ""): string =>
  names.map((name) => `export function ${name}${EXPORTS[name]}\n`).join("") + more;

const DIES = /does not load: it does not export \w+: without it the worker dies by SIGSEGV/;
const PASSES = /does not load: it does not export \w+: without it no chain is attached, and requests pass unjudged/;

async function load(text: string): Promise<FilterHost<never> | unknown> {
  const wasm = await source(text);
  return FilterHost.loadAs(ngxProfile(), { wasm });
}

describe("loading on nginx", () => {
  it("with every mandatory export", async () => {
    const wasm = await source(filter(all));
    const host = await FilterHost.loadAs(ngxProfile(), { wasm });
    expect(host.configure("").accepted).toBe(true);
    expect(
      host.request({
        headers: [
          [":path", "/"],
          ["host", "h"],
        ],
      }),
    ).toMatchObject({ kind: "continue", isUnjudged: false });
  });

  for (const missing of all.filter((name) => name.startsWith("proxy_on_"))) {
    it(`without ${missing}`, async () => {
      const wanted = /context_create|vm_start|configure/.test(missing) ? PASSES : DIES;
      await expect(load(filter(all.filter((name) => name !== missing)))).rejects.toThrow(wanted);
    });
  }

  it("with proxy_get_log_level as Envoy has it", async () => {
    const text = `@external("env", "proxy_get_log_level") declare function l(a: usize): i32;\nexport function x(): i32 { return l(8); }`;
    await expect(load(filter(all, text))).rejects.toThrow(/proxy_get_log_level as i>i, but nginx offers it as ii>i/);
  });

  it("with calls that it does not have: the refusal says that requests pass then", async () => {
    const text = `@external("env", "proxy_get_header_map_size") declare function l(a: i32, b: usize): i32;\nexport function x(): i32 { return l(0, 8); }`;
    await expect(load(filter(all, text))).rejects.toThrow(
      /nginx does not offer: it attaches no chain then, and requests pass/,
    );
    expect(IMPORTS.has("proxy_get_buffer_status")).toBe(false);
  });

  it("a host call in _initialize kills each worker that starts: nobody is answered", async () => {
    const text = `@external("env", "proxy_log") declare function log(a: i32, b: usize, c: i32): i32;\nlog(2, 0, 0);`;
    const wasm = await source(filter(all, text));
    const host = await FilterHost.loadAs(ngxProfile(), { wasm });
    expect(host.configure("").accepted).toBe(false);
    expect(
      host.request({
        headers: [
          [":path", "/"],
          ["host", "h"],
        ],
      }).kind,
    ).toBe("reset");
  });

  it("the build for Envoy is refused, and says why", async () => {
    await expect(FilterHost.loadAs(ngxProfile(), { wasm: wasmPath })).rejects.toThrow(DIES);
  });
});
