/** A folder for a socket, which only this user may enter; gone with the process. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { reasonOf, UserError } from "../base/errors.js";
import { visible } from "../base/text.js";

export interface PrivateFolder {
  readonly path: string;
  remove(): void;
}

/** Of the folder's parent, so that the socket's path has at most 103 bytes: a longer one is cut off without a word, and stands elsewhere. */
const MAX_BASE_BYTES = 103 - "/glassgate-XXXXXX/proxy.sock".length;

/** Why nothing can be made there; undefined where it can. After `su` the variable is still that of another user. */
function faultOf(base: string): string | undefined {
  if (Buffer.byteLength(base) > MAX_BASE_BYTES) return "its path is too long for a socket";
  const runtime = process.env.XDG_RUNTIME_DIR;
  const isOthers = base === runtime && statSync(base).uid !== process.getuid?.();
  return isOthers ? "it is another user's" : undefined;
}

/** `mkdtemp` makes it 0700. */
export function makePrivateFolder(): PrivateFolder {
  const runtime = process.env.XDG_RUNTIME_DIR ?? "";
  const faults: string[] = [];
  for (const base of [...(isAbsolute(runtime) ? [runtime] : []), resolve(tmpdir())]) {
    try {
      const fault = faultOf(base);
      if (fault === undefined) return privateFolder(mkdtempSync(join(base, "glassgate-")));
      faults.push(`${visible(base)}: ${fault}`);
    } catch (error) {
      faults.push(`${visible(base)}: ${reasonOf(error)}`);
    }
  }
  throw new UserError(`Cannot make a folder for a socket in ${faults.join(", nor in ")}.`, {
    hint: "Name a folder with a short path that you can write to in TMPDIR: `TMPDIR=/tmp`.",
  });
}

function privateFolder(path: string): PrivateFolder {
  const remove = (): void => {
    process.off("exit", remove);
    rmSync(path, { recursive: true, force: true });
  };
  process.once("exit", remove);
  return { path, remove };
}
