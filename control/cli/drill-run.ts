/** `glassgate drill run`: plays a drill file, and writes the report. */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { messageOf, UserError } from "../base/errors.js";
import { plural, visible } from "../base/text.js";
import { caseNames } from "../drill/cases/index.js";
import { playCommands, shownCommands } from "../drill/commands/play.js";
import { lookAtAll } from "../drill/facts.js";
import { journalPath } from "../drill/faults/journal.js";
import { toldBy } from "../drill/faults/mend.js";
import { nameOf, planFaults, shownFaults } from "../drill/faults/plan.js";
import { checkFaults, mustTakeJournal } from "../drill/faults/play.js";
import { type DrillSource, readDrill, unknownCase } from "../drill/file.js";
import { expectedWords } from "../drill/judge.js";
import type { Players } from "../drill/model.js";
import { isChosen, play } from "../drill/play.js";
import { type Cast, faultOfFile, type Prepared, prepare } from "../drill/prepare.js";
import { withLast } from "../drill/report/compare.js";
import { lastReport } from "../drill/report/folder.js";
import { titleOf } from "../drill/report/words.js";
import { mustTakeReport } from "../drill/report/write.js";
import { runDrill } from "../drill/run.js";
import { planScratch } from "../drill/scratch-play.js";
import { asciiJson } from "../ledger/audit/line.js";
import { newKey, type PrivateKey } from "../signer/jwk.js";
import {
  collect,
  examples,
  findKeyFile,
  jsonOption,
  keyPath,
  openKey,
  passphraseOption,
  readTrusted,
} from "./context.js";
import { keysFolder, runLine } from "./drill-options.js";
import { recordsOf } from "./drill-records.js";
import { mustHaveTried, tellReport } from "./drill-told.js";
import { thisCommand } from "./drill-undo.js";
import { result, resultRows, say, sayWhole, warn } from "./output.js";

interface Options {
  readonly keys?: string;
  readonly passphraseFd?: number;
  readonly only?: readonly string[];
  readonly dryRun?: boolean;
  readonly output?: string;
  readonly json?: boolean;
}

/** One that is not there is told of by whoever reads it. */
function mustBePlain(path: string): void {
  const fault = existsSync(path) ? faultOfFile(path) : undefined;
  if (fault !== undefined) throw new UserError(`${fault}.`, { hint: "Nothing was sent." });
}

async function preparedFrom(source: DrillSource, folder: string): Promise<Prepared> {
  const project = source.at(source.drill.project);
  const [anchors, bundle] = [join(project, "anchors.json"), join(project, "bundle.jws")];
  for (const path of [anchors, bundle]) mustBePlain(path);
  const trusted = await readTrusted({ anchors, bundle });
  const kidOf = (name: string): string => {
    mustBePlain(keyPath(folder, name));
    return findKeyFile(folder, name).public.kid;
  };
  return prepare(source, { bundle: trusted.claims, kidOf });
}

/** Opens each key once. @param open takes a key's name */
async function playersOf(prepared: Prepared, open: (name: string) => Promise<PrivateKey>): Promise<Players> {
  const opened = new Map<string, PrivateKey>();
  const player = async ({ name, principal }: Cast) => {
    const key = opened.get(name) ?? (await open(name));
    opened.set(name, key);
    return { sub: principal.id, key };
  };
  const requester = await player(prepared.requester);
  const approvers: Players["approvers"][number][] = [];
  for (const one of prepared.approvers) approvers.push(await player(one));
  const stranger = prepared.stranger === undefined ? undefined : await player(prepared.stranger);
  const former = prepared.former === undefined ? undefined : { sub: requester.sub, key: await open(prepared.former) };
  return { requester, approvers, stranger, former, signer: await player(prepared.signer) };
}

function onlyOf({ only }: Options, source: DrillSource): readonly string[] | undefined {
  for (const name of only ?? []) {
    const fault = unknownCase(name, source);
    if (fault === undefined) continue;
    const all = fault.includes("Did you mean")
      ? "`--dry-run` lists those of this file"
      : `There are: ${caseNames.join(", ")}`;
    throw new UserError(fault, { hint: `${all}. Nothing was sent.` });
  }
  return only;
}

async function dryRun(prepared: Prepared, options: Options): Promise<void> {
  // Throw-away keys: nobody is asked for a passphrase, and nothing is made that a gateway would take.
  const players = await playersOf(prepared, async () => newKey("Ed25519"));
  const { drill } = prepared.source;
  const choice = { skip: drill.cases.skip, only: onlyOf(options, prepared.source) };
  const setting = { prepared, players, isDry: true, onCall: () => {} };
  const [fleet, scratch] = [await play(setting, choice), await planScratch(prepared, choice)];
  const { faults, notProbed: unmade } = await shownFaults(prepared, (name) => isChosen(choice, name));
  const commanded = await playCommands(setting, choice, { workers: new Map(), source: undefined, say: warn });
  const commands = shownCommands(setting, choice);
  const outcomes = [...fleet.outcomes, ...commanded.outcomes, ...scratch.outcomes];
  const notProbed = [...fleet.notProbed, ...commanded.notProbed, ...scratch.notProbed, ...unmade];
  const planned = outcomes.map(({ case: { name }, gateway, outcome: { what, call, expected } }) => ({
    ...{
      case: name,
      gateway: gateway.id,
      what,
      expected: expected.kind === "verdict" ? expected.verdict : expected.kind,
    },
    ...{ method: call.method, host: call.host, path: call.path },
  }));
  const sending = new Set([...planned.map((one) => one.case), ...commands.map(({ name }) => name)]);
  const silent = caseNames.filter((name) => isChosen(choice, name) && !sending.has(name));
  const said = outcomes.map(({ outcome: { expected } }) =>
    expected.kind === "verdict" ? expected.verdict : expectedWords(expected),
  );
  if (options.json === true)
    result(asciiJson({ requests: planned, without_request: silent, commands, faults, not_probed: notProbed }, 2));
  else
    resultRows([
      ...planned.map(
        (one, i) =>
          `${one.gateway}  ${one.case}: ${one.method} ${visible(`${one.host}${one.path}`)}, ${visible(one.what)} -> ${said[i]}`,
      ),
      ...silent.map((name) => `no request of ${name}: ${titleOf(name)}`),
      ...commands.map(({ name, command }) => `command of ${name}: ${command}`),
      ...faults.map(
        ({ name, on, does, undo, expected }) =>
          `fault ${name} on ${on.map(visible).join(", ")}: ${does}\n  undone by: ${undo}\n  ${expected}`,
      ),
      ...notProbed.map(({ what, why }) => `not probed: ${visible(what)}: ${visible(why)}`),
    ]);
  say(
    `${plural(planned.length, "request")} or more (cases are repeated, and one waits for its end); nothing was sent.`,
  );
  sayWhole(`Next: ${runLine(prepared.source.name, options, options.only)}`);
}

async function run(file: string, options: Options): Promise<void> {
  const source = readDrill(file);
  checkFaults(file);
  for (const line of toldBy(journalPath(resolve(file)))) say(line);
  const { drill, at } = source;
  const folder = keysFolder(options.keys, drill.keys === undefined ? undefined : at(drill.keys), at(drill.project));
  const prepared = await preparedFrom(source, folder);
  await planFaults(prepared, () => false);
  if (options.dryRun === true) {
    await dryRun(prepared, options);
    return;
  }
  const only = onlyOf(options, source);
  const output = options.output ?? join(dirname(file), "drills");
  mustTakeReport(output);
  if (drill.faults.some((one) => isChosen({ skip: drill.cases.skip, only }, nameOf(one)))) mustTakeJournal(file);
  // Before anybody is asked for a passphrase; what is judged is looked at again when the drill begins.
  await lookAtAll(prepared);
  const { records, isProved } = await recordsOf(prepared);
  const players = await playersOf(prepared, (name) => openKey(folder, name, options.passphraseFd));
  const shown = new Set<string>();
  const { anchors, bundle: claims } = prepared;
  const { last, odd } = lastReport(output, drill.name, { anchors, claims }, Date.now());
  for (const sentence of odd) warn(sentence);
  const report = withLast(
    await runDrill({
      ...{ prepared, players, isProved, source: records },
      choice: { skip: drill.cases.skip, only },
      onCase: (name) => {
        if (!shown.has(name)) say(`playing ${name} ...`);
        shown.add(name);
      },
      onWait: (limitMs) => say(`reading the records of these calls, for ${Math.ceil(limitMs / 1000)} s at most ...`),
      self: thisCommand(),
      onFault: ({ name, on }) => say(`making the fault ${name} on ${on.map(visible).join(", ")}, and undoing it ...`),
      say: warn,
    }).finally(() => records.close().catch((error: unknown) => warn(visible(messageOf(error))))),
    last,
  );
  mustHaveTried(report);
  await tellReport(prepared, report, output, players.signer.key, options);
}

export function addDrillRun(drill: Command): void {
  const command = drill
    .command("run")
    .description(
      "send what must open and what must not to every gateway of a drill file, and judge answers and records; exit code 0 when all is as expected, 1 when something is not, 2 when nothing was tried",
    )
    .argument("[file]", "the drill file; `glassgate drill init` writes one", "drill.yaml")
    .option("--keys <dir>", "where the drill's keys are (default: as the file says, keys/ of the project, or yours)")
    .addOption(passphraseOption())
    .option("--only <case>", "this case or fault alone; repeatable", collect)
    .option("--dry-run", "list each request that would be sent; send nothing")
    .option("--output <dir>", "where the folder of the report is made (default: drills/ beside the drill file)")
    .addOption(jsonOption())
    .action(run);
  examples(command, [
    "glassgate drill run drill.yaml",
    "glassgate drill run drill.yaml --dry-run",
    "glassgate drill run drill.yaml --only no-credential --only opens",
    "glassgate drill run drill.yaml --passphrase-fd 3 3< passphrases.txt",
  ]);
}
