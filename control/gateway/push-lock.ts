/**
 * A courtesy between pushes on one machine: the second waits for the first, ten seconds at most. Nothing relies on it: shared
 * folders, containers and stopped holders exist, so what keeps versions rising is what each push reads again.
 */
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { systemCode } from "../base/errors.js";
import { visible } from "../base/text.js";

const COURTESY_MS = 10_000;
const PAUSE_MS = 25;

function holderOf(path: string): string | undefined {
  try {
    return statSync(path).isFile() ? readFileSync(path, "utf8").slice(0, 200) : undefined;
  } catch {
    return undefined; // Released meanwhile.
  }
}

/** Whether the holder was a process of this machine that has ended. */
function isGone(holder: string): boolean {
  const match = /^pid ([0-9]{1,10}) on (\S+) /.exec(holder);
  if (match?.[2] !== hostname()) return false;
  try {
    process.kill(Number(match[1]), 0);
    return false;
  } catch (error) {
    return systemCode(error) === "ESRCH";
  }
}

export interface LockOptions {
  readonly courtesyMs?: number;
  /** After the courtesy the lock stays its holder's, and whoever waited goes on without. */
  readonly isLeft?: boolean;
  readonly progress?: (line: string) => void;
}

/** @returns what gives the lock back. Where none can be had, the push goes on without. */
export async function takeLock(ecdsPath: string, options: LockOptions = {}): Promise<() => void> {
  const path = `${ecdsPath}.lock`;
  const name = `pid ${process.pid} on ${hostname()} ${randomBytes(6).toString("hex")}\n`;
  let holder: string | undefined;
  let since = performance.now();
  for (;;) {
    try {
      writeFileSync(path, name, { flag: "wx", mode: 0o644 });
      return () => {
        if (holderOf(path) === name) remove(path);
      };
    } catch (error) {
      if (systemCode(error) !== "EEXIST") {
        const begun = holderOf(path); // A full disk: the name is taken, and nobody's is in it.
        if (begun !== undefined && begun !== name && name.startsWith(begun)) remove(path);
        return () => {};
      }
    }
    const now = holderOf(path);
    if (now !== undefined && now !== holder) {
      holder = now;
      since = performance.now();
      if (!isGone(now))
        options.progress?.(`Another push is under way (${visible(now.trim()).slice(0, 80)}); waiting for it ...`);
    }
    const isOver = performance.now() - since > (options.courtesyMs ?? COURTESY_MS);
    if (!isOver && (now === undefined || !isGone(now))) await sleep(PAUSE_MS);
    else if ((options.isLeft === true && isOver) || !remove(path)) return () => {};
  }
}

function remove(path: string): boolean {
  try {
    rmSync(path, { force: true });
    return true;
  } catch {
    return false; // Not to be had: the push goes on without it.
  }
}
