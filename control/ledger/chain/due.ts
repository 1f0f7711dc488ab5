/** What time has brought: gaps whose grace is over, silent gateways, VMs that are over, sums of what was held back. */
import type { EntryHead } from "../entry.js";
import { dueOfAnswers } from "./answers.js";
import { dueOfBundles } from "./bundles.js";
import type { Finding } from "./finding.js";
import { dueOfFloods, isPaused } from "./floods.js";
import { dueOfChains, endsAt } from "./heartbeats.js";
import { isCatchingUp } from "./lag.js";
import type { Look } from "./look.js";
import { dueOfReceipts } from "./receipts.js";
import { dueOfReviews } from "./review-due.js";
import type { Rules } from "./rules.js";
import type { State } from "./state.js";
import { dueOfGrants } from "./unproven.js";

export interface Due {
  readonly findings: readonly Finding[];
  /** Bodies of entries of type `end`. */
  readonly ends: readonly Buffer[];
}

/** What time has brought. Changes nothing. */
export function due(state: State, rules: Rules, look: Look): Due {
  const { now, patience } = look;
  const findings = [
    ...dueOfChains(state.chains, rules, look),
    ...dueOfBundles(state.bundles, rules, look),
    ...dueOfGrants(state.grants, rules, look),
    ...dueOfAnswers(state.answers, rules, look),
    ...dueOfReceipts(state.receipts, rules, look),
    ...dueOfReviews(state.reviews, rules, now),
  ].filter(
    (finding) =>
      (patience !== undefined || !isCatchingUp(state.lags, finding, now)) &&
      !(rules.isCounting && isPaused(state.floods, finding, now)),
  );
  const sums = rules.isCounting ? dueOfFloods(state.floods, now) : [];
  return {
    findings: [...findings, ...sums].map((finding) => {
      const [index] = finding.about;
      return index === undefined ? finding : { ...finding, index };
    }),
    ends: endsAt(state.chains, rules, look).map((end) => Buffer.from(JSON.stringify(end))),
  };
}

/** The head of an entry that the ledger itself writes. */
export const ownHead = (type: "alarm" | "end", now: number): EntryHead => ({
  ledger: 1,
  type,
  received: new Date(now).toISOString(),
  sender: "ledger",
  via: "ledger",
});
