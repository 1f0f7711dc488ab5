/** What is explored: which listeners and pushers there are, what may happen, and which rule is broken on purpose. */

export interface Listener {
  readonly domain: number;
  readonly threshold: number;
}

/** What a pusher brings to one listener's file. */
export interface Task {
  readonly listener: number;
  readonly version: number;
  readonly signers: number;
  readonly text: number;
}

/** Rules of the filter, of `push` and of `revoke`, each of which can be left out to see that the search notices. */
export const FAULTS = [
  "a new VM does not ask shared data",
  "the cache is found by bytes alone",
  "a worker falls back on what too few roots signed",
  "a text is remembered by its configuration alone",
  "an older text replaces a newer one",
  "a push leaves out the texts that it found",
  "a push reports when one worker serves",
  "a context that comes back keeps its old bundle",
  "one memory for all domains",
] as const;
export type Fault = (typeof FAULTS)[number];

export interface Setting {
  readonly listeners: readonly Listener[];
  readonly workers: number;
  readonly tasks: readonly Task[];
  readonly fault?: Fault;
  /** How often at most. */
  readonly restarts?: number;
  readonly losses?: number;
  /** Somebody puts a file's first content back. */
  readonly putBacks?: number;
  /** Also where a heal has changed the vm_id since. */
  readonly putsBackVmIds?: boolean;
  /** Requests come, are cached and so are judged another way afterwards. Without, what they would get is looked at all the same. */
  readonly requests?: boolean;
  /** Some of them stay open under contexts that are then no longer served. */
  readonly streams?: boolean;
  /** `push` may be stopped between its last look and its write, and killed there. */
  readonly isTickDivided?: boolean;
}
