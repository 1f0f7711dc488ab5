/** Where the lines went that a rotation took away: the files beside a log. */
import { type BigIntStats, statSync } from "node:fs";
import { readdir, realpath } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { systemCode } from "../../base/errors.js";
import type { LogFile } from "../config.js";
import type { Place } from "./position.js";
import { idOf, Source } from "./source.js";

const COMPRESSED = /\.(?:gz|bz2|xz|zst|lz4|Z)$/;

export interface Sibling {
  readonly path: string;
  readonly stat: BigIntStats;
}

export const statOf = (path: string): BigIntStats | undefined =>
  statSync(path, { bigint: true, throwIfNoEntry: false });

/** Follows a link, as a container's log is one. */
async function foldersOf(path: string): Promise<string[]> {
  const own = dirname(path);
  try {
    return [...new Set([own, dirname(await realpath(path))])];
  } catch {
    return [own]; // Not there yet, or a link to nowhere: looked at again.
  }
}

/** Every regular file beside the log, the last written to last. */
export async function filesBeside(path: string): Promise<Sibling[]> {
  const found = new Map<string, Sibling>();
  for (const folder of await foldersOf(path)) {
    let names: string[] = [];
    try {
      names = await readdir(folder);
    } catch (error) {
      if (!["ENOENT", "EACCES", "ENOTDIR"].includes(systemCode(error) ?? "")) throw error;
    }
    for (const name of names) {
      const stat = statOf(join(folder, name));
      if (stat?.isFile() === true) found.set(idOf(stat), { path: join(folder, name), stat });
    }
  }
  return [...found.values()].sort((a, b) => (a.stat.mtimeNs < b.stat.mtimeNs ? -1 : 1));
}

/** Whether a file may be an older one of that log, by its name: `audit.log.1`, `audit.log-20261126`, `audit-1.log`. */
export function isRotated(path: string, log: string): boolean {
  const name = basename(path);
  const own = basename(log);
  if (name === own || COMPRESSED.test(name)) return false;
  const end = extname(own);
  const stem = own.slice(0, own.length - end.length);
  const rest = name.startsWith(own)
    ? name.slice(own.length)
    : name.endsWith(end) && name.startsWith(stem)
      ? name.slice(stem.length)
      : "";
  return /^[.\-_~]/.test(rest);
}

/** The file of a place under whatever name: itself, else a copy of it. */
export async function findPlace(place: Place, log: LogFile, beside: readonly Sibling[]): Promise<Source | undefined> {
  const candidates = [...beside].reverse().filter(({ stat }) => stat.size >= BigInt(place.offset));
  const own = candidates.filter(({ stat }) => String(stat.dev) === place.device && String(stat.ino) === place.inode);
  for (const [files, isCopy] of [
    [own, false],
    [candidates, true],
  ] as const)
    for (const { path } of files) {
      const source = await openIfAllowed(path, log, place, isCopy);
      if (source !== undefined) return source;
    }
  return undefined;
}

/** Undefined for what has gone meanwhile or may not be read: other files beside the log are nobody's business. */
async function openIfAllowed(path: string, log: LogFile, place: Place, isCopy: boolean): Promise<Source | undefined> {
  try {
    return await Source.open(path, log, place, isCopy);
  } catch (error) {
    if (["ENOENT", "EACCES", "EPERM", "ENODEV"].includes(systemCode(error) ?? "")) return undefined;
    throw error;
  }
}
