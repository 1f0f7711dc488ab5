/** A folder that is no ledger, and lies beside one: somebody stands in the wrong place. */
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { systemCode, UserError } from "../base/errors.js";
import { shellWord, visible } from "../base/text.js";

/** Names in a folder that are looked at, and how many ledgers are named. */
const MAX_LOOKED = 1000;
const MAX_NAMED = 3;

const has = (folder: string, ...names: readonly string[]): boolean =>
  names.some((name) => existsSync(join(folder, name)));

/** Also one that is damaged: whatever was taken away of it, that is for `verify` to say. */
const isLedger = (folder: string): boolean => has(folder, "checkpoint", "tile", "ledger.yaml", "tessera.checkpoint");
/** A folder called `tile`, or a file called `checkpoint`, can be anybody's. */
const isSurely = (folder: string): boolean =>
  has(folder, "ledger.yaml", "tessera.checkpoint") || (has(folder, "checkpoint") && has(folder, "tile"));

function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true }).slice(0, MAX_LOOKED);
    return entries.filter((entry) => !entry.isFile()).map(({ name }) => join(folder, name));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return []; // Whoever reads the ledger says it in the right words.
  }
}

/** @throws where the folder is no ledger at all, and one is in it, or it is one's own part */
export function mustBeNoNeighbour(folder: string): void {
  if (isLedger(folder)) return;
  const parent = join(folder, "..");
  const near = [...foldersIn(folder).sort(), ...(resolve(parent) === resolve(folder) ? [] : [parent])].filter(isSurely);
  if (near.length === 0) return;
  const named = near.slice(0, MAX_NAMED).map((one) => shellWord(`${visible(one)}/`));
  throw new UserError(`There is no ledger in ${visible(folder)}.`, { hint: `Did you mean ${named.join(", or ")}?` });
}
