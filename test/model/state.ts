/**
 * What the model knows of one gateway. Everything that happens replaces what changes and leaves the rest: states are values, and two
 * that say the same are one (`keyOf`).
 */

/** Of each signer of urgent revocations the version of his text; 0: none. A later one takes away all that an earlier one did. */
export type Texts = readonly number[];
export const SIGNERS = 2;
export const NO_TEXTS: Texts = [0, 0];

export interface Bundle {
  /** 0: there is none. */
  readonly version: number;
  /** Two of one version with other content differ here. */
  readonly variant: number;
  /** How many roots signed it. */
  readonly signers: number;
  /** Up to which of each signer's texts it holds what they took away, and silences them. */
  readonly floors: Texts;
}

export const NO_BUNDLE: Bundle = { version: 0, variant: 0, signers: 0, floors: NO_TEXTS };

/** What a file holds, and so what is offered. The same generation is the same bytes, under whichever vm_id. */
export interface Configuration {
  readonly generation: number;
  readonly vmId: number;
  /** Audience and roots. */
  readonly domain: number;
  readonly threshold: number;
  readonly minVersion: number;
  readonly bundle: Bundle;
  readonly texts: Texts;
  /** A signature on it is bent, or the gateway refuses it for a reason of its own. */
  readonly isBroken: boolean;
}

/** What one VM holds of a domain, while a root context of it is there. */
export interface Known {
  readonly newest: Bundle;
  readonly texts: Texts;
  readonly hasAllTexts: boolean;
  /** Whether it has all texts was not asked yet. */
  readonly isNew: boolean;
}

/** What all VMs of one vm_id tell each other of a domain. */
export interface Shared {
  readonly version: number;
  readonly variant: number;
  readonly texts: Texts;
}

/** A stream that was let in: by whose bundle, and by which text of which signer it would fall. */
export interface Stream {
  readonly listener: number;
  readonly version: number;
  readonly variant: number;
  readonly signer: number;
  readonly text: number;
}

/** A root context: one configuration in one VM, whichever listeners it serves. */
export interface Context {
  readonly configuration: Configuration;
  /** The bundle that decides here; none: `no_trust`. */
  readonly held: Bundle;
  readonly streams: readonly Stream[];
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

export interface Serving {
  /** `generation` 0 while it serves nothing. */
  readonly configuration: Configuration;
  /** Its VM trapped: the next request makes another. */
  readonly isDead: boolean;
}

export interface Told {
  readonly listener: number;
  readonly configuration: Configuration;
}

export interface Worker {
  readonly vms: readonly Vm[];
  /** What it was told to serve and does not yet, oldest first. */
  readonly inbox: readonly Told[];
  /** By listener. */
  readonly serving: readonly Serving[];
}

/** What all VMs of one vm_id share, and what the gateway remembers of its canaries. */
export interface Base {
  readonly vmId: number;
  /** By domain. */
  readonly shared: readonly Shared[];
  readonly accepted: readonly number[];
  readonly refused: readonly number[];
}

/** `push` or `revoke` at one of its steps. */
export interface Pusher {
  readonly at: "idle" | "looked" | "written" | "applied" | "failed";
  /** What it is about to write, while it is stopped between the look and the write (only where that is possible). */
  readonly seen: Configuration | null;
  /** The generation that it wrote last. */
  readonly wrote: number;
}

/** The least that may decide, as somebody was told "applied". */
export interface Reported {
  readonly version: number;
  readonly texts: Texts;
}

export interface State {
  /** By listener: the file that it watches. */
  readonly files: readonly Configuration[];
  /** By listener: what the gateway has read of it last, and what it serves. */
  readonly offered: readonly string[];
  readonly serves: readonly Configuration[];
  readonly bases: readonly Base[];
  readonly workers: readonly Worker[];
  readonly pushers: readonly Pusher[];
  /** By listener: the newest bundle and texts that any pusher has begun to write, beside the file (docs/pushing.md, "How it works"). */
  readonly recorded: readonly Pick<Configuration, "bundle" | "texts">[];
  /** By listener: what served on all workers last, as pushers keep it. */
  readonly good: readonly Configuration[];
  readonly lastGeneration: number;
  readonly reported: readonly Reported[];
  /** How often the rare things have happened. */
  readonly restarts: number;
  readonly losses: number;
  readonly putBacks: number;
}

export const FRESH: Known = { newest: NO_BUNDLE, texts: NO_TEXTS, hasAllTexts: true, isNew: true };
export const NOBODY: Shared = { version: 0, variant: 0, texts: NO_TEXTS };
export const BLANK: Configuration = {
  generation: 0,
  vmId: 0,
  domain: 0,
  threshold: 1,
  minVersion: 0,
  bundle: NO_BUNDLE,
  texts: NO_TEXTS,
  isBroken: false,
};

/** Of each signer the newer text. */
export const newer = (a: Texts, b: Texts): Texts => a.map((text, i) => Math.max(text, at(b, i)));
/** Those that the bundle has not taken in. */
export const beside = (texts: Texts, { floors }: Bundle): Texts =>
  texts.map((text, i) => (text > at(floors, i) ? text : 0));
/** Whether nothing of `b` is missing from `a`. */
export const covers = (a: Texts, b: Texts): boolean => a.every((text, i) => text >= at(b, i));

const numbers = new Map<string, number>();
const numbered = new WeakMap<object, number>();

/** Of all that say the same one number. What has not changed is the same object from state to state, and is not read again. */
function numberOf(part: object): number {
  const known = numbered.get(part);
  if (known !== undefined) return known;
  const text = JSON.stringify(part);
  const number = numbers.get(text) ?? numbers.size;
  numbers.set(text, number);
  numbered.set(part, number);
  return number;
}

/** Workers are alike: which of two is which makes no other state. */
export const keyOf = ({ workers, ...state }: State): string => {
  const rest = Object.values(state).map((part) => (typeof part === "number" ? part : numberOf(part)));
  return `${rest.join(" ")} ${workers.map(numberOf).sort().join(" ")}`;
};

/** The list with another element at that index. */
export const replaced = <T>(list: readonly T[], index: number, item: T): T[] =>
  list.map((old, i) => (i === index ? item : old));

/** The element at an index that is known to be there. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`the model has nothing at ${index}`);
  return item;
}
