/** Both builds from outside: what each demands of its host, and that neither has what only the other needs. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const bytesOf = (name: string): Buffer => readFileSync(new URL(`../../build/${name}.wasm`, import.meta.url));
const envoy = bytesOf("glassgate");
const kong = bytesOf("glassgate-kong");
const importsOf = (bytes: Buffer): string[] =>
  WebAssembly.Module.imports(new WebAssembly.Module(bytes))
    .map(({ module, name, kind }) => `${kind} ${module}.${name}`)
    .sort();
const exportsOf = (bytes: Buffer): string[] =>
  WebAssembly.Module.exports(new WebAssembly.Module(bytes))
    .map(({ name }) => name)
    .filter((name) => !name.startsWith("tool_"))
    .sort();
const COMMON = [
  "_initialize",
  "malloc",
  "memory",
  "proxy_abi_version_0_2_1",
  "proxy_on_configure",
  "proxy_on_context_create",
  "proxy_on_delete",
  "proxy_on_request_headers",
  "proxy_on_tick",
  "proxy_on_vm_start",
];
/** Text of AssemblyScript is UTF-16. */
const has = (bytes: Buffer, text: string): boolean => bytes.includes(Buffer.from(text, "utf16le"));

describe("the builds for Envoy and for Kong", () => {
  it("export what their hosts call", () => {
    expect(exportsOf(envoy)).toEqual(COMMON);
    // ngx_wasm_module calls these five whether they are there or not, and dies.
    expect(exportsOf(kong)).toEqual(
      [
        ...COMMON,
        "proxy_on_done",
        "proxy_on_log",
        "proxy_on_request_body",
        "proxy_on_response_body",
        "proxy_on_response_headers",
      ].sort(),
    );
  });

  it("import from Kong what all its versions answer, and nothing that is a trap there", () => {
    expect(importsOf(kong)).toEqual(
      [
        "function env.proxy_get_buffer_bytes",
        "function env.proxy_get_current_time_nanoseconds",
        "function env.proxy_get_header_map_pairs",
        "function env.proxy_get_header_map_value",
        "function env.proxy_get_property",
        "function env.proxy_log",
        "function env.proxy_replace_header_map_value",
        "function env.proxy_send_local_response",
        "function env.proxy_set_property",
        "function wasi_snapshot_preview1.random_get",
      ].sort(),
    );
  });

  it("import from Envoy what they did before there was another host", () => {
    expect(importsOf(envoy).filter((name) => !importsOf(kong).includes(name))).toEqual([
      "function env.proxy_define_metric",
      "function env.proxy_get_shared_data",
      "function env.proxy_increment_metric",
      "function env.proxy_record_metric",
      "function env.proxy_remove_header_map_value",
      "function env.proxy_set_effective_context",
      "function env.proxy_set_shared_data",
      "function env.proxy_set_tick_period_milliseconds",
    ]);
  });

  it.each(["upstream_header", "kong.ctx.shared", "request.path", "nobody would guard"])(
    "have %s for Kong alone: it costs Envoy's nothing",
    (text) => {
      const found = [has(envoy, text), has(kong, text)];
      expect(found).toEqual([false, true]);
    },
  );

  it("make Kong's the smaller one", () => {
    expect(kong.length).toBeLessThan(envoy.length);
  });
});
