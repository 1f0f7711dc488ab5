/** `glassgate drill due`: which drill is due when, for a timer. 1 means that one is overdue, or was never held. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { nearest, visible } from "../base/text.js";
import { type Due, drillsInLedger, dueOf } from "../drill/report/due.js";
import { drillsIn } from "../drill/report/folder.js";
import { asciiJson } from "../ledger/audit/line.js";
import type { DrillClaims } from "../ledger/drill.js";
import { readAnchors } from "../trust/anchors.js";
import { collect, duration, examples, jsonOption, readTrusted, type Trusted } from "./context.js";
import { GRACE, graceOption, readToken, readVkey, SILENCE, tokenFileOption, vkeyOption } from "./ledger-options.js";
import { result, resultRows, warn } from "./output.js";

interface Options {
  readonly drill?: readonly string[];
  readonly within?: number;
  readonly ledger?: string;
  readonly key?: string;
  readonly tokenFile?: string;
  readonly anchors?: string;
  readonly bundle?: string;
  readonly grace: number;
  readonly silence: number;
  readonly json?: boolean;
}

interface Found {
  readonly held: readonly DrillClaims[];
  /** What does not count, and why. */
  readonly odd: readonly string[];
}

async function inLedger(where: string, options: Options, now: number): Promise<Found> {
  const { key, tokenFile, anchors, grace, silence } = options;
  if (key === undefined || anchors === undefined)
    throw new UserError("Whose drills count in a ledger is judged by its key and the anchors.", {
      hint: "Name both: --key ledger.vkey --anchors anchors.json",
    });
  const token = readToken(where, tokenFile);
  return drillsInLedger({ where, token, key: readVkey(key), anchors: [readAnchors(anchors)], grace, silence, now });
}

/** The project's own bundle, where this is its folder. */
async function trustedBy({ anchors = "anchors.json", bundle }: Options): Promise<Trusted | undefined> {
  if (bundle !== undefined) return readTrusted({ anchors, bundle });
  return existsSync(anchors) && existsSync(BUNDLE) ? readTrusted({ anchors, bundle: BUNDLE }) : undefined;
}
const BUNDLE = "bundle.jws";

async function inFolder(folder: string, options: Options, now: number): Promise<Found> {
  const trusted = await trustedBy(options);
  if (trusted === undefined)
    warn(
      "nobody's signature is checked: whoever can write into this folder can say that a drill was held. Name --anchors and --bundle.",
    );
  const { drills, odd } = drillsIn(folder, trusted, now);
  return { held: drills.map(({ signed }) => signed.claims), odd };
}

const rowOf = ({ name, sub, ended, due, overdue, good }: Due): string =>
  `${overdue ? "OVERDUE" : "due    "}  ${due.slice(0, "2026-11-27".length)}  ${visible(name)}: held ${ended.slice(0, "2026-11-27".length)}, signed by ${visible(sub)}, went ${good ? "well" : "wrong"}`;

async function due(folder: string, options: Options): Promise<void> {
  const now = Date.now();
  const { ledger, within } = options;
  const { held, odd } = await (ledger === undefined ? inFolder(folder, options, now) : inLedger(ledger, options, now));
  for (const sentence of odd) warn(sentence);
  const all = dueOf(held, now, within);
  const wanted = options.drill ?? [];
  const names = all.map(({ name }) => name);
  const shown = wanted.length === 0 ? all : all.filter(({ name }) => wanted.includes(name));
  const never = wanted.filter((name) => !names.includes(name));
  const isGone = ledger === undefined && !existsSync(folder);
  // A folder that is gone is no sign that all is well.
  if (shown.length + never.length === 0)
    throw new UserError(
      `No signed report of a drill is in ${visible(ledger ?? folder)}${isGone ? ": there is no such folder" : ""}.`,
      {
        exitCode: 1,
        hint: "`glassgate drill run` writes one; name another folder, or a ledger with --ledger.",
      },
    );
  if (never.length > 0 || shown.some(({ overdue }) => overdue)) process.exitCode = 1;
  if (options.json === true) {
    result(asciiJson({ drills: shown, never }, 2));
    return;
  }
  resultRows([
    ...shown.map(rowOf),
    ...never.map((name) => {
      const near = nearest(name, names);
      return `OVERDUE  never       ${visible(name)}: no signed report of it is there${near === undefined ? "" : `; did you mean ${visible(near)}?`}`;
    }),
  ]);
}

export function addDrillDue(drill: Command): void {
  const command = drill
    .command("due")
    .description("say which drill is due when, by the last signed reports; exit code 1 when one is overdue")
    .argument("[folder]", "where the folders of the reports are", "drills")
    .option("--drill <name>", "this one, which must have been held; repeatable", collect)
    .option("--within <duration>", "at most so long after the last one, whatever its report says", duration)
    .option("--ledger <ledger>", "by the drills in a ledger, its folder or address, in place of a folder of reports")
    .addOption(vkeyOption("with --ledger: its verifier key (NAME+ID+KEY), or a file that has it"))
    .addOption(tokenFileOption())
    .option("--anchors <file>", "root keys, threshold and audience")
    .option(
      "--bundle <file>",
      "count those alone whose signature holds under this trust bundle and the anchors (default: bundle.jws here)",
    )
    .addOption(graceOption("--grace <duration>", "how long it leaves a missing record open", GRACE))
    .addOption(graceOption("--silence <duration>", "how long it lets a gateway be without heartbeats", SILENCE))
    .addOption(jsonOption())
    .action(due);
  examples(command, [
    "glassgate drill due",
    "glassgate drill due drills --drill quarterly --within 92d --bundle bundle.jws --anchors anchors.json",
    "glassgate drill due --ledger https://ledger.example.com/eu --key ledger.vkey --anchors anchors.json --json",
  ]);
}
