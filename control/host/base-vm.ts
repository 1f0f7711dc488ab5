/**
 * The loaded code of one VM identity (vm_id, VM configuration, code). It serves nobody: each thread's VM, and a canary for
 * each new plugin configuration, is a fresh instance of it.
 */
import { createHash } from "node:crypto";
import { NOT_DRIVEN } from "./abi.js";
import type { Plugin } from "./context.js";
import type { ProcessEnvironment } from "./environment.js";
import type { Program } from "./program.js";
import { type Failure, Vm } from "./vm.js";

export interface VmIdentity {
  readonly vmId: string;
  readonly vmConfiguration: Buffer;
  readonly program: Program;
}

export function identityKey({ vmId, vmConfiguration, program }: VmIdentity): string {
  return createHash("sha256").update(`${vmId}||`).update(vmConfiguration).update(`||${program.sha256}`).digest("hex");
}

export class BaseVm {
  readonly key: string;
  failure: Failure | undefined;
  private holders = 0;
  private readonly canaryVerdicts = new Map<string, boolean>();

  /** Loads and starts the module once. Throws a UserError when that fails. */
  constructor(
    private readonly process: ProcessEnvironment,
    private readonly identity: VmIdentity,
    private readonly onGone: (base: BaseVm) => void,
  ) {
    this.key = identityKey(identity);
    this.clone("base");
    for (const name of NOT_DRIVEN.filter((callback) => identity.program.shape.functions.has(callback))) {
      process.log({
        level: "warn",
        thread: "base",
        text: `This host never calls ${name}: it drives requests, as far as their headers.`,
      });
    }
  }

  get vmId(): string {
    return this.identity.vmId;
  }

  clone(thread: string): Vm {
    const { vmId, vmConfiguration, program } = this.identity;
    return new Vm(program, { process: this.process, thread, vmId, vmConfiguration });
  }

  hold(): void {
    this.holders += 1;
  }

  release(): void {
    this.holders -= 1;
    if (this.holders === 0) this.onGone(this);
  }

  /** A thread could not use it: it takes no further plugin, and only another VM identity heals that. */
  fail(thread: string, failure: Failure): void {
    this.failure = failure;
    const text = `Failed to ${failure} ${thread === "canary" ? "base" : "thread-local"} Wasm plugin`;
    this.process.log({ level: "error", thread, text });
  }

  /** Tries the plugin in a VM of its own, once per plugin configuration: the verdict is remembered. */
  canary(plugin: Plugin): boolean {
    const known = this.canaryVerdicts.get(plugin.key);
    if (known !== undefined) return known;
    const vm = this.clone("canary");
    const root = vm.startRoot(plugin);
    if (root === undefined) {
      this.process.log({ level: "error", thread: "canary", text: "Failed to start base Wasm" });
      return false;
    }
    const accepted = vm.configureRoot(root, plugin);
    this.canaryVerdicts.set(plugin.key, accepted);
    if (!accepted) this.process.log({ level: "error", thread: "canary", text: "Failed to configure base Wasm plugin" });
    return accepted;
  }
}
