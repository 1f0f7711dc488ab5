/** What it takes to verify a log of our own, and to prove one entry of it, by size. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { writeNewTexts } from "../../control/base/files.js";
import { newLogFiles, openFilesLog } from "../../control/ledger/log/files.js";
import { openLogSigner } from "../../control/ledger/log/key.js";
import { inclusionProof, verifyInclusion } from "../../control/ledger/tlog/proof.js";
import { fileSource, rootAt } from "../../control/ledger/tlog/read.js";
import { leafHash } from "../../control/ledger/tlog/tree.js";
import { newKey } from "../../control/signer/jwk.js";
import { quantile } from "../base/statistics.js";
import { PROOFS, proofRow, type ReadingRows, VERIFIES, verifyRow } from "./tell.js";

const BATCH = 4096;
const START = Date.UTC(2026, 0, 1);
/** Entries between which a record's time moves on: a busy gateway. */
const EVERY_MS = 10;
const SAMPLES = 200;

/** A denial as the filter writes it before the requester is proven. */
export function recordOf(seq: number, prev: string): string {
  return JSON.stringify({
    v: 1,
    vm: "gateway-1/1767225600000000000/1",
    seq,
    prev,
    ts: new Date(START + seq * EVERY_MS).toISOString(),
    mode: "enforce",
    // Somebody else each time, and nothing that needs evidence: what is measured is the log, and a chain that is whole.
    verdict: "signature",
    kid: String(seq).padStart(43, "k"),
    source: `10.${Math.floor(seq / 65_536) % 256}.${Math.floor(seq / 256) % 256}.${seq % 256}:52100`,
    request_id: `request-${seq}`,
    bundle: 8,
    anchors: "a".repeat(64),
  });
}

export interface BigLog {
  readonly folder: string;
  readonly vkeyFile: string;
  readonly leafOf: (index: number) => Buffer;
}

/** A log of one VM's chain. @param home new */
export async function makeBigLog(home: string, size: number): Promise<BigLog> {
  const signer = openLogSigner(newKey("Ed25519"), "bench.example/verify");
  const options = { folder: join(home, "log"), signer, signedPath: join(home, "key.signed") };
  const vkeyFile = join(home, "log.vkey");
  writeNewTexts(newLogFiles(options));
  writeFileSync(vkeyFile, signer.vkey);
  const log = await openFilesLog(options);
  const leaves: Buffer[] = [];
  let prev = "0".repeat(64);
  for (let first = 1; first <= size; first += BATCH) {
    const entries: Buffer[] = [];
    for (let seq = first; seq < first + BATCH && seq <= size; seq++) {
      const received = new Date(START + seq * EVERY_MS).toISOString();
      const line = recordOf(seq, prev);
      prev = createHash("sha256").update(line).digest("hex");
      entries.push(
        Buffer.from(`{"ledger":1,"type":"record","received":"${received}","sender":"gateway-1","via":"file"}\n${line}`),
      );
    }
    leaves.push(...entries.map(leafHash));
    await log.append(entries);
  }
  await log.close();
  return { folder: options.folder, vkeyFile, leafOf: (index) => leaves[index] ?? Buffer.alloc(0) };
}

export interface Used {
  readonly seconds: number;
  /** Of the whole process, all threads. */
  readonly cpuSeconds: number;
  readonly peakMib: number;
}

export interface Verified extends Used {
  readonly size: number;
  readonly threads: number;
}

const command = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
/**
 * The process says itself what it took. Its `maxRSS` would begin at what its parent held, as the kernel hands that on to a process that
 * is started (exec in getrusage(2)); VmHWM is of its own memory alone.
 */
const TELL = `data:text/javascript,${encodeURIComponent(
  "import{readFileSync}from'node:fs';process.on('exit',()=>{const u=process.resourceUsage(),[,k]=/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status','utf8'));process.stderr.write('\\nused '+k+' '+(u.userCPUTime+u.systemCPUTime)+'\\n')})",
)}`;

/** `glassgate ARGS`. @throws where it does not end with 0 */
export function measureCommand(args: readonly string[]): Promise<Used> {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const child = spawn(process.execPath, ["--import", TELL, command, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => {
      stdout = (stdout + chunk.toString()).slice(-10_000);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-1000);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      const [, rss, cpu] = /\nused (\d+) (\d+)\n/.exec(stderr) ?? [];
      if (code !== 0) reject(new Error(`glassgate ${args.join(" ")} ends with ${code}:\n${stdout}${stderr}`));
      const seconds = (performance.now() - begin) / 1000;
      resolve({ seconds, cpuSeconds: Number(cpu) / 1e6, peakMib: Number(rss) / 1024 });
    });
  });
}

/** @throws where the log is not proved */
export async function measureVerify({ folder, vkeyFile }: BigLog, size: number, threads: number): Promise<Verified> {
  const args = ["ledger", "verify", folder, "--key", vkeyFile, "--threads", String(threads), "--json"];
  return { size, threads, ...(await measureCommand(args)) };
}

export interface Proved {
  readonly size: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly hashes: number;
}

/** Making and checking proofs of entries here and there, in a tree of that size, from the files. */
export async function measureProofs({ folder, leafOf }: BigLog, size: number): Promise<Proved> {
  const source = fileSource(folder);
  const root = await rootAt(source, size);
  const times: number[] = [];
  let hashes = 0;
  for (let i = 0; i < SAMPLES; i++) {
    const index = Math.floor((size * i) / SAMPLES);
    const begin = performance.now();
    const proof = await inclusionProof(source, index, size);
    const holds = verifyInclusion(leafOf(index), index, size, root, proof);
    times.push(performance.now() - begin);
    if (!holds) throw new Error(`The proof of entry ${index} at size ${size} does not hold.`);
    hashes = Math.max(hashes, proof.length);
  }
  return { size, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), hashes };
}

/** @param home new, on the disk that is measured @param say takes each line of two tables */
export async function measureReading(home: string, size: number, say: (line: string) => void): Promise<ReadingRows> {
  const log = await makeBigLog(home, size);
  const verified: Verified[] = [];
  say(VERIFIES);
  for (const threads of [1, 2]) {
    const one = await measureVerify(log, size, threads);
    verified.push(one);
    say(verifyRow(one));
  }
  const proved: Proved[] = [];
  say(PROOFS);
  for (let of = 1000; of <= size; of *= 10) {
    // A log of that size: a larger one has no tiles as wide as the smaller one's last.
    const one = await measureProofs(of === size ? log : await makeBigLog(join(home, String(of)), of), of);
    proved.push(one);
    say(proofRow(one));
  }
  return { verified, proved };
}
