/** The section of bench/RESULTS.md about reading reviews, and the same on the terminal. */
import { cpus } from "node:os";
import { today } from "../report/page.js";
import type { Used } from "./verify.js";

export interface Reading extends Used {
  readonly what: string;
  readonly entries: number;
}

export const READINGS = `| glassgate review | entries | s | CPU s | µs CPU each | peak MiB |
|---|--:|--:|--:|--:|--:|`;

export function readingRow({ what, entries, seconds, cpuSeconds, peakMib }: Reading): string {
  const each = (cpuSeconds * 1e6) / entries;
  const cells = [what, entries, seconds.toFixed(1), cpuSeconds.toFixed(1), each.toFixed(0), Math.round(peakMib)];
  return `| ${cells.join(" | ")} |`;
}

export const reviewSection = (found: readonly Reading[], calls: number): string => `## Reviews

\`npm run bench:review\`, ${today()}: Node ${process.version}, ${cpus().length} cores. Grants of ${calls.toLocaleString("en")} calls each, answered, with their evidence; each
command verifies the whole ledger under pinned anchors before it says anything. \`show\` and \`page\` are of one grant, of which each call is kept.

${[READINGS, ...found.map(readingRow)].join("\n")}
`;
