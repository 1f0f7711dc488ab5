/** `glassgate status`: what you hold, and the minutes left. */
import type { Command } from "commander";
import { visible } from "../base/text.js";
import { nowSeconds, showDuration, showTime } from "../base/time.js";
import { type Held, placeOf, readHoldings } from "../caller/held.js";
import { showDetail } from "../caller/scope.js";
import { examples, jsonOption, keysOption } from "./context.js";
import { resultJson, resultRows, warn } from "./output.js";

interface Options {
  readonly keys: string;
  readonly json?: boolean;
}

const WORDS = {
  ask: () => "an ask: no grant of it was written to a file yet",
  grant: ({ file }: Held) => `a grant, in ${visible(file ?? "")}`,
  replaced: ({ file }: Held) => `a grant whose file holds another by now: ${visible(file ?? "")}`,
  gone: ({ file }: Held) => `a grant whose file is gone: ${visible(file ?? "")}`,
} as const;

function rowsOf(entry: Held, now: number): string[] {
  return [
    entry.jti,
    `  is       ${WORDS[placeOf(entry)](entry)}`,
    `  by       ${visible(entry.sub)}, under ${visible(entry.ent)}`,
    ...entry.authorization_details.map((detail) => `  opens    ${visible(showDetail(detail))}`),
    ...(entry.proof === undefined ? [] : ["  proof    bound to a proof key, which is here, sealed by your key"]),
    ...(entry.x5t === undefined ? [] : [`  bound    to the client certificate with the SHA-256 ${visible(entry.x5t)}`]),
    `  left     ${showDuration(Math.max(0, entry.exp - now))}, until ${showTime(entry.exp)}`,
  ];
}

function status({ keys, json }: Options): void {
  const now = nowSeconds();
  const { entries, strange } = readHoldings(keys);
  for (const path of strange) warn(`${visible(path)} is damaged, or none of ours; it was left alone.`);
  if (json === true) {
    resultJson(
      entries.map((entry) => {
        const { proof, ...rest } = entry;
        return {
          ...rest,
          state: placeOf(entry),
          proof_key: proof !== undefined,
          seconds_left: Math.max(0, entry.exp - now),
        };
      }),
    );
    return;
  }
  if (entries.length === 0) resultRows(["You hold nothing: no bound ask, and no grant in a file."]);
  else resultRows(entries.flatMap((entry) => rowsOf(entry, now)));
}

export function addStatus(program: Command): void {
  const command = program
    .command("status")
    .description("show which grants and proof keys you hold, and the minutes left")
    .addOption(keysOption())
    .addOption(jsonOption())
    .action(status);
  examples(command, ["glassgate status", "glassgate status --json"]);
}
