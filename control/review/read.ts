/**
 * From a ledger to its reviews: the log is verified as `ledger verify` does it, and what belongs to each grant is gathered in the same
 * pass. Of a log that does not verify nothing is told.
 */
import { UserError } from "../base/errors.js";
import { showProblem } from "../ledger/audit/problem.js";
import type { Report } from "../ledger/audit/report.js";
import type { Kept } from "../ledger/audit/signed.js";
import { verifyLedger } from "../ledger/audit/verify.js";
import type { Judging } from "../ledger/chain/review-judge.js";
import { rulesOf } from "../ledger/chain/rules.js";
import type { Checkpoint } from "../ledger/tlog/checkpoint.js";
import type { Vkey } from "../ledger/tlog/note.js";
import type { Anchors } from "../trust/anchors.js";
import { assemble } from "./assemble.js";
import { Gatherer, type Wanted } from "./gather.js";
import { type Hours, outsideOf } from "./hours.js";
import { Listener } from "./listener.js";
import type { ReviewList } from "./model.js";

export interface ReadOptions {
  /** A folder, or an https:// URL. */
  readonly where: string;
  readonly token?: string | undefined;
  readonly key: Vkey;
  readonly since: readonly Kept[];
  readonly witnesses: ((checkpoint: Checkpoint) => readonly string[]) | undefined;
  readonly anchors: readonly Anchors[];
  /** Seconds: the ledger's own, how long it leaves a missing record open, and a gateway without heartbeats. */
  readonly grace: number;
  readonly silence: number;
  /** Seconds from the first sight of a grant until a signature is due. */
  readonly due: number;
  readonly hours: Hours;
  /** Asks that the reader has: each proves who asked for its grant. */
  readonly asks: readonly string[];
  /** Of which grants every call is kept. */
  readonly isWanted: (one: Wanted) => boolean;
  /** Milliseconds. */
  readonly now: number;
  readonly threads?: number | undefined;
  readonly progress: (done: number, of: number) => void;
  /** For whoever asks whether one of them could be closed. */
  readonly onJudged?: ((judging: Judging, report: Report) => void) | undefined;
}

/** One sentence, and nothing else of the ledger. */
function mustBeProved({ problems: [first] }: Report): void {
  if (first === undefined) return;
  throw new UserError(
    `This ledger does not verify, so nothing of it is shown: ${showProblem(first)}.`.replace(/\.\.$/, "."),
    {
      exitCode: 1,
      hint: "`glassgate ledger verify` with the same options says what is wrong.",
    },
  );
}

export async function readReviews(options: ReadOptions): Promise<ReviewList> {
  const { where, token, key, since, witnesses, anchors, threads, progress } = options;
  const gathered = new Gatherer(rulesOf({ anchors, origin: key.name }), options.isWanted, outsideOf(options.hours));
  for (const ask of options.asks) gathered.addAsk(ask);
  const { grace, silence } = options;
  const listener = new Listener(gathered, { anchors, origin: key.name }, { gap: grace, silence });
  const report = await verifyLedger({
    where,
    token,
    key,
    since,
    witnesses,
    rules: {
      take: (index, entry, line) => listener.take(index, entry, line),
      end: () => listener.end(),
      open: () => listener.auditor.open,
      undecided: () => listener.auditor.undecided,
      faults: () => listener.auditor.faults,
    },
    threads,
    progress: (_step, done, of) => progress(done, of),
  });
  mustBeProved(report);
  // A clock that is behind what has happened is wrong: it would call nothing late.
  const now = Math.max(options.now, listener.newestAt);
  options.onJudged?.(listener.auditor.judging(now, grace), report);
  return assemble({ ...options, now }, gathered, listener, report);
}
