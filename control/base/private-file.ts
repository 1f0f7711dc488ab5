/** Secrets in files: whoever may read one may use it, so others may not. */
import { statSync } from "node:fs";
import { UserError } from "./errors.js";
import { readText } from "./files.js";
import { visible } from "./text.js";

/** Bits of a mode that are the group's and everybody's. */
const OTHERS = 0o077;

/** A pipe is whoever's gave it; on Windows modes say nothing. */
function isOpenToOthers(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return process.platform !== "win32" && found?.isFile() === true && (found.mode & OTHERS) !== 0;
}

/** @param what names it in the error: "the token" @throws UserError where others may read it */
export function readPrivateText(path: string, what: string, hint?: string): string {
  const text = readText(path, what, hint);
  if (!isOpenToOthers(path)) return text;
  throw new UserError(`${visible(path)}: others may read ${what}.`, {
    hint: `chmod 600 ${visible(path)}; and take a new secret if others can log in here.`,
  });
}
