/** `glassgate return`: wipes a grant and its proof key before their end, and writes down that it did. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { nowSeconds, showDuration } from "../base/time.js";
import { giveBack, type Held, readHoldings } from "../caller/held.js";
import { examples, jsonOption, keysOption } from "./context.js";
import { resultJson, say, sayWhole, warn } from "./output.js";

interface Options {
  readonly keys: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

const list = (entries: readonly Held[]): string =>
  entries.map(({ jti, ent, file }) => `\n  ${jti}  ${visible(ent)}, ${visible(file ?? "an ask")}`).join("");

function chosen(names: readonly string[], entries: readonly Held[], all: boolean): Held[] {
  if (entries.length === 0)
    throw new UserError("You hold nothing that could be returned.", {
      hint: "`glassgate status` shows what you hold.",
      exitCode: 1,
    });
  if (all) return [...entries];
  if (names.length === 0) {
    if (entries.length === 1) return [...entries];
    throw new UserError(`You hold more than one:${list(entries)}`, { hint: "Name a file or an id, or give --all." });
  }
  return names.flatMap((name) => {
    // A file may have had others before: what it holds now is to be wiped, whichever it is.
    const found = entries.filter(({ jti, file }) => jti === name || file === resolve(name));
    if (found.length > 0) return found;
    throw new UserError(`You hold no grant ${visible(name)}.`, {
      hint: "`glassgate status` shows files and ids. A grant that was printed, not written to a file, is not held: delete it where it is.",
      exitCode: 1,
    });
  });
}

function giveAllBack(names: string[], { keys, all, json }: Options): void {
  const now = nowSeconds();
  const entries = chosen(names, readHoldings(keys).entries, all === true);
  const returned = [...new Set(entries)].map((entry) => giveBack(keys, entry, "returned", now));
  if (json === true) {
    resultJson(
      returned.map(({ entry: { jti, ent, exp }, what, faults }) => ({
        ...{ jti, ent, seconds_left: exp - now },
        ...{ wiped: what, not_wiped: faults },
      })),
    );
  }
  for (const { entry, what, faults } of returned) {
    for (const fault of faults) warn(`could not be wiped or written: ${fault}. See to it yourself.`);
    if (faults.length > 0) process.exitCode = 1;
    if (json === true) continue;
    const left = showDuration(Math.max(0, entry.exp - now));
    say(
      `Returned ${entry.jti} with ${left} left. Wiped: ${what.map(visible).join(" and ") || "nothing was left of it"}.`,
    );
    if (entry.proof === undefined && what.length > 0) {
      const holder = entry.x5t === undefined ? "It was bound to no key" : "Its client certificate lives on";
      const whose = entry.x5t === undefined ? "" : " for whoever has that certificate's key";
      say(
        `${holder}: a copy, if somebody has one, still opens until its end${whose}. A revoker or a root calls it back:`,
      );
      sayWhole(`  glassgate revoke --grant ${entry.jti} --key NAME`);
    }
  }
}

export function addReturn(program: Command): void {
  const command = program
    .command("return")
    .description("wipe a grant and its proof key before their end, and note it")
    .argument("[grants...]", "files or ids, as `glassgate status` shows them (default: the only one)")
    .option("--all", "all that you hold")
    .addOption(keysOption())
    .addOption(jsonOption())
    .action(giveAllBack);
  examples(command, ["glassgate return", "glassgate return grant.txt", "glassgate return --all"]);
}
