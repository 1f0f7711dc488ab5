/** How much memory the gateway may hold more at the end than after the warm-up. */
import type { RunningEnvoy } from "../../control/gateway/run.js";
import { type ProcessMemory, processMemory } from "../base/process-memory.js";
import { tablesBuilt } from "../gateway/quiet.js";

export interface Sample extends ProcessMemory {
  readonly requests: number;
  readonly rotations: number;
  /** Bytes by Envoy's own allocator: in use, and held. Neither has the linear memories in it, nor V8's own. */
  readonly allocated: number;
  readonly heap: number;
  /** Tables of multiples that the VMs have built. */
  readonly tables: number;
}

export async function takeSample(
  envoy: RunningEnvoy,
  progress: { readonly requests: number; readonly rotations: number },
): Promise<Sample> {
  const tables = await tablesBuilt(envoy);
  return { ...progress, ...processMemory(envoy.pid), ...(await envoy.admin.memory()), tables };
}

/**
 * What Envoy itself keeps of each rotation, whatever the filter: about 2.4 kB with one that does nothing, and 80 bytes more with
 * ours (test/gateway/memory.test.ts). A configuration that is not given back would cost 20 kB a VM.
 */
const BYTES_PER_ROTATION = 4096;
/** Buffers, timers and counters are not the same at any two moments. A leak of one byte a request shows in a million requests. */
const ALLOCATED_SLACK = 1024 ** 2;
/**
 * Pages that an allocator takes for good, and functions that V8 optimises late: less than one MiB over 200,000 requests. A leak
 * of 64 bytes a request in linear memory exceeds this after 131,000 requests; one of three bytes, in a full run.
 */
const RESIDENT_SLACK = 8 * 1024 ** 2;

/**
 * Linear memory grows by what is needed at once and never shrinks: a rotation that met more open streams, or a hole less, than those
 * before the warm-up's end takes a few pages more. The least that can leak is 16 KiB (assembly/heap.ts): once a rotation, that
 * exceeds this after 64.
 */
const LINEAR_SLACK = 1024 ** 2;

const mib = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

/** What is wrong with the linear memories of one process's VMs, in bytes, between the warm-up's end and the end. */
export function linearFaults(where: string, warm: readonly number[], end: readonly number[]): string[] {
  const isFlat = warm.length === end.length && end.every((size, i) => size <= (warm[i] ?? 0) + LINEAR_SLACK);
  return isFlat ? [] : [`${where} linear memory was ${warm.join(", ")} bytes and is ${end.join(", ")}`];
}

/** What is wrong between the two, as sentences; none when memory is flat. */
export function leaksBetween(warm: Sample, end: Sample): string[] {
  const rotations = end.rotations - warm.rotations;
  const requests = end.requests - warm.requests;
  const slacks = { allocated: ALLOCATED_SLACK, resident: RESIDENT_SLACK };
  const faults = (["allocated", "resident"] as const).flatMap((what) => {
    const allowed = rotations * BYTES_PER_ROTATION + slacks[what];
    const growth = end[what] - warm[what];
    if (growth <= allowed) return [];
    const over = `over ${requests} requests and ${rotations} rotations`;
    return [`${what} memory grew by ${mib(growth)} ${over}; ${mib(allowed)} would be right`];
  });
  const sizes = ({ linear }: Sample): number[] => linear.map(({ size }) => size);
  return [...faults, ...linearFaults("on Envoy", sizes(warm), sizes(end))];
}
