/** What loads and what does not: the Node host and a real Envoy agree on each. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { FilterHost } from "../../control/host/host.js";
import { ModuleFormatError, readModule } from "../../control/host/module.js";
import { fixture, source } from "./compile.js";
import { isLoadedByEnvoy } from "./envoy.js";

const MARKER = "export function proxy_abi_version_0_2_1(): void {}\n";
const MALLOC = "export function malloc(size: usize): usize { return heap.alloc(size); }\n";
const BASE = MARKER + MALLOC;
const LOG = '@external("env", "proxy_log") declare function log(a: i32, b: usize, c: i32): i32;\n';
const CLOCK = '@external("env", "proxy_get_current_time_nanoseconds") declare function clock(out: usize): i32;\n';

interface Loading {
  readonly name: string;
  readonly text: string;
  readonly flags?: readonly string[];
  /** How the Node host's refusal reads; none: it loads. */
  readonly refusal?: RegExp;
}

const LOADINGS: readonly Loading[] = [
  { name: "the least there is", text: BASE },
  {
    name: "proxy_on_memory_allocate in malloc's place",
    text: `${MARKER}export function proxy_on_memory_allocate(size: usize): usize { return heap.alloc(size); }`,
  },
  { name: "a log line while it initialises", text: `${BASE}${LOG}log(2, 0, 0);` },
  {
    name: "chance, which WASI gives",
    text: `${BASE}@external("wasi_snapshot_preview1", "random_get") declare function c(a: usize, b: usize): i32;\nexport function x(): i32 { return c(0, 1); }`,
  },
  {
    name: "chance of another type",
    text: `${BASE}@external("wasi_snapshot_preview1", "random_get") declare function c(a: usize): i32;\nexport function x(): i32 { return c(0); }`,
    refusal: /wasi_snapshot_preview1\.random_get as i>i, but gateways offer it as ii>i/,
  },
  { name: "an exported global", text: `${BASE}export let x: i32 = 1;` },
  {
    name: "another host call while it initialises",
    text: `${BASE}${CLOCK}clock(8);`,
    refusal: /does not start: _initialize trapped/,
  },
  {
    name: "a trap while it initialises",
    text: `${BASE}unreachable();`,
    refusal: /does not start: _initialize trapped/,
  },
  {
    name: "an unknown import",
    text: `${BASE}@external("env", "seed") declare function seed(): f64;\nexport function x(): f64 { return seed(); }`,
    refusal: /imports env\.seed, which no gateway offers/,
  },
  {
    name: "an import from another module",
    text: `${BASE}@external("index", "proxy_log") declare function log(a: i32, b: usize, c: i32): i32;\nlog(2, 0, 0);`,
    refusal: /imports index\.proxy_log/,
  },
  {
    name: "an import of another type",
    text: `${BASE}@external("env", "proxy_log") declare function log(a: i32, b: usize): i32;\nexport function x(): void { log(2, 0); }`,
    refusal: /proxy_log as ii>i, but gateways offer it as iii>i/,
  },
  {
    name: "an import without its result",
    text: `${BASE}@external("env", "proxy_log") declare function log(a: i32, b: usize, c: i32): void;\nexport function x(): void { log(2, 0, 0); }`,
    refusal: /proxy_log as iii>, but/,
  },
  {
    name: "an imported global",
    text: `${BASE}@external("env", "g") declare const g: i32;\nexport function x(): i32 { return g; }`,
    refusal: /imports the global env\.g/,
  },
  {
    name: "a call of an older ABI",
    text: `${BASE}@external("env", "proxy_continue_request") declare function c(): i32;\nexport function x(): i32 { return c(); }`,
    refusal: /proxy_continue_request, which no gateway offers/,
  },
  { name: "no ABI marker", text: MALLOC, refusal: /does not export proxy_abi_version_0_2_1\./ },
  { name: "no allocator", text: MARKER, refusal: /neither malloc nor proxy_on_memory_allocate/ },
  {
    name: "a callback of another type",
    text: `${BASE}export function proxy_on_request_headers(id: u32): u32 { return 0; }`,
    refusal: /proxy_on_request_headers as i>i, but gateways call it as iii>i/,
  },
  {
    name: "a callback without its result",
    text: `${BASE}export function proxy_on_configure(id: u32, size: u32): void {}`,
    refusal: /proxy_on_configure as ii>, but/,
  },
];

describe("loading", () => {
  for (const { name, text, flags = [], refusal } of LOADINGS) {
    it(`${name}: ${refusal === undefined ? "loads" : "does not"}`, async () => {
      const bytes = await source(text, flags);
      const load = async (): Promise<void> => {
        const host = await FilterHost.load({ wasm: bytes });
        const { accepted, reason } = host.configure("");
        if (!accepted) throw new UserError(reason ?? "");
      };
      if (refusal === undefined) await load();
      else await expect(load()).rejects.toThrow(refusal);
      expect(await isLoadedByEnvoy(bytes)).toBe(refusal === undefined);
    });
  }

  // Envoy would load these; this host has no use for them and says so.
  it("refuses other calls of WASI and imported memories in words", async () => {
    const wasi = `${BASE}@external("wasi_snapshot_preview1", "fd_close") declare function c(a: i32): i32;\nexport function x(): i32 { return c(1); }`;
    await expect(source(wasi).then((bytes) => FilterHost.load({ wasm: bytes }))).rejects.toThrow(
      /of WASI this host offers only wasi_snapshot_preview1\.random_get/,
    );
    const memory = source(BASE, ["--importMemory"]);
    await expect(memory.then((bytes) => FilterHost.load({ wasm: bytes }))).rejects.toThrow(
      /imports the memory env\.memory/,
    );
  });

  // Envoy crashes (no memory yet); nginx as well.
  it("refuses a host call in the start section", async () => {
    const bytes = await source(`${BASE}${LOG}log(2, 0, 0);`, [], { hasStartSection: true });
    const host = await FilterHost.load({ wasm: bytes });
    expect(host.configure("").reason).toMatch(/host call proxy_log while the module is instantiated/);
  });

  it("names the next step when the filter is missing or no module", async () => {
    const folder = mkdtempSync(join(tmpdir(), "glassgate-host-"));
    try {
      const path = join(folder, "none.wasm");
      const missing: unknown = await FilterHost.load({ wasm: path }).catch((error: unknown) => error);
      expect(missing).toBeInstanceOf(UserError);
      expect(missing instanceof UserError && [missing.message, missing.hint]).toEqual([
        `The filter ${path} is missing.`,
        "Build it with `npm run build`.",
      ]);
      writeFileSync(path, "not wasm");
      await expect(FilterHost.load({ wasm: path })).rejects.toThrow(
        /is no WebAssembly module: it does not start like one/,
      );
      writeFileSync(path, "");
      await expect(FilterHost.load({ wasm: path })).rejects.toThrow(/is no WebAssembly module/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("reading a module", () => {
  it("reads functions, imports and memories", async () => {
    const { imports, functions, memories } = readModule(await fixture("script"));
    expect(functions.get("proxy_on_request_headers")).toBe("iii>i");
    expect(functions.get("proxy_abi_version_0_2_1")).toBe(">");
    expect(imports.find(({ name }) => name === "proxy_increment_metric")).toEqual({
      module: "env",
      name: "proxy_increment_metric",
      kind: "function",
      signature: "iI>i",
    });
    expect(memories).toEqual(["memory"]);
  });

  it("ends with a clear error on whatever bytes", async () => {
    const whole = await source(`${BASE}${LOG}export function x(): void { log(2, 0, 0); }`);
    const read = (bytes: Uint8Array): void => {
      try {
        readModule(bytes);
      } catch (error) {
        if (!(error instanceof ModuleFormatError)) throw error;
      }
    };
    for (let length = 0; length <= whole.length; length++) read(whole.subarray(0, length));
    for (let at = 8; at < Math.min(whole.length, 400); at++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const bent = whole.slice();
        bent[at] = value;
        read(bent);
      }
    }
  });
});
