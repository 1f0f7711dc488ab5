/**
 * One thread of the gateway: its VMs (one per VM identity) and, in them, one root per plugin configuration. Both live as
 * long as somebody holds them: a listener's configuration, or a stream that began under it.
 */
import type { BaseVm } from "./base-vm.js";
import type { Context, Plugin } from "./context.js";
import { Stream, type StreamOptions } from "./stream.js";
import type { Vm } from "./vm.js";

interface HeldVm {
  readonly vm: Vm;
  holders: number;
}

/** A plugin in a thread's VM. */
export interface PluginHandle {
  readonly key: string;
  readonly plugin: Plugin;
  readonly base: BaseVm;
  readonly held: HeldVm;
  readonly root: Context;
  holders: number;
}

/** `closed`: a failed VM answers 503. `reload`: it is replaced after a second. `open`: requests pass unchecked. */
export type FailurePolicy = "closed" | "reload" | "open";

export interface OpenStream {
  readonly stream: Stream;
  /** No filter judged it. */
  readonly isUnjudged: boolean;
  readonly close: () => void;
}

export class Thread {
  private readonly vms = new Map<string, HeldVm>();
  private readonly plugins = new Map<string, PluginHandle>();

  constructor(readonly name: string) {}

  private heldVm(base: BaseVm): HeldVm {
    const present = this.vms.get(base.key);
    if (present !== undefined) return present;
    const held = { vm: base.clone(this.name), holders: 0 };
    this.vms.set(base.key, held);
    // A VM that trapped is never given to another plugin.
    held.vm.onTrap(() => {
      if (this.vms.get(base.key) === held) this.vms.delete(base.key);
      for (const [key, handle] of this.plugins) if (handle.held === held) this.plugins.delete(key);
    });
    return held;
  }

  private releaseVm(base: BaseVm, held: HeldVm): void {
    held.holders -= 1;
    if (held.holders > 0) return;
    held.vm.shutDown();
    if (this.vms.get(base.key) === held) this.vms.delete(base.key);
    base.release();
  }

  /**
   * The plugin in this thread's VM, made and configured if need be, with one more holder. Undefined when the filter refuses
   * here: then the base VM counts as failed, and takes no further plugin for as long as it lives.
   */
  acquire(base: BaseVm, plugin: Plugin): PluginHandle | undefined {
    const key = `${base.key} ${plugin.key}`;
    const present = this.plugins.get(key);
    if (present !== undefined) {
      present.holders += 1;
      return present;
    }
    const held = this.heldVm(base);
    if (held.holders === 0) base.hold();
    held.holders += 1;
    const root = held.vm.startRoot(plugin);
    if (root === undefined || !held.vm.configureRoot(root, plugin)) {
      base.fail(this.name, root === undefined ? "start" : "configure");
      this.releaseVm(base, held);
      return undefined;
    }
    const handle: PluginHandle = { key, plugin, base, held, root, holders: 1 };
    this.plugins.set(key, handle);
    return handle;
  }

  /** The last holder's end is the root's end. */
  release(handle: PluginHandle): void {
    handle.holders -= 1;
    if (handle.holders > 0) return;
    if (this.plugins.get(handle.key) === handle) this.plugins.delete(handle.key);
    handle.held.vm.shutDown(handle.plugin.key);
    this.releaseVm(handle.base, handle.held);
  }

  /** A request under that plugin. */
  open(handle: PluginHandle | undefined, policy: FailurePolicy, options: StreamOptions): OpenStream {
    const stream = new Stream(options);
    const failure = handle?.held.vm.failure;
    if (handle === undefined || (failure !== undefined && policy === "open")) {
      stream.proceed();
      return { stream, isUnjudged: true, close: () => {} };
    }
    if (failure !== undefined) {
      stream.fail();
      return { stream, isUnjudged: false, close: () => {} };
    }
    const { vm } = handle.held;
    handle.holders += 1;
    const context = vm.openStream(handle.root, handle.plugin, stream);
    let isOpen = true;
    const close = (): void => {
      if (!isOpen) return;
      isOpen = false;
      vm.closeStream(context, stream);
      this.release(handle);
    };
    stream.onEnd(close);
    vm.onRequestHeaders(context, stream);
    return { stream, isUnjudged: false, close };
  }

  tick(): void {
    for (const { vm } of [...this.vms.values()]) vm.tick();
  }

  /** The VMs that serve here. */
  get allVms(): readonly Vm[] {
    return [...this.vms.values()].map(({ vm }) => vm);
  }
}
