/** The filter's tool exports: its own parser and its own signature checks, in the binary that gateways run. */
import { Metrics, SharedData } from "./shared.js";
import { Vm } from "./vm.js";
import { loadProgram } from "./wasm.js";

export class FilterTools {
  private constructor(private readonly vm: Vm) {}

  /** @param wasm another filter than the package's own: its path or its bytes */
  static async load(wasm?: string | Uint8Array): Promise<FilterTools> {
    const process = {
      nodeId: "tools",
      shared: new SharedData(),
      metrics: new Metrics(),
      clock: () => 0n,
      log: () => {},
    };
    const environment = { process, thread: "tools", vmId: "tools", vmConfiguration: Buffer.alloc(0) };
    return new FilterTools(new Vm(await loadProgram(wasm), environment));
  }

  /** The parser's view of an ask or a grant, as JSON text; nothing is verified. */
  describe(text: string): string {
    this.vm.call("tool_reset");
    const bytes = Buffer.from(text, "latin1");
    const at = this.vm.call("tool_describe", this.vm.guest.put(bytes), bytes.length) >>> 0;
    if (at === 0) return '{"error":"too large"}';
    const length = this.vm.memory.bytes(at, 4).readUInt32LE(0);
    return this.vm.memory.text(at + 4, length);
  }

  /** @param key 32 bytes (Ed25519) or x || y (ES256) */
  verify(algorithm: "Ed25519" | "ES256", key: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean {
    if (signature.length !== 64) return false; // The filter's own parser refuses any other length.
    this.vm.call("tool_reset");
    const args: number[] = [
      algorithm === "Ed25519" ? 0 : 1,
      this.vm.guest.put(key),
      this.vm.guest.put(signature),
      this.vm.guest.put(message),
      message.length,
    ];
    return this.vm.call("tool_verify", ...args) === 1;
  }

  /** Sets the memory for tables of multiples, in bytes; 0 drops them all. */
  setTableBudget(bytes: number): void {
    this.vm.call("tool_set_table_budget", bytes);
  }

  /** Builds the table of multiples of a key, so that `verify` takes the fast way. False when there can be none. */
  buildTable(algorithm: "Ed25519" | "ES256", key: Uint8Array): boolean {
    this.vm.call("tool_reset");
    return this.vm.call("tool_build_table", algorithm === "Ed25519" ? 0 : 1, this.vm.guest.put(key)) === 1;
  }

  isKeyAcceptable(algorithm: "Ed25519" | "ES256", key: Uint8Array): boolean {
    this.vm.call("tool_reset");
    return this.vm.call("tool_key_acceptable", algorithm === "Ed25519" ? 0 : 1, this.vm.guest.put(key)) === 1;
  }
}
