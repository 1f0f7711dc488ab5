/** The scratch gateway's audit log as it stands: its records, and whether each VM's chain is whole. */
import { setTimeout as sleep } from "node:timers/promises";
import { readBytes } from "../base/files.js";
import { type AuditRecord, classify } from "../ledger/chain/lines.js";
import type { Call, Scratch } from "./model.js";

/** The log is flushed several times a second. */
const RECORDED_MS = 15_000;
const PAUSE_MS = 50;
const BEGINNING = "0".repeat(64);

interface Line {
  readonly record: AuditRecord;
  readonly sha256: string;
}

export function recordsIn(auditLog: string): Line[] {
  const bytes = readBytes(auditLog, "the scratch gateway's audit log");
  const lines: Line[] = [];
  for (let at = 0, end = bytes.indexOf(0x0a); end >= 0; at = end + 1, end = bytes.indexOf(0x0a, at)) {
    const line = classify(bytes.subarray(at, end));
    if (line.type === "record") lines.push({ record: line.record, sha256: line.sha256.toString("hex") });
  }
  return lines;
}

/** Whole from its first record on; an open stream's line stands there twice. */
function faultsOf(vm: string, lines: readonly Line[]): string[] {
  const bySeq = new Map(lines.map((line) => [line.record.seq, line]));
  const faults: string[] = [];
  let prev = BEGINNING;
  for (let seq = 1; seq <= bySeq.size; seq++) {
    const line = bySeq.get(seq);
    if (line === undefined) return [...faults, `the record ${seq} of the VM ${vm} is missing`];
    if (line.record.prev !== prev) faults.push(`the record ${seq} of the VM ${vm} does not go on from the one before`);
    prev = line.sha256;
  }
  return faults;
}

/** @param calls whose records are waited for */
export async function chainsIn(auditLog: string, calls: readonly Call[]): ReturnType<Scratch["chains"]> {
  for (const deadline = performance.now() + RECORDED_MS; ; await sleep(PAUSE_MS)) {
    const lines = recordsIn(auditLog);
    const vms = new Map(lines.map(({ record }) => [record.request_id, record.vm]));
    if (calls.some(({ seen }) => !vms.has(seen.requestId)) && performance.now() < deadline) continue;
    const names = [...new Set(lines.map(({ record }) => record.vm))];
    return {
      vmOf: ({ seen }) => vms.get(seen.requestId),
      faults: names.flatMap((vm) =>
        faultsOf(
          vm,
          lines.filter(({ record }) => record.vm === vm),
        ),
      ),
    };
  }
}
