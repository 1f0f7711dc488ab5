/** `glassgate drill due`: which drill is due when, for a timer. 1 means that one is overdue, or was never held. */
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { type Due, drillsInLedger, dueOf } from "../drill/report/due.js";
import { drillsIn } from "../drill/report/folder.js";
import { faultOfSignature } from "../drill/report/verify.js";
import { asciiJson } from "../ledger/audit/line.js";
import type { DrillClaims } from "../ledger/drill.js";
import { readAnchors } from "../trust/anchors.js";
import { collect, examples, jsonOption, readTrusted } from "./context.js";
import { GRACE, graceOption, readToken, readVkey, SILENCE, tokenFileOption, vkeyOption } from "./ledger-options.js";
import { result, resultRows, warn } from "./output.js";

interface Options {
  readonly drill?: readonly string[];
  readonly ledger?: string;
  readonly key?: string;
  readonly tokenFile?: string;
  readonly anchors?: string;
  readonly bundle?: string;
  readonly grace: number;
  readonly silence: number;
  readonly json?: boolean;
}

async function inLedger(where: string, { key, tokenFile, anchors, grace, silence }: Options): Promise<DrillClaims[]> {
  if (key === undefined || anchors === undefined)
    throw new UserError("Whose drills count in a ledger is judged by its key and the anchors.", {
      hint: "Name both: --key ledger.vkey --anchors anchors.json",
    });
  const token = readToken(where, tokenFile);
  return drillsInLedger({ where, token, key: readVkey(key), anchors: [readAnchors(anchors)], grace, silence });
}

async function inFolder(folder: string, { anchors = "anchors.json", bundle }: Options): Promise<DrillClaims[]> {
  const { drills, odd } = drillsIn(folder);
  const trusted = bundle === undefined ? undefined : await readTrusted({ anchors, bundle });
  const unsigned: string[] = [];
  const held = drills.filter(({ folder: where, signed }) => {
    const fault = trusted && faultOfSignature(signed, trusted.claims, trusted.anchors.audience);
    if (fault !== undefined) unsigned.push(`${visible(where)} does not count: ${fault}`);
    return fault === undefined;
  });
  for (const sentence of [...odd, ...unsigned]) warn(sentence);
  return held.map(({ signed }) => signed.claims);
}

const rowOf = ({ name, sub, ended, due, overdue, good }: Due): string =>
  `${overdue ? "OVERDUE" : "due    "}  ${due.slice(0, "2026-11-27".length)}  ${visible(name)}: held ${ended.slice(0, "2026-11-27".length)}, signed by ${visible(sub)}, went ${good ? "well" : "wrong"}`;

async function due(folder: string, options: Options): Promise<void> {
  const held = options.ledger === undefined ? await inFolder(folder, options) : await inLedger(options.ledger, options);
  const all = dueOf(held, Date.now());
  const wanted = options.drill ?? [];
  const shown = wanted.length === 0 ? all : all.filter(({ name }) => wanted.includes(name));
  const never = wanted.filter((name) => !all.some((one) => one.name === name));
  // A folder that is gone is no sign that all is well.
  if (shown.length + never.length === 0)
    throw new UserError(`No signed report of a drill is in ${visible(options.ledger ?? folder)}.`, {
      exitCode: 1,
      hint: "`glassgate drill run` writes one; name another folder, or a ledger with --ledger.",
    });
  if (never.length > 0 || shown.some(({ overdue }) => overdue)) process.exitCode = 1;
  if (options.json === true) {
    result(asciiJson({ drills: shown, never }, 2));
    return;
  }
  resultRows([
    ...shown.map(rowOf),
    ...never.map((name) => `OVERDUE  never       ${visible(name)}: no signed report of it is there`),
  ]);
}

export function addDrillDue(drill: Command): void {
  const command = drill
    .command("due")
    .description("say which drill is due when, by the last signed reports; exit code 1 when one is overdue")
    .argument("[folder]", "where the folders of the reports are", "drills")
    .option("--drill <name>", "this one, which must have been held; repeatable", collect)
    .option("--ledger <ledger>", "by the drills in a ledger, its folder or address, in place of a folder of reports")
    .addOption(vkeyOption("with --ledger: its verifier key (NAME+ID+KEY), or a file that has it"))
    .addOption(tokenFileOption())
    .option("--anchors <file>", "root keys, threshold and audience")
    .option("--bundle <file>", "count those alone whose signature holds under this trust bundle and the anchors")
    .addOption(graceOption("--grace <duration>", "how long it leaves a missing record open", GRACE))
    .addOption(graceOption("--silence <duration>", "how long it lets a gateway be without heartbeats", SILENCE))
    .addOption(jsonOption())
    .action(due);
  examples(command, [
    "glassgate drill due",
    "glassgate drill due drills --drill quarterly --bundle bundle.jws --anchors anchors.json",
    "glassgate drill due --ledger https://ledger.example.com/eu --key ledger.vkey --anchors anchors.json --json",
  ]);
}
