/** `glassgate drill run`: plays a drill file, and writes the report. */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { plural, shellWord, visible } from "../base/text.js";
import { nowSeconds } from "../base/time.js";
import { caseNames } from "../drill/cases/index.js";
import { playCommands, shownCommands } from "../drill/commands/play.js";
import { bundleEndWords, lookAtAll } from "../drill/facts.js";
import { journalPath } from "../drill/faults/journal.js";
import { toldBy } from "../drill/faults/mend.js";
import { planFaults, shownFaults } from "../drill/faults/plan.js";
import { checkFaults } from "../drill/faults/play.js";
import { type DrillSource, readDrill, unknownCase } from "../drill/file.js";
import { expectedWords } from "../drill/judge.js";
import type { Players } from "../drill/model.js";
import { isChosen, play } from "../drill/play.js";
import { type Cast, type Prepared, prepare, refuse } from "../drill/prepare.js";
import { followFiles, followLedger, type RecordSource } from "../drill/record-source.js";
import { withLast } from "../drill/report/compare.js";
import { lastReport } from "../drill/report/folder.js";
import { tableOf } from "../drill/report/table.js";
import { mustTakeReport, type Written, writeReport } from "../drill/report/write.js";
import { isGood, runDrill } from "../drill/run.js";
import { planScratch } from "../drill/scratch-play.js";
import { asciiJson } from "../ledger/audit/line.js";
import { isUrl, openSource } from "../ledger/audit/source.js";
import { signDrill } from "../ledger/drill.js";
import { newKey, type PrivateKey } from "../signer/jwk.js";
import { collect, examples, findKeyFile, jsonOption, openKey, passphraseOption, readTrusted } from "./context.js";
import { enterDrill } from "./drill-enter.js";
import { again, keysFolder, runLine } from "./drill-options.js";
import { thisCommand } from "./drill-undo.js";
import { readToken, readVkey } from "./ledger-options.js";
import { result, resultRows, say, sayWhole, warn } from "./output.js";

interface Options {
  readonly keys?: string;
  readonly passphraseFd?: number;
  readonly only?: readonly string[];
  readonly dryRun?: boolean;
  readonly output?: string;
  readonly json?: boolean;
}

async function preparedFrom(source: DrillSource, folder: string): Promise<Prepared> {
  const project = source.at(source.drill.project);
  const trusted = await readTrusted({ anchors: join(project, "anchors.json"), bundle: join(project, "bundle.jws") });
  return prepare(source, { bundle: trusted.claims, kidOf: (name) => findKeyFile(folder, name).public.kid });
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

/** @param path undefined where the member names no file */
function mustBeThere(source: DrillSource, member: "at" | "key" | "token_file", path: string | undefined): void {
  if (path === undefined || existsSync(path)) return;
  refuse(source, [{ path: ["ledger", member], message: `there is no file ${visible(path)}` }]);
}

/** The drill file's ledger: where it is, and by what it is read. */
function ledgerOf(source: DrillSource) {
  const { drill, at } = source;
  const { ledger } = drill;
  if (ledger === undefined) return undefined;
  const where = isUrl(ledger.at) ? ledger.at : at(ledger.at);
  mustBeThere(source, "at", isUrl(ledger.at) ? undefined : join(where, "checkpoint"));
  mustBeThere(source, "key", ledger.key.includes("+") ? undefined : at(ledger.key));
  mustBeThere(source, "token_file", ledger.token_file === undefined ? undefined : at(ledger.token_file));
  const token = readToken(where, ledger.token_file === undefined ? undefined : at(ledger.token_file));
  return { where, token, key: readVkey(ledger.key.includes("+") ? ledger.key : at(ledger.key)) };
}

async function recordsOf({ source, gateways }: Prepared): Promise<{ records: RecordSource; isProved: boolean }> {
  const ledger = ledgerOf(source);
  if (ledger !== undefined) {
    const { where, token, key } = ledger;
    return { records: await followLedger(openSource(where, token), key), isProved: true };
  }
  gateways.forEach(({ auditLog }, i) => {
    if (auditLog !== undefined && existsSync(auditLog)) return;
    refuse(source, [
      {
        path: ["gateways", i, "config"],
        message: `its audit records cannot be read here (${auditLog === undefined ? "it names no file" : visible(auditLog)}): name the \`ledger\` that has them`,
      },
    ]);
  });
  return {
    records: await followFiles(
      gateways.flatMap(({ auditLog }) => auditLog ?? []),
      warn,
    ),
    isProved: false,
  };
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
  const said = outcomes.map(({ outcome: { expected } }) =>
    expected.kind === "verdict" ? expected.verdict : expectedWords(expected),
  );
  if (options.json === true) result(asciiJson({ requests: planned, commands, faults, not_probed: notProbed }, 2));
  else
    resultRows([
      ...planned.map(
        (one, i) =>
          `${one.gateway}  ${one.case}: ${one.method} ${visible(`${one.host}${one.path}`)}, ${visible(one.what)} -> ${said[i]}`,
      ),
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

/** The drill is held and its report written, whatever the ledger says now. */
async function enterIn({ source }: Prepared, { folder, token }: Written, { passphraseFd }: Options): Promise<void> {
  const ledger = ledgerOf(source);
  if (ledger === undefined) return;
  const { where } = ledger;
  say("Entering its signature into the ledger. Where nothing serves that here, the ledger's own key is opened for it.");
  try {
    const { entry, size } = await enterDrill(where, token, passphraseFd, ledger);
    say(`Its signature is entry ${entry} of the ledger, proved to be in its signed tree of ${size}.`);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    warn(`That its signature is in the ledger is not proved: ${error.message}`);
    say("Enter it later:");
    sayWhole(`  glassgate drill enter ${shellWord(folder)} --ledger ${shellWord(where)}`);
  }
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
    }).finally(() => records.close()),
    last,
  );
  const { key } = players.signer;
  const written = await writeReport(output, report, (claims) => signDrill(claims, key), nowSeconds()).catch(
    (error: unknown) => {
      if (!(error instanceof UserError)) throw error;
      // What was seen is told all the same.
      resultRows(tableOf(report));
      throw new UserError(`The drill was held, and has no report: ${error.message}`, {
        cause: error,
        hint: error.hint ?? "",
        exitCode: 1,
      });
    },
  );
  if (options.json === true) result(asciiJson(report, 1));
  else resultRows(tableOf(report));
  say(`The report, signed by ${visible(report.people.signer)}: ${written.folder}`);
  const ending = bundleEndWords(prepared, nowSeconds());
  if (ending !== undefined) warn(ending);
  await enterIn(prepared, written, options);
  if (isGood(report)) return;
  process.exitCode = 1;
  say(`Next: mend what the findings name (${visible(join(written.folder, "report.html"))} has all of it), then again:`);
  sayWhole(`  ${again(file, report, options)}`);
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
