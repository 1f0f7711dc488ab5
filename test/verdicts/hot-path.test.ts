/** What a request can reach at all in the built filters, whatever it carries: no allocation, no trap of the code's own. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

/** The runtime, and the heap of the standard library. */
const ALLOCATOR = /^\$~lib\/(?:rt\/|memory\/heap)/;
const HOST_CALL = "$assembly/host/env/";

const CALLBACKS = ["proxy_on_context_create", "proxy_on_vm_start", "proxy_on_configure", "proxy_on_request_headers"];
const BUILDS = [
  {
    name: "glassgate",
    callbacks: [...CALLBACKS, "proxy_on_delete", "proxy_on_tick", "proxy_on_http_call_response"],
    // Grants with a stream open have their places ready.
    growing: "proxy_on_context_create",
    calls: [
      "proxy_get_current_time_nanoseconds",
      "proxy_get_header_map_pairs",
      "proxy_get_header_map_value",
      "proxy_get_property",
      "proxy_get_shared_data", // used DPoP proofs
      "proxy_http_call", // a ledger's receipt
      "proxy_remove_header_map_value",
      "proxy_replace_header_map_value",
      "proxy_send_local_response",
      "proxy_set_property",
      "proxy_set_shared_data",
    ],
  },
  {
    name: "glassgate-kong",
    callbacks: [...CALLBACKS, "proxy_on_log"],
    growing: "proxy_on_log",
    calls: [
      "proxy_get_current_time_nanoseconds",
      "proxy_get_header_map_pairs",
      "proxy_get_header_map_value",
      "proxy_get_property",
      "proxy_replace_header_map_value",
      "proxy_send_local_response",
      "proxy_set_property",
    ],
  },
];

describe.each(BUILDS)("$name", ({ name, callbacks, growing, calls }) => {
  /** The same build as text: there functions have names. */
  const text = readFileSync(new URL(`../../build/${name}.wat`, import.meta.url), "utf8");
  const bodies = new Map(
    [...text.matchAll(/^ \(func (\S+)(.*?)(?=^ \(|^\))/gms)].map(([, func = "", body = ""]) => [func, body]),
  );
  const exported = new Map(
    [...text.matchAll(/^ \(export "(\w+)" \(func (\S+)\)\)/gm)].map(([, as = "", func = ""]) => [as, func]),
  );

  /** Every function that the export may call, directly or not; host calls among them. */
  function reachable(from: string): readonly string[] {
    const found = new Set([exported.get(from) ?? expect.unreachable(from)]);
    for (const func of found) {
      for (const [, callee = ""] of (bodies.get(func) ?? "").matchAll(/\bcall (\S+)/g)) found.add(callee);
    }
    return [...found];
  }

  const onRequest = reachable("proxy_on_request_headers");
  /** Those whose code has the instruction. */
  const containing = (names: readonly string[], instruction: RegExp): string[] =>
    names.filter((func) => instruction.test(bodies.get(func) ?? ""));

  it("sees the calls: other callbacks do ask for memory", () => {
    expect(text).not.toMatch(/\bcall_indirect\b|\bcall_ref\b/);
    expect(containing(reachable(growing), /\bmemory\.grow\b/)).not.toEqual([]);
    expect(onRequest.length).toBeGreaterThan(50);
  });

  it("no callback reaches the runtime's allocator, which traps where memory ends, nor another trap of the code's own", () => {
    for (const callback of callbacks) {
      const names = reachable(callback);
      expect(names.length, callback).toBeGreaterThan(2);
      expect(
        names.filter((func) => ALLOCATOR.test(func)),
        callback,
      ).toEqual([]);
      expect(containing(names, /\bunreachable\b/), callback).toEqual([]);
    }
  });

  it("a request allocates nothing, and reaches no trap of the code's own", () => {
    expect(onRequest.filter((func) => ALLOCATOR.test(func))).toEqual([]);
    expect(containing(onRequest, /\bmemory\.grow\b/)).toEqual([]);
    expect(containing(onRequest, /\bunreachable\b/)).toEqual([]);
  });

  it("a request makes these host calls and no others", () => {
    const made = onRequest.filter((func) => func.startsWith(HOST_CALL)).map((func) => func.slice(HOST_CALL.length));
    expect(made.sort()).toEqual(calls);
  });
});
