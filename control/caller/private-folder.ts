/** A folder for a socket, which only this user may enter; gone with the process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reasonOf, UserError } from "../base/errors.js";
import { visible } from "../base/text.js";

export interface PrivateFolder {
  readonly path: string;
  remove(): void;
}

/** `mkdtemp` makes it 0700. Its name is short: a socket's path has about 100 bytes. */
export function makePrivateFolder(): PrivateFolder {
  const runtime = process.env.XDG_RUNTIME_DIR;
  const base = runtime === undefined || runtime === "" ? tmpdir() : runtime;
  let path: string;
  try {
    path = mkdtempSync(join(base, "glassgate-"));
  } catch (error) {
    throw new UserError(`Cannot make a folder in ${visible(base)}: ${reasonOf(error)}.`, {
      cause: error,
      hint: "Name one that you can write to in TMPDIR.",
    });
  }
  const remove = (): void => {
    process.off("exit", remove);
    rmSync(path, { recursive: true, force: true });
  };
  process.once("exit", remove);
  return { path, remove };
}
