/** The ledger's own rules, which say what is of which review, what may be closed, and which closing signatures hold. */
import { Auditor } from "../ledger/chain/auditor.js";
import { decodeFinding, type Finding } from "../ledger/chain/finding.js";
import type { Line } from "../ledger/chain/lines.js";
import type { Grace, Pins } from "../ledger/chain/rules.js";
import type { Entry } from "../ledger/entry.js";
import { type ReviewClaims, readReview } from "../ledger/review.js";
import type { Gatherer } from "./gather.js";

export interface Signed {
  readonly entry: number;
  /** When it came. */
  readonly at: number;
  readonly claims: ReviewClaims;
}

export interface Held extends Signed {
  readonly isProven: boolean;
}

export class Listener {
  readonly auditor: Auditor;
  /** By grant, of those that are wanted: entries of its review, in the order in which they join it. */
  readonly joined = new Map<string, number[]>();
  private readonly signed: Signed[] = [];
  private readonly refused = new Set<number>();
  /** Whose signature was verified. */
  private readonly proven = new Set<number>();
  /** When the newest entry came, by the ledger's clock. */
  newestAt = 0;

  constructor(
    private readonly gathered: Gatherer,
    pins: Pins,
    grace: Partial<Grace>,
  ) {
    const onJoined = (grant: string, index: number): void => {
      if (gathered.grants.get(grant)?.isKept !== true) return;
      const those = this.joined.get(grant) ?? [];
      this.joined.set(grant, those);
      those.push(index);
    };
    this.auditor = new Auditor(pins, grace, onJoined, (index, isProven) => {
      if (isProven) this.proven.add(index);
    });
  }

  take(index: number, entry: Entry, line: Line | undefined): void {
    // Before the rules: they say who joins what, and by then its facts are there.
    this.gathered.take(index, entry, line);
    this.newestAt = Math.max(this.newestAt, Date.parse(entry.head.received));
    this.note(this.auditor.take(index, entry, line));
    // On record: also whoever pins nothing, and cannot judge it, hears of it.
    const alarm = entry.head.type === "alarm" ? decodeFinding(entry.body) : undefined;
    if (alarm !== undefined) this.note([alarm]);
    if (entry.head.type !== "review") return;
    const claims = readReview(entry.body.toString("latin1"))?.claims;
    if (claims !== undefined) this.signed.push({ entry: index, at: Date.parse(entry.head.received), claims });
  }

  /** What the ledger was silent about. */
  end(): readonly Finding[] {
    const all = this.auditor.end();
    this.note(all);
    return all.filter(({ isUntold }) => isUntold === true);
  }

  private note(findings: readonly Finding[]): void {
    for (const { code, index } of findings)
      if (code === "review_invalid" && index !== undefined) this.refused.add(index);
  }

  /** Closing signatures that hold, in the log's order, by the key of their review. */
  closures(): ReadonlyMap<string, readonly Held[]> {
    const byKey = new Map<string, Held[]>();
    for (const one of this.signed) {
      const { review } = one.claims;
      const isProven = this.proven.has(one.entry);
      if (!this.refused.has(one.entry)) byKey.set(review, [...(byKey.get(review) ?? []), { ...one, isProven }]);
    }
    return byKey;
  }
}
