/** The end of a drill that was held: told, signed and written, entered. Whatever goes wrong with that takes nothing of it away. */
import { dirname, join, resolve } from "node:path";
import { UserError } from "../base/errors.js";
import { shellWord, visible } from "../base/text.js";
import { nowSeconds } from "../base/time.js";
import { bundleEndWords } from "../drill/facts.js";
import { mishapOf } from "../drill/held.js";
import type { Report } from "../drill/model.js";
import type { Prepared } from "../drill/prepare.js";
import { tableOf } from "../drill/report/table.js";
import { isGood } from "../drill/report/words.js";
import { type Written, writeReport } from "../drill/report/write.js";
import { asciiJson } from "../ledger/audit/line.js";
import { signDrill } from "../ledger/drill.js";
import type { PrivateKey } from "../signer/jwk.js";
import { enterDrill } from "./drill-enter.js";
import { again, type RunOptions } from "./drill-options.js";
import { ledgerOf } from "./drill-records.js";
import { result, resultRows, say, sayLabelled, sayWhole, warn } from "./output.js";

interface Options extends RunOptions {
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

/** In its place; else beside the drill file. @returns undefined where neither can be, which is said */
async function writeSomewhere(
  { source: { name } }: Prepared,
  report: Report,
  output: string,
  key: PrivateKey,
): Promise<Written | undefined> {
  // By the clock that the drill ended by, which nobody sets back.
  const iat = Math.max(nowSeconds(), Math.floor(Date.parse(report.ended) / 1000));
  const write = (place: string): Promise<Written> =>
    writeReport(place, report, (claims) => signDrill(claims, key), iat);
  try {
    return await write(output);
  } catch (error) {
    const why = mishapOf(error);
    process.exitCode = 1;
    const beside = dirname(resolve(name));
    const written = await write(beside).catch(() => undefined);
    const what = written === undefined ? "The drill was held, and has no report" : "The report is not in its place";
    sayLabelled("red", "error:", `${what}: ${why}`);
    return written;
  }
}

/** The drill is held and its report written, whatever the ledger says now. */
async function enterIn({ source }: Prepared, { folder, token }: Written, { passphraseFd }: Options): Promise<void> {
  let where = "";
  try {
    const ledger = ledgerOf(source);
    if (ledger === undefined) return;
    where = ledger.where;
    say(
      "Entering its signature into the ledger. Where nothing serves that here, the ledger's own key is opened for it.",
    );
    const { entry, size } = await enterDrill(where, token, passphraseFd, ledger);
    say(`Its signature is entry ${entry} of the ledger, proved to be in its signed tree of ${size}.`);
  } catch (error) {
    const why = mishapOf(error);
    if (!(error instanceof UserError)) process.exitCode = 1;
    warn(`That its signature is in the ledger is not proved: ${error instanceof UserError ? error.message : why}`);
    if (where === "") return;
    say("Enter it later:");
    sayWhole(`  glassgate drill enter ${shellWord(folder)} --ledger ${shellWord(where)}`);
  }
}

/** Nobody signs that nothing was tried. @throws UserError */
export function mustHaveTried({ assertions, faults, notProbed }: Report): void {
  if (assertions.length + faults.length > 0) return;
  const why = notProbed.map((one) => `\n- ${visible(one.what)}: ${visible(one.why)}`);
  throw new UserError(`Nothing was tried, so there is no report:${why.join("")}`, {
    hint: "`--dry-run` lists what can be tried by that file.",
  });
}

export async function tellReport(
  prepared: Prepared,
  report: Report,
  output: string,
  key: PrivateKey,
  options: Options,
): Promise<void> {
  if (options.json === true) result(asciiJson(report, 1));
  else resultRows(tableOf(report));
  const written = await writeSomewhere(prepared, report, output, key);
  if (written !== undefined) say(`The report, signed by ${visible(report.people.signer)}: ${visible(written.folder)}`);
  const ending = bundleEndWords(prepared, nowSeconds());
  if (ending !== undefined) warn(ending);
  if (written !== undefined) await enterIn(prepared, written, options);
  if (isGood(report)) return;
  process.exitCode = 1;
  const all = written === undefined ? "" : ` (${visible(join(written.folder, "report.html"))} has all of it)`;
  say(`Next: mend what the findings name${all}, then again:`);
  sayWhole(`  ${again(prepared.source.name, report, options)}`);
}
