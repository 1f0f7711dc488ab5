/** What one callback runs for: a root (one plugin configuration in one VM) or a stream of one. */
import type { Stream } from "./stream.js";

/** A plugin configuration as a listener names it. Two with the same key share one root in a VM. */
export interface Plugin {
  readonly key: string;
  readonly name: string;
  readonly rootId: string;
  readonly configuration: Buffer;
}

export class Context {
  /** The guest knows of it. */
  isCreated = false;
  /** The configuration can be read only while the guest is created or configured with it. */
  configuring: Plugin | undefined;
  /** Roots only; 0 is none. */
  tickMilliseconds = 0;

  /** @param root none: this is a root, or the VM's own context (id 0) */
  constructor(
    readonly id: number,
    readonly plugin: Plugin | undefined,
    private readonly root?: Context,
    readonly stream?: Stream,
  ) {}

  get rootContext(): Context {
    return this.root ?? this;
  }
}
