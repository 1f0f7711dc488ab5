/** Both builds from outside: what each demands of its host, and that neither has what only the other needs. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readModule } from "../../control/host/module.js";

const bytesOf = (name: string): Buffer => readFileSync(new URL(`../../build/${name}.wasm`, import.meta.url));
const envoy = bytesOf("glassgate");
const kong = bytesOf("glassgate-kong");
/** Name and types: all of them are functions of `env`, but for one. */
const importsOf = (bytes: Buffer): string[] =>
  readModule(bytes)
    .imports.map(({ module, name, signature = "" }) => `${module === "env" ? "" : `${module}.`}${name} ${signature}`)
    .sort();
const exportsOf = (bytes: Buffer): string[] =>
  [...readModule(bytes).functions]
    .filter(([name]) => !name.startsWith("tool_"))
    .map(([name, signature]) => `${name} ${signature}`)
    .sort();
const CALLED_BY_BOTH = [
  "_initialize >",
  "malloc i>i",
  "proxy_abi_version_0_2_1 >",
  "proxy_on_configure ii>i",
  "proxy_on_context_create ii>",
  "proxy_on_delete i>",
  "proxy_on_http_call_response iiiii>",
  "proxy_on_request_headers iii>i",
  "proxy_on_tick i>",
  "proxy_on_vm_start ii>i",
];
/** ngx_wasm_module calls these whether they are there or not, and dies. */
const CALLED_BY_KONG = [
  "proxy_on_done i>i",
  "proxy_on_log i>",
  "proxy_on_request_body iii>i",
  "proxy_on_response_body iii>i",
  "proxy_on_response_headers iii>i",
];
/** What all its versions answer: nothing else is asked, as a call that a host has not is a trap, or keeps the module from loading. */
const ASKED_OF_KONG = [
  "proxy_get_buffer_bytes iiiii>i",
  "proxy_get_current_time_nanoseconds i>i",
  "proxy_get_header_map_pairs iii>i",
  "proxy_get_header_map_value iiiii>i",
  "proxy_get_property iiii>i",
  "proxy_log iii>i",
  "proxy_replace_header_map_value iiiii>i",
  "proxy_send_local_response iiiiiiii>i",
  "proxy_set_property iiii>i",
  "wasi_snapshot_preview1.random_get ii>i",
];
const ASKED_OF_ENVOY_ALONE = [
  "proxy_continue_stream i>i",
  "proxy_define_metric iiii>i",
  "proxy_get_shared_data iiiii>i",
  "proxy_http_call iiiiiiiiii>i",
  "proxy_increment_metric iI>i",
  "proxy_record_metric iI>i",
  "proxy_remove_header_map_value iii>i",
  "proxy_set_effective_context i>i",
  "proxy_set_shared_data iiiii>i",
  "proxy_set_tick_period_milliseconds i>i",
];
/** Text of AssemblyScript is UTF-16. */
const has = (bytes: Buffer, text: string): boolean => bytes.includes(Buffer.from(text, "utf16le"));

describe("the builds for Envoy and for Kong", () => {
  it("export what their hosts call, and nothing else", () => {
    expect(exportsOf(envoy)).toEqual(CALLED_BY_BOTH);
    expect(exportsOf(kong)).toEqual([...CALLED_BY_BOTH, ...CALLED_BY_KONG].sort());
  });

  it("import what their hosts answer, with these types, and nothing else", () => {
    expect(importsOf(kong)).toEqual(ASKED_OF_KONG);
    expect(importsOf(envoy)).toEqual([...ASKED_OF_KONG, ...ASKED_OF_ENVOY_ALONE].sort());
  });

  it.each(["upstream_header", "kong.ctx.shared", "request.path", "nobody would guard"])(
    "have %s for Kong alone: it costs Envoy's nothing",
    (text) => {
      const found = [has(envoy, text), has(kong, text)];
      expect(found).toEqual([false, true]);
    },
  );

  it.each(["glassgate.heartbeat_", "bg-receipt+jws", "timeout_ms"])(
    "have %s for Envoy alone: what Kong cannot tell is not in its build",
    (text) => {
      const found = [has(envoy, text), has(kong, text)];
      expect(found).toEqual([true, false]);
    },
  );

  it("make Kong's the smaller one", () => {
    expect(kong.length).toBeLessThan(envoy.length);
  });
});
