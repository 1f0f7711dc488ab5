/** What a verification says, step by step. */
import type { Finding } from "../chain/finding.js";
import type { Stretch } from "./meaning.js";
import type { Problem, Step } from "./problem.js";

export interface StepResult {
  readonly step: Step;
  /** Undefined: it was not taken. */
  readonly holds: boolean | undefined;
  readonly says: string;
}

export interface Report {
  readonly origin: string;
  readonly key: string;
  readonly size: number;
  readonly root: string;
  /** The checkpoint, a signed note, whole; empty where it does not hold. */
  readonly checkpoint: string;
  readonly steps: readonly StepResult[];
  /** The first is the first bad thing. */
  readonly problems: readonly Problem[];
  /** Alarms of the ledger's own: seen, and no fault of the log. */
  readonly onRecord: readonly Finding[];
  readonly onRecordCount: number;
  readonly notices: readonly Finding[];
  /** Records that may come yet: the log ends within their grace. */
  readonly open: readonly Stretch[];
  /** What else may be wrong, and had not to be told of before the log ends. */
  readonly undecided: readonly Problem[];
  /** The log that it goes on from. */
  readonly predecessor: string | undefined;
  readonly counts: Readonly<Record<string, number>>;
  /** Kept checkpoints that it is consistent with: their sizes. */
  readonly consistentWith: readonly { readonly file: string; readonly size: number }[];
  readonly witnesses: readonly string[];
  /** Entries under the checkpoint that these cosigned; what came later they may not have seen yet. */
  readonly witnessedSize: number | undefined;
}
