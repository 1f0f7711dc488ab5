/** What all threads of a run say together. */
import type { Inputs } from "./corpus.js";
import type { Progress } from "./run.js";
import { Tally, tell } from "./tally.js";

const number = (count: number): string => Math.round(count).toLocaleString("en-US");
const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
const sum = (threads: readonly Progress[], of: (progress: Progress) => number): number =>
  threads.reduce((so, progress) => so + of(progress), 0);
const inputsOf = ({ found }: Progress): number => Object.values(found).flat().length;

export interface Memory {
  readonly before: number;
  readonly now: number;
}

/** A line on the way. */
export function tellProgress(threads: readonly Progress[]): string {
  const executions = sum(threads, (thread) => thread.executions);
  const rate = sum(threads, ({ executions: done, seconds }) => done / seconds);
  return `${number(executions)} executions, ${number(rate)} a second, ${sum(threads, inputsOf)} inputs reached something new`;
}

/** Target -> inputs that reached something new, of all threads. */
export function foundBy(threads: readonly Progress[]): Inputs {
  const all: Record<string, string[]> = {};
  for (const { found } of threads)
    for (const [target, inputs] of Object.entries(found)) all[target] = [...(all[target] ?? []), ...inputs];
  return all;
}

/** @param rss of the process, when all threads had warmed up and at the end */
export function tellAll(threads: readonly Progress[], rss: Memory): string[] {
  const tally = new Tally();
  for (const { counts } of threads) tally.take(counts);
  const slow = threads.flatMap((thread) => thread.slow).sort((a, b) => b.ms - a.ms);
  const faults = threads.flatMap((thread) => thread.faults);
  const memory = threads.map(({ memory: { before, now } }) => `${mebibytes(before)} -> ${mebibytes(now)}`);
  const suspects = sum(threads, (thread) => thread.suspects);
  const longest = Math.max(...threads.map((thread) => thread.longest));
  return [
    ...tell(tally.all),
    `held to the Node host byte for byte: ${number(sum(threads, ({ compared }) => compared))}; to the reference, all that was allowed included: ${number(sum(threads, ({ referred }) => referred))}`,
    `${number(suspects)} seemed to take over a millisecond; measured again, the longest took ${longest.toFixed(2)} ms, and ${slow.length === 0 ? "none" : `${slow.length} stayed`} over one`,
    ...slow.slice(0, 5).map(({ ms, what }) => `slow: ${ms.toFixed(2)} ms, ${what}`),
    `memory of the VMs that served, warm -> at the end: ${memory.join(", ")}; of the process ${mebibytes(rss.before)} -> ${mebibytes(rss.now)}`,
    ...faults.map((fault) => `FAULT: ${fault}`),
    `fuzz: ${faults.length === 0 ? "passed" : "failed"}, ${tellProgress(threads)}`,
  ];
}
