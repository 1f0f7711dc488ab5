/** What a process executes, by Linux's `perf`: unlike time it hardly depends on what else the machine does. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { UserError } from "../../control/base/errors.js";

const EVENT = "instructions:u";
const argumentsFor = (pid: number): readonly string[] => ["stat", "-x,", "-e", EVENT, "-p", String(pid)];
/** Until it has attached itself: it does not say when. */
const ATTACH_MS = 200;

/** Counts from now on. @returns stops, and tells thousands of instructions in user mode of all threads */
export async function countInstructions(pid: number): Promise<() => Promise<number>> {
  const child = spawn("perf", argumentsFor(pid), { stdio: ["ignore", "ignore", "pipe"] });
  let told = "";
  child.stderr.on("data", (chunk: Buffer) => {
    told += chunk.toString();
  });
  const failed = once(child, "error").then(() => {
    throw new UserError("There is no perf here.", { hint: "Install it (Debian: linux-perf), or measure time." });
  });
  const ended = once(child, "close");
  failed.catch(() => undefined); // Heard by the races below.
  ended.catch(() => undefined); // The same.
  await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, ATTACH_MS))]);
  return async () => {
    child.kill("SIGINT");
    await Promise.race([failed, ended]);
    const count = Number(told.match(/^(\d+),[^,]*,instructions/m)?.[1] ?? Number.NaN);
    if (Number.isNaN(count))
      throw new UserError(`perf did not count: ${told.trim().slice(0, 200)}`, { hint: "Measure time instead." });
    return count / 1000;
  };
}
