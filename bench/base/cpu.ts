/**
 * CPU time of a process from the kernel's own counters. /proc/PID/task/TID/schedstat counts nanoseconds; where it is missing,
 * /proc/PID/stat counts ticks of 10 ms (proc(5), fields 14 and 15 at 100 ticks a second).
 */
import { readdirSync, readFileSync } from "node:fs";

export type CpuSource = "schedstat" | "stat";

function fromSchedstat(pid: number): number | undefined {
  let nanoseconds = 0;
  try {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ", 1)[0]);
    }
  } catch {
    return undefined; // The kernel was built without it.
  }
  return nanoseconds / 1000;
}

function fromStat(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** Which counter this machine has. */
export function cpuSource(): CpuSource {
  const time = fromSchedstat(process.pid);
  return time !== undefined && time > 0 ? "schedstat" : "stat";
}

/** User and system time of all threads so far, in microseconds. Exact while the process sleeps. */
export function cpuMicroseconds(pid: number, source: CpuSource): number {
  return source === "schedstat" ? (fromSchedstat(pid) ?? Number.NaN) : fromStat(pid);
}
