/** What a request can reach at all in the built filter, whatever it carries: no allocation, no trap of the code's own. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { wasmPath } from "../../control/host/wasm.js";

/** The runtime, and the heap of the standard library. */
const ALLOCATOR = /^\$~lib\/(?:rt\/|memory\/heap)/;
const HOST_CALL = "$assembly/host/env/";
/** The same build as text: there functions have names. */
const text = readFileSync(wasmPath.replace(/\.wasm$/, ".wat"), "utf8");
const bodies = new Map(
  [...text.matchAll(/^ \(func (\S+)(.*?)(?=^ \(|^\))/gms)].map(([, name = "", body = ""]) => [name, body]),
);

/** Every function that the export may call, directly or not; host calls among them. */
function reachable(from: string): ReadonlySet<string> {
  const found = new Set([`$assembly/index/${from}`]);
  for (const name of found) {
    for (const [, callee = ""] of (bodies.get(name) ?? "").matchAll(/\bcall (\S+)/g)) found.add(callee);
  }
  return found;
}

const CALLBACKS = [
  "proxy_on_context_create",
  "proxy_on_vm_start",
  "proxy_on_configure",
  "proxy_on_request_headers",
  "proxy_on_delete",
  "proxy_on_tick",
];
const onRequest = [...reachable("proxy_on_request_headers")];
/** Those whose code has the instruction. */
const containing = (names: readonly string[], instruction: RegExp): string[] =>
  names.filter((name) => instruction.test(bodies.get(name) ?? ""));

it("sees the calls: other callbacks do ask for memory", () => {
  expect(text).not.toMatch(/\bcall_indirect\b|\bcall_ref\b/);
  expect(containing([...reachable("proxy_on_context_create")], /\bmemory\.grow\b/)).not.toEqual([]);
  expect(onRequest.length).toBeGreaterThan(50);
});

it("no callback reaches the runtime's allocator, which traps where memory ends, nor another trap of the code's own", () => {
  for (const callback of CALLBACKS) {
    const names = [...reachable(callback)];
    expect(names.length, callback).toBeGreaterThan(2);
    expect(
      names.filter((name) => ALLOCATOR.test(name)),
      callback,
    ).toEqual([]);
    expect(containing(names, /\bunreachable\b/), callback).toEqual([]);
  }
});

it("a request allocates nothing, and reaches no trap of the code's own", () => {
  expect(onRequest.filter((name) => ALLOCATOR.test(name))).toEqual([]);
  expect(containing(onRequest, /\bmemory\.grow\b/)).toEqual([]);
  expect(containing(onRequest, /\bunreachable\b/)).toEqual([]);
});

it("a request makes these host calls and no others", () => {
  const calls = onRequest.filter((name) => name.startsWith(HOST_CALL)).map((name) => name.slice(HOST_CALL.length));
  expect(calls.sort()).toEqual([
    "proxy_get_current_time_nanoseconds",
    "proxy_get_header_map_pairs",
    "proxy_get_header_map_value",
    "proxy_get_property",
    "proxy_get_shared_data", // used DPoP proofs
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_send_local_response",
    "proxy_set_property",
    "proxy_set_shared_data",
  ]);
});
