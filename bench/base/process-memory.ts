/** What a process with WebAssembly in it holds, by the kernel's own list of its mappings (proc(5), /proc/PID/smaps). */
import { readFileSync } from "node:fs";
import { messageOf, UserError } from "../../control/base/errors.js";

export interface ProcessMemory {
  /** Bytes of the whole process; in `proportional` a page that others have as well counts in part. */
  readonly resident: number;
  readonly proportional: number;
  /** Of each VM's linear memory, largest first: how large it is, and how much of it was ever touched. */
  readonly linear: readonly { readonly size: number; readonly resident: number }[];
  /** Machine code made at run time, of all VMs. */
  readonly code: number;
}

/**
 * V8 puts a linear memory at the start of a reservation of 8 GiB and more, so that it need not check bounds. The rest of it is
 * closed, and no other mapping has so large a closed one right behind it.
 */
const RESERVATION = 4 * 1024 ** 3;

interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly access: string;
  readonly isFile: boolean;
  resident: number;
  proportional: number;
}

function mappingsOf(smaps: string): Mapping[] {
  const mappings: Mapping[] = [];
  for (const line of smaps.split("\n")) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+)/.exec(line);
    if (head !== null) {
      const [, start = "", end = "", access = "", inode = ""] = head;
      mappings.push({
        start: Number.parseInt(start, 16),
        end: Number.parseInt(end, 16),
        access,
        isFile: inode !== "0",
        resident: 0,
        proportional: 0,
      });
    } else {
      const [, what, kilobytes] = /^(Rss|Pss): +(\d+) kB/.exec(line) ?? [];
      const last = mappings.at(-1);
      if (last !== undefined && what !== undefined)
        last[what === "Rss" ? "resident" : "proportional"] = Number(kilobytes) * 1024;
    }
  }
  return mappings;
}

export function parseSmaps(smaps: string): ProcessMemory {
  const mappings = mappingsOf(smaps);
  const sum = (some: readonly Mapping[]): number => some.reduce((total, { resident }) => total + resident, 0);
  const linear = mappings.filter(({ end, access }, i) => {
    const next = mappings[i + 1];
    const isClosed = next?.start === end && next.access.startsWith("---") && next.end - next.start > RESERVATION;
    return access.startsWith("rw-") && isClosed;
  });
  return {
    resident: sum(mappings),
    proportional: mappings.reduce((total, { proportional }) => total + proportional, 0),
    linear: linear
      .map(({ start, end, resident }) => ({ size: end - start, resident }))
      .sort((a, b) => b.size - a.size || b.resident - a.resident),
    code: sum(mappings.filter(({ access, isFile }) => access.startsWith("rwx") && !isFile)),
  };
}

export function processMemory(pid: number): ProcessMemory {
  try {
    return parseSmaps(readFileSync(`/proc/${pid}/smaps`, "utf8"));
  } catch (error) {
    throw new UserError(`The memory of Envoy cannot be read: ${messageOf(error)}.`, {
      hint: "This needs Linux, and Envoy as a process of its own user on the same machine.",
      cause: error,
    });
  }
}
