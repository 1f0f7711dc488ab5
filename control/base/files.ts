/** Files read with clear errors, and written whole or not at all (temporary file, fsync, rename). */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { sync as writeAtomically } from "write-file-atomic";
import { messageOf, systemCode, UserError } from "./errors.js";

function reasonOf(error: unknown): string {
  switch (systemCode(error)) {
    case "ENOENT":
      return "it does not exist";
    case "EACCES":
    case "EPERM":
      return "you may not access it";
    case "EISDIR":
      return "it is a directory";
    default:
      return messageOf(error);
  }
}

/** @param what names the file in the error: "the roster" */
export function readText(path: string, what: string, hint?: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UserError(`Cannot read ${what} ${path}: ${reasonOf(error)}.`, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

export function readTextIfThere(path: string, what: string): string | undefined {
  return existsSync(path) ? readText(path, what) : undefined;
}

/** Writes the whole file by rename. `mode` defaults to 0644; secrets are 0600. */
export function writeText(path: string, text: string, options: { mode?: number } = {}): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeAtomically(path, text, { mode: options.mode ?? 0o644, fsync: true });
  } catch (error) {
    throw new UserError(`Cannot write ${path}: ${reasonOf(error)}. Nothing was changed.`, { cause: error });
  }
}
