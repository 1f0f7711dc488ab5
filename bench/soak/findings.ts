/** What the soak of the gateway found, and what of it must not be. */
import { quantile } from "../base/statistics.js";
import { POSSIBLE_VERDICTS } from "./kinds.js";
import { leaksBetween, type Sample } from "./memory.js";
import type { Rotations } from "./rotations.js";
import type { Traffic } from "./traffic.js";

interface Memory {
  readonly warm: Sample;
  readonly end: Sample;
  /** All of them, those during the traffic as well. */
  readonly samples: readonly Sample[];
}

export interface Findings extends Memory {
  readonly requests: number;
  readonly rotations: number;
  readonly wrong: number;
  readonly seconds: number;
  /** Answers by kind and status. */
  readonly answers: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Decisions as the filter counted them. */
  readonly verdicts: Readonly<Record<string, number>>;
  /** Milliseconds. */
  readonly push: { readonly p50: number; readonly max: number };
  /** Whatever must not be, as sentences. */
  readonly faults: readonly string[];
}

/** The filter counts each decision: one more or less than grants were sent is a grant that it judged twice or not at all. */
function decisionFaults(verdicts: Readonly<Record<string, number>>, grants: number): string[] {
  const decided = Object.values(verdicts).reduce((sum, count) => sum + count, 0);
  const odd = Object.entries(verdicts).filter(([verdict]) => !POSSIBLE_VERDICTS.has(verdict));
  return [
    ...(decided === grants ? [] : [`the filter decided ${decided} grants, and ${grants} were sent`]),
    ...odd.map(
      ([verdict, count]) => `the filter decided ${verdict} ${count} times, which nothing here can bring about`,
    ),
  ];
}

/** @param decisions the filter's counters by their full names */
export function findingsOf(
  traffic: Traffic,
  rotations: Rotations,
  decisions: ReadonlyMap<string, number>,
  memory: Memory,
): Findings {
  const counted = [...decisions].filter(([, count]) => count > 0);
  const verdicts = Object.fromEntries(counted.map(([name, count]) => [name.replace(/^.*verdict=/, ""), count]));
  const healed = rotations.healed.map((version) => `the push of bundle ${version} had to heal a worker that was dead`);
  return {
    ...memory,
    requests: traffic.requests,
    rotations: rotations.count,
    wrong: traffic.wrong,
    seconds: traffic.seconds,
    answers: Object.fromEntries([...traffic.answers].map(([kind, answers]) => [kind, Object.fromEntries(answers)])),
    verdicts,
    push: { p50: quantile(rotations.times, 0.5), max: Math.max(...rotations.times) },
    faults: [
      ...traffic.examples.values(),
      ...healed,
      ...decisionFaults(verdicts, traffic.grants),
      ...leaksBetween(memory.warm, memory.end),
    ],
  };
}
