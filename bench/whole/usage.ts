/** What each process takes of the machine: CPU by the kernel's counters from a moment on, and memory at both ends. */
import { cpuMicroseconds, cpuSource } from "../base/cpu.js";
import { processMemory } from "../base/process-memory.js";
import type { Fleet } from "./fleet.js";

export interface Used {
  readonly name: string;
  /** Of one core. */
  readonly cores: number;
  readonly begin: number;
  readonly end: number;
}

const source = cpuSource();

export function watchUsage({ pids, members }: Fleet): () => readonly Used[] {
  const named: readonly (readonly [string, number])[] = [
    ...pids.gateways.map((pid, i) => [`Envoy ${members[i]?.name ?? ""}`, pid] as const),
    ["ledger serve", pids.serve],
    ["ledger follow", pids.follow],
    ["pushes and books (this process)", process.pid],
    ...pids.load.map((pid, i) => [["callers", "forger", "upstream"][i] ?? "", pid] as const),
  ];
  const began = performance.now();
  const before = named.map(([name, pid]) => ({
    ...{ name, pid },
    cpu: cpuMicroseconds(pid, source),
    begin: processMemory(pid).resident,
  }));
  return () => {
    const micros = (performance.now() - began) * 1000;
    return before.map(({ name, pid, cpu, begin }) => ({
      ...{ name, begin },
      cores: (cpuMicroseconds(pid, source) - cpu) / micros,
      end: processMemory(pid).resident,
    }));
  };
}
