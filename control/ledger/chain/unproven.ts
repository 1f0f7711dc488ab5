/** Evidence that did not come in time, and accesses that what came does not cover. */
import { taken } from "./bounded.js";
import { isPinned } from "./bundles.js";
import { type Finding, MAX_ABOUT } from "./finding.js";
import { type Grants, type KnownGrant, MAX_FAULTS, textOf } from "./grants.js";
import { isOver, type Look } from "./look.js";
import type { Rules } from "./rules.js";
import { allOf, unwait, type Waiting, type Waits } from "./waiting.js";

type Due = Omit<Finding, "index">;

function overdue(waits: Waits, isLate: (since: number) => boolean): Waiting[] {
  return allOf(waits).filter(({ since }) => isLate(since));
}

function due(code: "evidence_missing" | "bad_evidence", waiting: readonly Waiting[], words: string): Due[] {
  const byChain = new Map<string, Waiting[]>();
  for (const one of waiting) taken(byChain, one.chain, () => []).push(one);
  return [...byChain].map(([chain, all]): Due => {
    const { vm, seq } = all[0]?.record ?? { vm: chain, seq: 0 };
    const grant = all[0]?.record.grant_sha256;
    return {
      code,
      subject: chain,
      vm,
      seq,
      ...(grant === undefined ? {} : { grant_sha256: grant }),
      about: all.map(({ index }) => index).slice(0, MAX_ABOUT),
      says: `seq ${all
        .slice(0, MAX_FAULTS)
        .map(({ record }) => record.seq)
        .join(", ")} of ${vm}: ${words}`,
    };
  });
}

export function dueOfGrants(grants: Grants, rules: Rules, look: Look): Due[] {
  const isLate = (since: number): boolean => isOver(look, since, rules.grace.gap);
  const resting = overdue(grants.byGrant, isLate);
  const grantIn = ({ record }: Waiting): KnownGrant | undefined => grants.known.all.get(record.grant_sha256 ?? "");
  const missing = [
    ...overdue(grants.byEvidence, isLate).filter(
      ({ record, isShown }) => isShown !== true && textOf(grants, record.evidence ?? "") === undefined,
    ),
    ...resting.filter((one) => grantIn(one)?.isShown !== true),
  ];
  const underWay = new Set(allOf(grants.byEvidence).map(({ record }) => record.grant_sha256));
  const uncovered = resting.filter((one) => {
    const { isShown, isJudged } = grantIn(one) ?? {};
    if (isShown !== true || one.isShown === true || !isPinned(rules, one.record)) return false;
    return isJudged === true || !underWay.has(one.record.grant_sha256);
  });
  const names = [...new Set(uncovered.flatMap((one) => (one.record.approvers ?? []).map(({ sub }) => sub)))];
  const unnamed = [...grants.texts].flatMap(([sender, texts]) => {
    const all = [...texts.values()].filter(({ isNamed, since }) => !isNamed && isLate(since));
    return all.length === 0 ? [] : [{ sender, about: all.map(({ index }) => index).slice(0, MAX_ABOUT) }];
  });
  return [
    ...due("evidence_missing", missing, "no evidence of the approvals came"),
    ...due(
      "bad_evidence",
      uncovered,
      names.length === 0
        ? "the evidence of that grant does not hold"
        : `not all of ${names.slice(0, MAX_FAULTS).join(", ")} signed evidence of that grant that holds`,
    ),
    ...unnamed.map(
      ({ sender, about }): Due => ({
        code: "evidence_without_record",
        subject: sender,
        about,
        says: `${sender} sent evidence that no record names`,
      }),
    ),
  ];
}

/** It was told that these entries have no evidence, or that no record names them. */
export function dropTold(grants: Grants, told: ReadonlySet<number>): void {
  for (const waits of [grants.byEvidence, grants.byGrant])
    for (const waiting of allOf(waits)) if (told.has(waiting.index)) unwait(waits, waiting);
  for (const texts of grants.texts.values())
    for (const text of texts.values()) if (told.has(text.index)) text.isNamed = true;
}
