/** `glassgate drill verify`: a signed report held against the trust bundle and the ledger's key, without either of them at work. */
import type { Command } from "commander";
import { visible } from "../base/text.js";
import { formsIn, isWhole, readFolder } from "../drill/report/folder.js";
import { verifyReport } from "../drill/report/verify.js";
import { asciiJson } from "../ledger/audit/line.js";
import type { DrillClaims } from "../ledger/drill.js";
import { anchorsOption, bundleOption, examples, jsonOption, readTrusted } from "./context.js";
import { readVkey, vkeyOption } from "./ledger-options.js";
import { result, resultRows } from "./output.js";

interface Options {
  readonly anchors: string;
  readonly bundle: string;
  readonly key?: string;
  readonly json?: boolean;
}

/** Some cases alone that went well are no drill that did. */
function wentWords({ name, ended, good, partial }: DrillClaims): string {
  const drill = `Drill ${visible(name)} of ${ended}`;
  if (partial !== true) return `${drill}, which went ${good ? "well" : "wrong"}`;
  return `Some cases alone of the drill ${visible(name)} (--only), of ${ended}, which is no whole drill; what was tried went ${good ? "well" : "wrong"}`;
}

async function verify(path: string, options: Options): Promise<void> {
  const { folder, bytes, token } = readFolder(path);
  const { anchors, claims: bundle } = await readTrusted(options);
  const key = options.key === undefined ? undefined : readVkey(options.key);
  const {
    claims,
    wrong,
    counts = "",
    proved,
    notProved,
  } = verifyReport({
    ...{ bytes, token, named: path, anchors, bundle, key },
    ...{ now: Date.now(), forms: formsIn(folder) },
  });
  if (wrong !== undefined) process.exitCode = 1;
  if (options.json === true) {
    result(asciiJson({ holds: wrong === undefined, wrong, proved, notProved, ...claims }, 2));
    return;
  }
  if (wrong !== undefined) {
    resultRows([`Wrong: ${wrong}`]);
    return;
  }
  resultRows([
    `${wentWords(claims)}: ${counts}.${isWhole(claims) ? ` Next due ${claims.due}.` : ""}`,
    "Proved:",
    ...proved.map((line) => `  ${line}`),
    "Not proved:",
    ...notProved.map((line) => `  ${line}`),
  ]);
}

export function addDrillVerify(drill: Command): void {
  const command = drill
    .command("verify")
    .description("check a drill's report: who signed it, and that the ledger has every record that it names")
    .argument("<report>", "the folder of a drill, or its report.json with report.jws beside it")
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(vkeyOption("the ledger's verifier key (NAME+ID+KEY), or a file that has it"))
    .addOption(jsonOption())
    .action(verify);
  examples(command, [
    "glassgate drill verify drills/20261127T004648Z-quarterly --key ledger.vkey",
    "glassgate drill verify report.json --anchors anchors.json --bundle bundle.jws --key ledger.vkey",
  ]);
}
