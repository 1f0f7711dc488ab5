/** What became of the executions: counts by target and verdict, of one thread or of all. */

/** Target -> verdict -> how many. */
export type Counts = Readonly<Record<string, Readonly<Record<string, number>>>>;

export class Tally {
  executions = 0;
  private readonly counts: Record<string, Record<string, number>> = {};

  /** @returns whether that target never came to that verdict before */
  add(target: string, verdict: string, count = 1): boolean {
    this.executions += count;
    const verdicts = this.counts[target] ?? {};
    this.counts[target] = verdicts;
    const before = verdicts[verdict] ?? 0;
    verdicts[verdict] = before + count;
    return before === 0;
  }

  take(counts: Counts): void {
    for (const [target, verdicts] of Object.entries(counts))
      for (const [verdict, count] of Object.entries(verdicts)) this.add(target, verdict, count);
  }

  get all(): Counts {
    return this.counts;
  }
}

const number = (count: number): string => count.toLocaleString("en-US");

/** A line a target: how many, and the verdicts, the most frequent first. */
export function tell(counts: Counts): string[] {
  return Object.entries(counts).map(([target, verdicts]) => {
    const sorted = Object.entries(verdicts).sort(([, a], [, b]) => b - a);
    const sum = sorted.reduce((so, [, count]) => so + count, 0);
    return `${target.padEnd(20)} ${number(sum).padStart(11)}  ${sorted.map(([name, count]) => `${name} ${number(count)}`).join(", ")}`;
  });
}
