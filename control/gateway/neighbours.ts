/** Configurations beside one that is being written: two gateways must not share an id, an ECDS file or a log without a word. */
import { type Dirent, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { systemCode, UserError } from "../base/errors.js";
import { readText } from "../base/files.js";
import { readRenderedFilter } from "./rendered.js";
import { isDevice, readSurroundings } from "./surroundings.js";

/** By the words for each. */
function claimsOf(text: string, file: string): ReadonlyMap<string, string> {
  const { nodeId, ecdsPath } = readRenderedFilter(text, file);
  const { logs } = readSurroundings(text, file);
  return new Map([
    ...(nodeId === undefined ? [] : [[`id:${nodeId}`, `the id ${nodeId}`] as const]),
    [`file:${ecdsPath}`, "the file that `push` renames"],
    ...logs.filter(({ path }) => !isDevice(path)).map(({ path }) => [`file:${path}`, "the logs"] as const),
  ]);
}

export interface Shared {
  readonly file: string;
  readonly what: readonly string[];
}

function foundIn(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return [];
  }
}

/** @param output where the text is to be written */
export function sharedWith(text: string, output: string): Shared[] {
  const own = claimsOf(text, output);
  const folder = dirname(resolve(output));
  // What is no folder, or not ours to read, is told by whoever writes there.
  const entries = foundIn(folder);
  return entries.flatMap((entry): Shared[] => {
    const file = join(folder, entry.name);
    if (!entry.isFile() || !/\.ya?ml$/.test(entry.name) || file === resolve(output)) return [];
    try {
      const other = readText(file, "a file that may be a gateway's configuration");
      if (!other.includes("config_discovery")) return [];
      const theirs = claimsOf(other, file);
      const what = [...own].flatMap(([key, words]) => (theirs.has(key) ? [words] : []));
      return what.length === 0 ? [] : [{ file: entry.name, what: [...new Set(what)] }];
    } catch (error) {
      if (error instanceof UserError) return []; // Another program's file.
      throw error;
    }
  });
}
