/** From the whole pass to the list of reviews: what the rules say of each, beside what was gathered. */
import type { Report } from "../ledger/audit/report.js";
import { coursesOf, stateOf } from "../ledger/chain/review-due.js";
import { blockersOf, type Judging, openGaps, openStreams } from "../ledger/chain/review-judge.js";
import { grantIn, grantsOf, type Course as LedgerCourse, shownOf } from "../ledger/chain/reviews.js";
import type { Anchors } from "../trust/anchors.js";
import { type GrantFacts, newFacts } from "./facts.js";
import type { Gatherer } from "./gather.js";
import type { Hours } from "./hours.js";
import type { Held, Listener } from "./listener.js";
import type { Action, Closure, DeniedReview, Review, ReviewList } from "./model.js";
import { type Course, deniedOf, reviewOf } from "./review.js";
import { takenBack } from "./texts.js";

export interface Reader {
  readonly anchors: readonly Anchors[];
  readonly grace: number;
  readonly due: number;
  readonly hours: Hours;
  readonly now: number;
}

/** Whoever promised something for a day has the whole of it, wherever he is: the last zone is twelve hours behind UTC. */
const LAST_ZONE_MS = 12 * 3_600_000;
const dayOf = (moment: number): string => new Date(moment).toISOString().slice(0, "2026-11-26".length);

class Assembly {
  private readonly judging: Judging;
  private readonly closures: ReadonlyMap<string, readonly Held[]>;

  constructor(
    private readonly reader: Reader,
    private readonly gathered: Gatherer,
    private readonly listener: Listener,
    private readonly report: Report,
  ) {
    this.judging = listener.auditor.judging(reader.now, reader.grace);
    this.closures = listener.closures();
  }

  private closuresOf(key: string, digest: string, { closed, isOutdated }: LedgerCourse): Closure[] {
    const { bundles } = this.gathered;
    return (this.closures.get(key) ?? []).map(({ entry, at, claims, isProven }) => {
      const { sub, classification, findings, actions } = claims;
      const by = bundles.whoIs(sub, at);
      return {
        entry,
        at,
        by,
        classification,
        findings,
        actions,
        isProven,
        // A grant that leaves a shared review takes nothing from what was signed.
        isOutdated: entry === closed?.index ? isOutdated : claims.digest !== digest,
      };
    });
  }

  private courseOf(key: string, course: LedgerCourse): Course {
    const { digest, counts } = shownOf(this.judging.state.reviews, key);
    const { due, now } = this.reader;
    const { predecessor } = this.report;
    const isCarried = grantsOf(this.judging.state.reviews, key).some((grant) => grant.isCarried);
    return {
      state: stateOf(course, due, now),
      openedAt: course.openedAt,
      dueAt: course.since + due * 1000,
      digest,
      counts,
      closures: this.closuresOf(key, digest, course),
      blockers: blockersOf(this.judging, key),
      carriedFrom: isCarried ? (predecessor ?? "another log") : undefined,
    };
  }

  /** Of a grant that came along from the shard before, and of which nothing came since, only what came along is known. */
  private factsOf(grant: string): GrantFacts | undefined {
    const known = grantIn(this.judging.state.reviews, grant);
    return this.gathered.grants.get(grant) ?? (known && newFacts(grant, known, 0, known.firstAt, false));
  }

  private async review(grant: string, ledgerCourse: LedgerCourse): Promise<Review | undefined> {
    const { gathered, judging, listener, report, reader } = this;
    const facts = this.factsOf(grant);
    if (facts === undefined) return undefined;
    const back = await takenBack(facts, gathered, reader.anchors);
    if (back !== undefined && (facts.revokedAt === undefined || back.at < facts.revokedAt)) {
      facts.revokedAt = back.at;
      facts.revokedEntry = back.entry;
    }
    return reviewOf(facts, {
      gathered,
      hours: reader.hours,
      now: reader.now,
      course: this.courseOf(grant, ledgerCourse),
      openStreams: openStreams(judging, grant),
      predecessor: report.predecessor,
      evidence: {
        origin: report.origin,
        size: report.size,
        root: Buffer.from(report.root, "base64").toString("hex"),
        checkpoint: report.checkpoint,
        entries: listener.joined.get(grant) ?? [],
        gaps: openGaps(judging, grant),
        isConsistent: report.consistentWith.length > 0 || report.witnesses.length > 0,
      },
    });
  }

  private denied(key: string, ledgerCourse: LedgerCourse): DeniedReview {
    const those = grantsOf(this.judging.state.reviews, key).flatMap(({ grant }) => this.factsOf(grant) ?? []);
    return deniedOf(key, those, this.courseOf(key, ledgerCourse));
  }

  /** Of the newest signature of each review: what it says no more was settled. */
  private *dueActions(): Generator<Action & { readonly grant: string }> {
    const today = dayOf(this.reader.now - LAST_ZONE_MS);
    for (const [grant, signed] of this.closures)
      for (const action of signed.at(-1)?.claims.actions ?? []) if (action.due < today) yield { ...action, grant };
  }

  async list(): Promise<ReviewList> {
    const reviews: Review[] = [];
    const denied: DeniedReview[] = [];
    const { state } = this.judging;
    for (const [key, course] of coursesOf(state.reviews)) {
      if (!state.reviews.used.has(key)) denied.push(this.denied(key, course));
      else {
        const review = await this.review(key, course);
        if (review !== undefined) reviews.push(review);
      }
    }
    const { origin, size } = this.report;
    return { origin, size, reviews, denied, dueActions: [...this.dueActions()] };
  }
}

export const assemble = (reader: Reader, gathered: Gatherer, listener: Listener, report: Report): Promise<ReviewList> =>
  new Assembly(reader, gathered, listener, report).list();
