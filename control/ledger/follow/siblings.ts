/** Where the lines went that a rotation took away: the files beside a log. */
import { type BigIntStats, lstatSync, statSync } from "node:fs";
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
  /** By its name it may be an older file of the log. */
  readonly isRotated: boolean;
}

export const statOf = (path: string): BigIntStats | undefined =>
  statSync(path, { bigint: true, throwIfNoEntry: false });

/** Its own name, and that of what it is a link to: a container's log is one, and its runtime rotates what is behind it. */
async function namesOf(path: string): Promise<string[]> {
  try {
    return [...new Set([path, await realpath(path)])];
  } catch {
    return [path]; // Not there yet, or a link to nowhere: looked at again.
  }
}

/** Of the name itself: where a link beside the log leads is not the log's business, and may be what its readers must not see. */
function regular(path: string): BigIntStats | undefined {
  try {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return stat?.isFile() === true ? stat : undefined;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined; // What may not even be looked at.
  }
}

/** A rotation renames while the folder is read: a file may then be seen under neither name. */
const LISTINGS = 5;

/** Every regular file beside the log, the last written to last: as seen twice in a row. */
export async function filesBeside(path: string): Promise<Sibling[]> {
  const seen = (files: readonly Sibling[]): string =>
    JSON.stringify(files.map((one) => [one.path, idOf(one.stat)]).sort());
  let files = await listed(path);
  for (let i = 1; i < LISTINGS; i++) {
    const again = await listed(path);
    const isSame = seen(again) === seen(files);
    files = again;
    if (isSame) break;
  }
  return files;
}

async function listed(path: string): Promise<Sibling[]> {
  const found = new Map<string, Sibling>();
  for (const own of await namesOf(path)) {
    let names: string[] = [];
    try {
      names = await readdir(dirname(own));
    } catch (error) {
      if (!["ENOENT", "EACCES", "ENOTDIR"].includes(systemCode(error) ?? "")) throw error;
    }
    for (const name of names) {
      const beside = join(dirname(own), name);
      const stat = regular(beside);
      if (stat === undefined) continue;
      const before = found.get(idOf(stat))?.isRotated ?? false;
      found.set(idOf(stat), { path: beside, stat, isRotated: before || isRotated(beside, own) });
    }
  }
  return [...found.values()].sort((a, b) => (a.stat.mtimeNs < b.stat.mtimeNs ? -1 : 1));
}

/** Kubernetes counts a container's starts: each has a log of its own, and the link leads to the newest. */
const STARTED = /^[0-9]+\.log$/;
const STARTED_BEFORE = /^[0-9]+\.log(?:[.\-_~]|$)/;

/** Whether a file may be an older one of that log, by its name: `audit.log.1`, `audit.log-20261126`, `audit-1.log`. */
export function isRotated(path: string, log: string): boolean {
  const name = basename(path);
  const own = basename(log);
  if (name === own || COMPRESSED.test(name)) return false;
  if (STARTED.test(own) && STARTED_BEFORE.test(name)) return true;
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
    for (const sibling of files) {
      const source = await openSibling(sibling, log, place, isCopy);
      if (source !== undefined) return source;
    }
  return undefined;
}

/** Undefined for what has gone meanwhile, is another file now, or may not be read: other files beside the log are nobody's business. */
export async function openSibling(
  { path, stat }: Sibling,
  log: LogFile,
  place?: Place,
  isCopy = false,
): Promise<Source | undefined> {
  try {
    const source = await Source.open(path, log, place, isCopy);
    if (source === undefined || source.id === idOf(stat)) return source;
    await source.close(); // A link was put in its place.
    return undefined;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}
