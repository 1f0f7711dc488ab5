/** `npm run bench:ledger-growth`: one log that grows to a million entries: whether memory and cost stay what they were at the start. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeNewTexts } from "../control/base/files.js";
import { diskUse } from "../control/ledger/log/disk-use.js";
import { newLogFiles, openFilesLog } from "../control/ledger/log/files.js";
import { openLogSigner } from "../control/ledger/log/key.js";
import { inclusionProof, verifyInclusion } from "../control/ledger/tlog/proof.js";
import { rootAt } from "../control/ledger/tlog/read.js";
import { leafHash } from "../control/ledger/tlog/tree.js";
import { newKey } from "../control/signer/jwk.js";
import { readFlags } from "./base/flags.js";
import { endOnSignals, say } from "./base/program.js";
import { median } from "./base/statistics.js";
import type { Step } from "./ledger/growth.js";
import { GROWTH, growthRow, growthSection } from "./ledger/tell.js";
import { writeSection } from "./report/page.js";

const ENTRIES = 1_000_000;
const STEPS = 10;
const PROOFS = 50;
/** A denial's record, with the ledger's head. */
const RECORD_BYTES = 600;
const MIB = 1024 * 1024;

const USAGE = {
  script: "bench:ledger-growth",
  about:
    "Lets one log grow, and tells at each tenth what it takes: time, CPU, memory, disk, files, and a proof's time; writes bench/RESULTS.md.",
  numbers: {
    entries: { about: "entries in all", otherwise: ENTRIES, least: STEPS },
    batch: { about: "entries that one caller hands in at once", otherwise: 1024 },
  },
  texts: { folder: { about: "where the log is made (default: the temporary folder)", value: "DIR" } },
  example: "--entries 20000 --batch 64",
};

const recordOf = (index: number): Buffer => {
  const text = `{"ledger":1,"type":"record"}\n{"v":1,"seq":${index},"path":"`;
  return Buffer.from(text.padEnd(RECORD_BYTES, "x"));
};

/** @param args see `--help` */
export async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(USAGE, args, process.env);
  if (flags === undefined) return;
  endOnSignals();
  const root = mkdtempSync(join(flags.text("folder") ?? tmpdir(), "glassgate-ledger-"));
  process.once("exit", () => rmSync(root, { recursive: true, force: true }));
  const signer = openLogSigner(newKey("Ed25519"), "bench.example/growth");
  const options = { folder: join(root, "log"), signer, signedPath: join(root, "key.signed") };
  writeNewTexts(newLogFiles(options));
  const log = await openFilesLog(options);

  const proofMs = async (): Promise<number> => {
    const treeRoot = await rootAt(log, log.size);
    const times: number[] = [];
    for (let i = 0; i < PROOFS; i++) {
      const index = Math.floor((log.size / PROOFS) * i);
      const start = performance.now();
      const proof = await inclusionProof(log, index, log.size);
      times.push(performance.now() - start);
      if (!verifyInclusion(leafHash(recordOf(index)), index, log.size, treeRoot, proof))
        throw new Error(`the proof of entry ${index} does not verify`);
    }
    return median(times);
  };

  const steps: Step[] = [];
  const batch = flags.number("batch");
  say(GROWTH);
  for (let step = 1; step <= STEPS; step++) {
    const from = log.size;
    const to = Math.floor((flags.number("entries") / STEPS) * step);
    const start = performance.now();
    const cpu = process.cpuUsage();
    while (log.size < to) {
      const count = Math.min(batch, to - log.size);
      const first = log.size;
      await log.append(Array.from({ length: count }, (_, i) => recordOf(first + i)));
    }
    const { user, system } = process.cpuUsage(cpu);
    const seconds = (performance.now() - start) / 1000;
    const disk = await diskUse(options.folder);
    const found: Step = {
      entries: log.size,
      perSecond: (log.size - from) / seconds,
      cpuMicrosecondsEach: (user + system) / (log.size - from),
      residentMiB: process.memoryUsage.rss() / MIB,
      bytesEach: disk.bytes / log.size,
      files: disk.files,
      proofMs: await proofMs(),
    };
    steps.push(found);
    say(growthRow(found));
  }
  await log.close();
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify({ batch, steps }, null, 2)}\n`);
  if (flags.number("entries") < ENTRIES) {
    say("Only a part: bench/RESULTS.md stays as it is.");
    return;
  }
  writeSection("ledger-growth", growthSection(steps, batch));
  say("Wrote bench/RESULTS.md.");
}
