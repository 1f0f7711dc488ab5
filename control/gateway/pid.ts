/** The pid file beside a configuration: which `gateway run` serves it. A number can be reused, so the process is asked what it is. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readTextIfThere, writeText } from "../base/files.js";
import { childEnvironment } from "./environment.js";

export const pidPath = (file: string): string => `${file}.pid`;

export function writePid(file: string): void {
  writeText(pidPath(file), `${process.pid}\n`);
}

/** Its program and arguments; empty when there is no such process. */
function commandOf(pid: number): string {
  if (existsSync("/proc/self/cmdline")) {
    return (readTextIfThere(`/proc/${pid}/cmdline`, "the process's command") ?? "").replaceAll("\0", " ");
  }
  try {
    return execFileSync("ps", ["-p", String(pid), "-o", "args="], { encoding: "utf8", env: childEnvironment() });
  } catch {
    return ""; // No such process.
  }
}

/** The process that serves this configuration now, if one does. */
export function runningPid(file: string): number | undefined {
  const pid = Number(readTextIfThere(pidPath(file), "the gateway's pid file")?.trim());
  if (!Number.isInteger(pid) || pid < 2 || pid === process.pid) return undefined;
  return / gateway run /.test(commandOf(pid)) ? pid : undefined;
}
