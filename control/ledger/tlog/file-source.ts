/** A log in a folder, to read from. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { hintOf, reasonOf, systemCode, UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { TileSource } from "../log.js";
import { MAX_NOTE_BYTES } from "./note.js";
import { MAX_BUNDLE_BYTES, MAX_TILE_BYTES } from "./tiles.js";

/** A body too long for an entry; nothing that a gateway or an agent writes comes near. */
export const MAX_BLOB_BYTES = 64 * 1024 * 1024;

const TREE_PATH = /^tile\/(?:entries|[0-9]|[1-5][0-9]|6[0-3])\/(?:x[0-9]{3}\/)*[0-9]{3}(?:\.p\/[1-9][0-9]{0,2})?$/;

/** The newest checkpoint that enough witnesses cosigned, where a log has witnesses. */
export const COSIGNED = "cosigned";

/** How large the file of this name can be; undefined for a name that no log has: nobody reads anything else through it. */
export function boundOf(path: string): number | undefined {
  if (path === "checkpoint" || path === COSIGNED) return MAX_NOTE_BYTES;
  if (/^blob\/[0-9a-f]{64}$/.test(path)) return MAX_BLOB_BYTES;
  if (!TREE_PATH.test(path)) return undefined;
  return path.startsWith("tile/entries/") ? MAX_BUNDLE_BYTES : MAX_TILE_BYTES;
}

export function mustBeBound(path: string): number {
  const bound = boundOf(path);
  if (bound === undefined) throw new RangeError("no name of a file that a log has");
  return bound;
}

export const tooLarge = (name: string, bound: number): UserError =>
  new UserError(`${visible(name)} is larger than it can be (${bound} bytes).`, { exitCode: 1 });

async function readAll(file: FileHandle, name: string, bound: number): Promise<Buffer> {
  const found = await file.stat();
  if (!found.isFile()) throw new UserError(`${visible(name)} is no file.`, { exitCode: 1 });
  if (found.size > bound) throw tooLarge(name, bound);
  return file.readFile();
}

export function fileSource(folder: string): TileSource {
  return {
    async read(path) {
      const bound = mustBeBound(path);
      const name = join(folder, path);
      let file: FileHandle;
      try {
        // Not to wait for the other end where somebody put a pipe.
        file = await open(name, constants.O_RDONLY | constants.O_NONBLOCK);
      } catch (error) {
        if (["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "")) return undefined;
        throw new UserError(`Cannot read ${visible(name)}: ${reasonOf(error)}.`, {
          cause: error,
          hint: hintOf(error) ?? "",
        });
      }
      try {
        return await readAll(file, name, bound);
      } finally {
        await file.close();
      }
    },
  };
}
