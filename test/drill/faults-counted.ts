/** What came of a drill's faults, counted where the drill does not look: in the gateways' access logs, at the upstream, in the audit logs. */
import { readFileSync } from "node:fs";
import type { FaultResult } from "../../control/drill/model.js";

/** Lines of a file that is written on. */
export class Lines {
  private readonly begin: number;
  constructor(private readonly path: string) {
    this.begin = readFileSync(path).length;
  }
  /** Those that came since. */
  take(): string[] {
    return readFileSync(this.path).subarray(this.begin).toString().split("\n").slice(0, -1);
  }
}

export interface Counts {
  readonly calls: number;
  readonly answered: number;
  readonly letIn: number;
  readonly judged: number;
  readonly recorded: number;
  readonly entered: number;
  readonly lost: number;
}

/** What a report says of its faults, together. */
export function said(faults: readonly FaultResult[]): Counts {
  const total = { calls: 0, answered: 0, letIn: 0, judged: 0, recorded: 0, entered: 0, lost: 0 };
  for (const { seen } of faults) {
    for (const [, calls, answered, letIn] of seen.matchAll(/it (\d+) calls?, (\d+) answered, (\d+) grants? let in/g)) {
      total.calls += Number(calls);
      total.answered += Number(answered);
      total.letIn += Number(letIn);
    }
    const [, judged, recorded, entered] =
      /of (\d+) that the filter judged (\d+) on record, (\d+) entered/.exec(seen) ?? [];
    total.judged += Number(judged);
    total.recorded += Number(recorded);
    total.entered += Number(entered);
    total.lost += Number(/; (\d+) without a record/.exec(seen)?.[1] ?? 0);
  }
  return total;
}
