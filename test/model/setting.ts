/** What is explored: which listeners and pushers there are, what may happen, and which rule is broken on purpose. */
import type { Bundle, Texts } from "./state.js";

export interface Listener {
  readonly domain: number;
  readonly threshold: number;
}

/** What a pusher brings to one listener's file: a bundle, or texts beside the bundle that is there. */
export interface Task {
  readonly listener: number;
  readonly bundle: Bundle;
  readonly texts: Texts;
  /** No canary takes it, though the pusher's own filter did. */
  readonly isRefused?: boolean;
}

/** Rules of the filter, of `push` and of `revoke`, each of which can be left out to see that the search notices. */
export const FAULTS = [
  "a new VM does not ask shared data",
  "the cache is found by bytes alone",
  "a worker falls back on what too few roots signed",
  "a text is remembered by its configuration alone",
  "an older text replaces a newer one",
  "a text is forgotten once any bundle has taken it in",
  "a push leaves out the texts that it found",
  "a push reports when one worker serves",
  "a push leaves min_version as it was",
  "a heal writes what it saw at its beginning",
  "what is put back leaves out the texts",
  "a context that comes back keeps its old bundle",
  "a context follows only when it is asked",
  "a tick judges a stream by the bundle that it began under",
  "one memory for all domains",
] as const;
export type Fault = (typeof FAULTS)[number];

export interface Setting {
  readonly listeners: readonly Listener[];
  readonly workers: number;
  readonly tasks: readonly Task[];
  /** What the first files hold beside their bundles. */
  readonly firstTexts?: Texts;
  readonly fault?: Fault;
  /** How often at most. */
  readonly restarts?: number;
  readonly losses?: number;
  /** Somebody puts a file's first content back, or its first bundle into the rest. */
  readonly putBacks?: number;
  readonly putsBack?: "file" | "bundle";
  /** Also where a heal has changed the vm_id since. */
  readonly putsBackVmIds?: boolean;
  /** Requests come, are cached and so are judged another way afterwards. Without, what they would get is looked at all the same. */
  readonly requests?: boolean;
  /** Some of them stay open, also under contexts that are then no longer served; `silent` ones without a grant, which no tick looks at. */
  readonly streams?: "watched" | "silent";
  /** `push` may be stopped between its last look and its write, and killed there. */
  readonly isTickDivided?: boolean;
}
