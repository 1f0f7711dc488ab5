/**
 * What the model knows of one gateway. Everything that happens replaces what changes and leaves the rest: states are values, and two
 * that say the same are one (`keyOf`).
 *
 * A bundle is its version; nothing else of it matters here, as no decision may come from a version below one that was reported. A
 * text of revocations likewise: there is one revoker, and his texts are 0 (none), 1, 2.
 */

/** What a file holds, and so what is offered. The same number is the same bytes. */
export interface Configuration {
  readonly generation: number;
  readonly vmId: number;
  /** 0: without a bundle. */
  readonly version: number;
  /** How many roots signed the bundle. */
  readonly signers: number;
  readonly minVersion: number;
  readonly text: number;
}

/** What a VM or shared data remembers of one domain. */
export interface Known {
  readonly version: number;
  readonly signers: number;
  readonly text: number;
}

/** A root context: one configuration of one listener in one VM. */
export interface Context {
  readonly listener: number;
  readonly configuration: Configuration;
  /** The bundle that decides here; 0: `no_trust`. */
  readonly version: number;
  readonly signers: number;
  /** A stream that began under it is still open. */
  readonly hasStream: boolean;
}

/** A grant that was accepted, with its signatures checked under that bundle. */
export interface Cached {
  readonly serial: string;
  readonly domain: number;
  readonly version: number;
}

/** A worker's VM under one vm_id. */
export interface Vm {
  readonly vmId: number;
  /** By domain. */
  readonly known: readonly Known[];
  readonly contexts: readonly Context[];
  readonly cached: Cached | null;
}

export interface Worker {
  readonly vms: readonly Vm[];
  /** What it was told to serve and does not yet, oldest first. */
  readonly inbox: readonly { readonly listener: number; readonly configuration: Configuration }[];
  /** By listener: what it serves with; `generation` 0 while it serves nothing. */
  readonly serving: readonly { readonly generation: number; readonly vmId: number }[];
  /** Its VM trapped: the next request makes another. */
  readonly isLost: boolean;
}

/** What all VMs of one vm_id share, and what the gateway remembers of its canaries. */
export interface Base {
  readonly vmId: number;
  /** By domain. */
  readonly shared: readonly Known[];
  readonly accepted: readonly number[];
  readonly refused: readonly number[];
}

/** `push` or `revoke` at one of its steps. */
export interface Pusher {
  readonly at: "idle" | "looked" | "written" | "applied" | "overtaken" | "failed";
  /** What it looked at, while it is stopped between the look and the write (only where that is possible). */
  readonly seen: Configuration | null;
  /** The generation that it wrote last. */
  readonly wrote: number;
}

export interface State {
  /** By listener: the file that it watches. */
  readonly files: readonly Configuration[];
  /** By listener: what the gateway has read of it, and what it serves. */
  readonly offered: readonly number[];
  readonly serves: readonly Configuration[];
  readonly bases: readonly Base[];
  readonly workers: readonly Worker[];
  readonly pushers: readonly Pusher[];
  /** By listener: the newest that any pusher has begun to write, beside the file (docs/pushing.md, "How it works"). */
  readonly recorded: readonly Known[];
  readonly lastGeneration: number;
  /** By listener: the least that may decide, as somebody was told "applied". */
  readonly reported: readonly Known[];
  /** How often the rare things have happened. */
  readonly restarts: number;
  readonly losses: number;
  readonly putBacks: number;
}

export const NOTHING: Known = { version: 0, signers: 0, text: 0 };

/** Workers are alike: which of two is which makes no other state. */
export const keyOf = ({ workers, ...state }: State): string =>
  JSON.stringify([state, workers.map((worker) => JSON.stringify(worker)).sort()]);

/** The list with another element at that index. */
export const replaced = <T>(list: readonly T[], index: number, item: T): T[] =>
  list.map((old, i) => (i === index ? item : old));

/** The element at an index that is known to be there. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`the model has nothing at ${index}`);
  return item;
}
