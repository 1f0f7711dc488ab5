/** What a push is given, and what it answers. */
import type { Anchors } from "../trust/anchors.js";
import type { ConfigurationOptions } from "../trust/configuration.js";
import type { Admin } from "./admin.js";
import type { Standings } from "./push-outcome.js";
import type { RenderedFilter } from "./rendered.js";

/** Where a push can be stopped or killed. `writing` is inside the tick that looks and renames: it is called, not awaited. */
export type PushStep =
  | "looked"
  | "begun"
  | "ready"
  | "writing"
  | "written"
  | "polled"
  | "served"
  | "healing"
  | "restoring"
  | "restored"
  | "kept";

export interface PushOptions {
  readonly filter: RenderedFilter;
  readonly anchors: Anchors;
  readonly admin: Admin;
  readonly bundle: { readonly text: string; readonly version: number };
  /** A text of revocations that is brought in beside the bundle, which is then the one that the gateway has. */
  readonly text?: string;
  /** The texts that its signer had read at this gateway: of his own, it takes the place of these alone. */
  readonly seen?: readonly string[];
  /** Members of the configuration besides anchors, bundle, generation and min_version. */
  readonly configuration?: ConfigurationOptions;
  /** Asked when the gateway has other roots, another threshold or audience pinned. Without it such a push is refused. */
  readonly confirmAnchors?: (changes: readonly string[]) => Promise<boolean>;
  /** Written once more also where it serves already. */
  readonly isAnew?: boolean;
  readonly timeoutMs?: number;
  /** How long to wait for another push that is under way. */
  readonly courtesyMs?: number;
  readonly progress?: (line: string) => void;
  /** For tests. */
  readonly step?: (name: PushStep) => Promise<void> | void;
}

export interface PushResult {
  readonly generation: number;
  readonly version: number;
  readonly servingVms: number;
  /** A worker had died and a new VM took over. */
  readonly healed: boolean;
  /** It served already: nothing was written. */
  readonly unchanged: boolean;
  readonly milliseconds: number;
  readonly standings: Standings;
  /** What went wrong beside: the bundle is applied all the same. */
  readonly warnings: readonly string[];
}
