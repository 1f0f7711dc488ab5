/** Which drill is due when: by the last of each name that was held and signed. */
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { showProblem } from "../../ledger/audit/problem.js";
import { verifyLedger } from "../../ledger/audit/verify.js";
import { Auditor } from "../../ledger/chain/auditor.js";
import { isLetIn, type Line } from "../../ledger/chain/lines.js";
import { MAX_AHEAD } from "../../ledger/chain/review-signer.js";
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

/**
 * What is overdue first, then by date.
 * @param now milliseconds since 1970
 * @param within seconds from the last one to the next at most, whatever its report says
 */
export function dueOf(held: readonly DrillClaims[], now: number, within = Number.POSITIVE_INFINITY): Due[] {
  const dueAt = ({ ended, due }: DrillClaims): number => Math.min(Date.parse(due), Date.parse(ended) + within * 1000);
  return newestOf(held.filter(isWhole), (claims) => claims)
    .map((claims): Due => {
      const { name, sub, ended, good } = claims;
      const at = dueAt(claims);
      return { name, sub, ended, due: new Date(at).toISOString(), good, overdue: at <= now };
    })
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
  /** Milliseconds. */
  readonly now: number;
}

/** In the order of a ledger, which is that of its times. */
function firstFrom(all: readonly { readonly received: number }[], from: number): number {
  let [low, high] = [0, all.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((all[middle]?.received ?? 0) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Records of grants of drills: when the ledger took them in, by the drill's id. */
class Seen {
  private readonly all = new Map<string, { received: number; isLetIn: boolean }[]>();
  /** By the ledger's clock. */
  latest = 0;

  take(received: number, line: Line | undefined): void {
    this.latest = Math.max(this.latest, received);
    if (line?.type !== "record" || line.record.drill === undefined) return;
    const own = this.all.get(line.record.drill) ?? [];
    own.push({ received, isLetIn: isLetIn(line.record) });
    this.all.set(line.record.drill, own);
  }

  /** A signature alone holds no drill: its requests are on record, and where all went well one was let in. */
  has({ drill, began, ended, good }: DrillClaims): boolean {
    const [from, to] = [Date.parse(began) - MAX_AHEAD * 1000, Date.parse(ended) + MAX_AHEAD * 1000];
    const own = this.all.get(drill) ?? [];
    for (let i = firstFrom(own, from); i < own.length; i++) {
      const one = own[i];
      if (one === undefined || one.received > to) return false;
      if (one.isLetIn || !good) return true;
    }
    return false;
  }
}

/** The drills of a ledger, which is verified as a whole: of one that does not verify none is told. @returns those that count, and why others do not */
export async function drillsInLedger(options: LedgerOptions): Promise<{ held: DrillClaims[]; odd: string[] }> {
  const { where, token, key, anchors, grace, silence, now } = options;
  const auditor = new Auditor({ anchors, origin: key.name }, { gap: grace, silence });
  const signed: { index: number; claims: DrillClaims }[] = [];
  const seen = new Seen();
  const { problems } = await verifyLedger({
    ...{ where, token, key, since: [], witnesses: undefined, threads: undefined, progress: () => {} },
    rules: {
      take: (index, entry, line) => {
        seen.take(Date.parse(entry.head.received), line);
        const drill = entry.head.type === "drill" ? readDrillToken(entry.body.toString("latin1")) : undefined;
        if (drill !== undefined) signed.push({ index, claims: drill.claims });
        auditor.take(index, entry, line);
      },
      end: () => auditor.end().filter(({ isUntold }) => isUntold === true),
      open: () => auditor.open,
      undecided: () => auditor.undecided,
      faults: () => auditor.faults,
    },
  });
  const [first] = problems;
  if (first !== undefined)
    throw new UserError(`This ledger does not verify, so it says nothing of drills: ${showProblem(first)}.`, {
      exitCode: 1,
      hint: "`glassgate ledger verify` with the same options says what is wrong.",
    });
  if (seen.latest > now + MAX_AHEAD * 1000)
    throw new UserError(
      `This machine's clock says ${new Date(now).toISOString()}, and the ledger took something in at ${new Date(seen.latest).toISOString()}.`,
      { exitCode: 1, hint: "Set the clock, then run it again: by this one nothing would be overdue." },
    );
  const isHeld = ({ claims }: (typeof signed)[number]): boolean => claims.partial === true || seen.has(claims);
  return {
    held: signed.filter(isHeld).map(({ claims }) => claims),
    odd: signed
      .filter((one) => !isHeld(one))
      .map(
        ({ index, claims: { name, sub, ended, good } }) =>
          `entry ${index} does not count: ${visible(sub)} signed a drill ${visible(name)} that ended at ${ended}, and the ledger has no record ${good ? "of a grant that it opened" : "of it"} from that time.`,
      ),
  };
}
