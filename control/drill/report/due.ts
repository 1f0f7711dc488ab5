/** Which drill is due when: by the last of each name that was held and signed. */
import { UserError } from "../../base/errors.js";
import { showProblem } from "../../ledger/audit/problem.js";
import { verifyLedger } from "../../ledger/audit/verify.js";
import { Auditor } from "../../ledger/chain/auditor.js";
import { type DrillClaims, readDrillToken } from "../../ledger/drill.js";
import type { Vkey } from "../../ledger/tlog/note.js";
import type { Anchors } from "../../trust/anchors.js";
import { isWhole, newestOf } from "./folder.js";

export interface Due {
  readonly name: string;
  /** Who signed the last one. */
  readonly sub: string;
  readonly ended: string;
  readonly due: string;
  readonly overdue: boolean;
  /** Whether the last one went well. */
  readonly good: boolean;
}

/** What is overdue first, then by date. @param now milliseconds since 1970 */
export function dueOf(held: readonly DrillClaims[], now: number): Due[] {
  return newestOf(held.filter(isWhole), (claims) => claims)
    .map(({ name, sub, ended, due, good }) => ({ name, sub, ended, due, good, overdue: Date.parse(due) <= now }))
    .sort((a, b) => Date.parse(a.due) - Date.parse(b.due));
}

export interface LedgerOptions {
  readonly where: string;
  readonly token: string | undefined;
  readonly key: Vkey;
  readonly anchors: readonly Anchors[];
  /** Seconds. */
  readonly grace: number;
  readonly silence: number;
}

/** The drills of a ledger, which is verified as a whole: of one that does not verify none is told. */
export async function drillsInLedger(options: LedgerOptions): Promise<DrillClaims[]> {
  const { where, token, key, anchors, grace, silence } = options;
  const auditor = new Auditor({ anchors, origin: key.name }, { gap: grace, silence });
  const held: DrillClaims[] = [];
  const { problems } = await verifyLedger({
    ...{ where, token, key, since: [], witnesses: undefined, threads: undefined, progress: () => {} },
    rules: {
      take: (index, entry) => {
        const signed = entry.head.type === "drill" ? readDrillToken(entry.body.toString("latin1")) : undefined;
        if (signed !== undefined) held.push(signed.claims);
        auditor.take(index, entry);
      },
      end: () => auditor.end().filter(({ isUntold }) => isUntold === true),
      open: () => auditor.open,
      undecided: () => auditor.undecided,
      faults: () => auditor.faults,
    },
  });
  const [first] = problems;
  if (first === undefined) return held;
  throw new UserError(`This ledger does not verify, so it says nothing of drills: ${showProblem(first)}.`, {
    exitCode: 1,
    hint: "`glassgate ledger verify` with the same options says what is wrong.",
  });
}
