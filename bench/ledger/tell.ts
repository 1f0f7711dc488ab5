/** The sections of bench/RESULTS.md that the ledger's log has, and the same on the terminal. */
import { cpus } from "node:os";
import { today } from "../report/page.js";
import type { Measured } from "./appends.js";
import type { Step } from "./growth.js";
import type { Proved, Verified } from "./verify.js";

const row = (...cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
const machine = (): string => `Node ${process.version}, ${cpus().length} cores`;

export const APPENDS = `${row("log", "clients", "batch", "appends/s", "p50 ms", "p99 ms", "bytes a record", "files")}
|---|--:|--:|--:|--:|--:|--:|--:|`;

export function appendRow({ target, load, entries, perSecond, p50, p99, bytes, files }: Measured): string {
  const each = [Math.round(perSecond), p50.toFixed(1), p99.toFixed(1), Math.round(bytes / entries), files];
  return row(target, load.clients, load.batch, ...each);
}

export const VERIFIES = `${row("verify, entries", "threads", "s", "CPU s", "s for 10^6", "peak MiB")}
|--:|--:|--:|--:|--:|--:|`;

export function verifyRow({ size, threads, seconds, cpuSeconds, peakMib }: Verified): string {
  const million = ((seconds * 1e6) / size).toFixed(1);
  return row(size, threads, seconds.toFixed(1), cpuSeconds.toFixed(1), million, Math.round(peakMib));
}

export const PROOFS = `${row("a proof in a tree of", "p50 ms", "p99 ms", "hashes")}
|--:|--:|--:|--:|`;

export const proofRow = ({ size, p50Ms, p99Ms, hashes }: Proved): string =>
  row(size, p50Ms.toFixed(2), p99Ms.toFixed(2), hashes);

export function appendsSection(appends: readonly Measured[], seconds: number): string {
  return `## The ledger's log

\`npm run bench:ledger\`, ${today()}: ${machine()}; entries of 600 bytes, ${seconds} seconds a row. Each client waits until its entries
are durable: files and folders synced, and with ours the signed checkpoint too. "Ours, in process" is called by the client itself; ours
and Tessera (POSIX, with the personality in config/ledger/tessera) are called over HTTP by the same clients, each log in a process of its
own on the same disk, row by row in turns.

${[APPENDS, ...appends.map(appendRow)].join("\n")}
`;
}

export interface ReadingRows {
  readonly verified: readonly Verified[];
  readonly proved: readonly Proved[];
}

export function readingSection({ verified, proved }: ReadingRows): string {
  return `## Verifying a ledger, and proving an entry

\`npm run bench:ledger\`, ${today()}: ${machine()}. \`glassgate ledger verify\` of one gateway's chain, everything judged anew from the
files; the peak is what the whole process held, all threads:

${[VERIFIES, ...verified.map(verifyRow)].join("\n")}

Making and checking an inclusion proof from the files:

${[PROOFS, ...proved.map(proofRow)].join("\n")}
`;
}

export const GROWTH = `${row("entries", "appends/s", "CPU µs each", "memory MiB", "bytes each", "files", "proof ms")}
|--:|--:|--:|--:|--:|--:|--:|`;

export function growthRow(step: Step): string {
  const { entries, perSecond, cpuMicrosecondsEach, residentMiB, bytesEach, files, proofMs } = step;
  const cells = [Math.round(perSecond), cpuMicrosecondsEach.toFixed(1), Math.round(residentMiB), Math.round(bytesEach)];
  return row(entries, ...cells, files, proofMs.toFixed(2));
}

/** Ten times as many: what grows with the entries does so in line, and a proof has log2(10) hashes more. */
const COMPUTED = 10;
/** Entries of a bundle, and hashes of a tile. */
const WIDTH = 256;

export function growthSection(steps: readonly Step[], batch: number): string {
  const last = steps.at(-1);
  if (last === undefined) throw new Error("Nothing was measured.");
  const entries = last.entries * COMPUTED;
  let files = 0;
  for (let count = Math.ceil(entries / WIDTH); ; count = Math.ceil(count / WIDTH)) {
    // The bundles have a tile of hashes each; above them are tiles of tiles.
    files += files === 0 ? 2 * count : count;
    if (count === 1) break;
  }
  const gigabytes = (entries * last.bytesEach) / 1e9;
  const seconds = steps.reduce((sum, { perSecond }) => sum + last.entries / steps.length / perSecond, 0) * COMPUTED;
  return `## A ledger that grows

\`npm run bench:ledger-growth\`, ${today()}: ${machine()}; one caller, ${batch} entries of 600 bytes at once. Memory is that of the process.

${[GROWTH, ...steps.map(growthRow)].join("\n")}

Computed from this, not measured: ${entries.toLocaleString("en")} entries take ${gigabytes.toFixed(1)} GB in ${files.toLocaleString("en")} files, ${Math.round(seconds / 60)} minutes to append,
the same memory, and ${Math.ceil(Math.log2(entries))} hashes for a proof.
`;
}
