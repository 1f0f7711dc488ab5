/** Where a drill reads its records: the drill file's ledger, or the gateways' own audit logs. What cannot have them is refused before anything is sent. */
import { join } from "node:path";
import { visible } from "../base/text.js";
import type { DrillSource } from "../drill/file.js";
import { mustBeFollowed } from "../drill/followed.js";
import { faultOfFile, type Prepared, refuse } from "../drill/prepare.js";
import { followFiles, followLedger, type RecordSource } from "../drill/record-source.js";
import { isUrl, openSource } from "../ledger/audit/source.js";
import { readToken, readVkey } from "./ledger-options.js";
import { warn } from "./output.js";

/** @param path undefined where the member names no file */
function mustBeThere(source: DrillSource, member: "at" | "key" | "token_file", path: string | undefined): void {
  const fault = path === undefined ? undefined : faultOfFile(path);
  if (fault !== undefined) refuse(source, [{ path: ["ledger", member], message: fault }]);
}

/** The drill file's ledger: where it is, and by what it is read. */
export function ledgerOf(source: DrillSource) {
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

export async function recordsOf(prepared: Prepared): Promise<{ records: RecordSource; isProved: boolean }> {
  const { source, gateways } = prepared;
  const ledger = ledgerOf(source);
  if (ledger !== undefined) {
    const { where, token, key } = ledger;
    if (!isUrl(where)) await mustBeFollowed(prepared, where);
    return { records: await followLedger(openSource(where, token), key), isProved: true };
  }
  gateways.forEach(({ auditLog }, i) => {
    if (auditLog !== undefined && faultOfFile(auditLog) === undefined) return;
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
