/** The ledger that is looked at: a folder, or a URL. Whoever made it may be an adversary. */
import { realpathSync, statSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { hintOf, reasonOf, systemCode, UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { mustHaveLog } from "../log/tessera-folder.js";
import type { TileSource } from "../log.js";
import { mustBeNoNeighbour } from "../near.js";
import { openStore } from "../publish/open.js";
import { storeSource } from "../publish/store.js";
import { isStoreUrl } from "../publish/target.js";
import { COSIGNED } from "../tlog/file-source.js";
import { fileSource, httpSource } from "../tlog/read.js";
import { Broken, type Step } from "./problem.js";

export const isUrl = (where: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(where);

const stepOf = (path: string): Step =>
  path === "checkpoint"
    ? "checkpoint"
    : path === COSIGNED
      ? "witnesses"
      : path.startsWith("blob/")
        ? "form"
        : path.startsWith("tile/entries/")
          ? "entries"
          : "tiles";

/** A link may lead to elsewhere in the folder, not out of it: what is verified is the copy that was named. */
async function mustBeWithin(root: string, path: string): Promise<void> {
  let real: string;
  try {
    real = await realpath(join(root, path));
  } catch (error) {
    // The reader says it in the right words.
    if (systemCode(error) !== undefined) return;
    throw error;
  }
  if (!real.startsWith(root === sep ? sep : `${root}${sep}`))
    throw new Broken({ step: stepOf(path), file: path, says: `it is a link out of the folder, to ${real}` });
}

function folderSource(folder: string): TileSource {
  let root: string;
  try {
    root = realpathSync(folder);
    if (!statSync(root).isDirectory())
      throw new UserError(`${visible(folder)} is no folder.`, {
        hint: "Name the ledger's folder, or its https:// address.",
      });
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`Cannot read the ledger ${visible(folder)}: ${reasonOf(error)}.`, {
      cause: error,
      hint: hintOf(error) ?? "",
    });
  }
  mustHaveLog(root);
  mustBeNoNeighbour(folder);
  const files = fileSource(root);
  return {
    async read(path) {
      await mustBeWithin(root, path);
      return files.read(path);
    },
  };
}

/**
 * @param where a folder, an https:// URL, or the s3:// place of a store that the environment names
 * @param token for a URL, where it is a ledger that asks for one
 */
export function openSource(where: string, token?: string): TileSource {
  const source = isStoreUrl(where)
    ? storeSource(openStore(where, {}))
    : isUrl(where)
      ? httpSource(where, token)
      : folderSource(where);
  return {
    async read(path) {
      try {
        return await source.read(path);
      } catch (error) {
        // What is there and cannot be a log's file is the log's fault, and has a place; a network that is down is not.
        if (error instanceof UserError && !(error instanceof Broken) && error.exitCode === 1)
          throw new Broken({ step: stepOf(path), file: path, says: error.message.replace(/\.$/, "") });
        throw error;
      }
    },
  };
}
