/** Which process this is, and whether another one that said so of itself has surely ended. In doubt it has not. */
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { z } from "zod";
import { systemCode } from "../../base/errors.js";

export const processSchema = z.strictObject({
  pid: z.int().positive(),
  host: z.string().max(256),
  /** When it was started, in the kernel's ticks since boot: a number of a process is used again. */
  started: z.string().max(40).optional(),
  boot: z.string().max(64).optional(),
  /** A hash of the machine's own name, which stays over a boot. */
  machine: z.string().max(64).optional(),
  /** The namespace in which the number counts: containers have their own. */
  space: z.string().max(64).optional(),
});
export type ProcessName = z.infer<typeof processSchema>;

/** What Linux calls the namespace that is no container's. */
const FIRST_SPACE = "pid:[4026531836]";

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined; // Not on this system: then less is known, and less is taken over.
  }
}

function space(): string | undefined {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return undefined; // No Linux.
  }
}

/** State and start of a process, from proc(5): the fields behind the program's name, which may have any character. */
function statOf(pid: number): { state: string; started: string } | undefined {
  const fields = read(`/proc/${pid}/stat`)?.split(") ").at(-1)?.split(" ");
  return fields === undefined ? undefined : { state: fields[0] ?? "", started: fields[19] ?? "" };
}

export const thisProcess = (): ProcessName => processOf(process.pid);

/** @param pid of a process of this machine */
export function processOf(pid: number): ProcessName {
  const machine = read("/etc/machine-id");
  const hash = machine === undefined || machine === "" ? undefined : createHash("sha256").update(machine).digest("hex");
  const known = {
    started: statOf(pid)?.started,
    boot: read("/proc/sys/kernel/random/boot_id"),
    machine: hash?.slice(0, 32),
    space: space(),
  };
  const members = Object.entries(known).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { pid, host: hostname(), ...Object.fromEntries(members) };
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== "ESRCH";
  }
}

/** Whether its number means the same here: this machine since it was started, and no other container. */
export function isHere(other: ProcessName, own = thisProcess()): boolean {
  return other.host === own.host && other.boot === own.boot && other.space === own.space;
}

export function isSurelyGone(other: ProcessName): boolean {
  const own = thisProcess();
  if (other.host !== own.host) return false;
  if (other.boot !== own.boot) {
    // The machine was started again: surely, if it is one, and not two containers of one name.
    const isOneMachine = other.machine !== undefined && other.machine === own.machine;
    return isOneMachine && other.space === FIRST_SPACE && own.space === FIRST_SPACE;
  }
  if (!isHere(other, own)) return false;
  if (own.started === undefined) return !isThere(other.pid);
  const found = statOf(other.pid);
  // /proc may be mounted so that it hides the processes of others.
  if (found === undefined) return !isThere(other.pid);
  // A zombie has ended, and waits for its parent to hear so.
  return found.started !== other.started || found.state === "Z" || found.state === "X";
}
