/** How much a folder takes on the disk, as `du` counts. */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "../../base/errors.js";

/** As stat(2) counts blocks, whatever the file system's are. */
const BLOCK_BYTES = 512;
/** How many files are looked at side by side. */
const AT_ONCE = 64;

export interface DiskUse {
  readonly files: number;
  readonly bytes: number;
}

async function use(path: string): Promise<{ bytes: number; isFolder: boolean }> {
  try {
    const found = await lstat(path);
    return { bytes: found.blocks * BLOCK_BYTES, isFolder: found.isDirectory() };
  } catch (error) {
    if (systemCode(error) === "ENOENT") return { bytes: 0, isFolder: false }; // Removed meanwhile.
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

export async function diskUse(folder: string): Promise<DiskUse> {
  let files = 0;
  let bytes = 0;
  for (const folders = [folder]; ; ) {
    const next = folders.pop();
    if (next === undefined) return { files, bytes };
    const names = await namesIn(next);
    for (let i = 0; i < names.length; i += AT_ONCE) {
      const paths = names.slice(i, i + AT_ONCE).map((name) => join(next, name));
      const found = await Promise.all(paths.map(use));
      for (const [at, one] of found.entries()) {
        bytes += one.bytes;
        if (one.isFolder) folders.push(paths[at] ?? next);
        else files += 1;
      }
    }
  }
}
