/** `glassgate ledger test-alarms`: whether alarms arrive, before there is one. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { testBody } from "../ledger/alarm/alarm.js";
import { deliver, faultOf, type Receiver } from "../ledger/alarm/receiver.js";
import { readLedgerConfig } from "../ledger/config.js";
import { receiversOf } from "../ledger/serve/alarms.js";
import { examples, jsonOption } from "./context.js";
import { resultJson, resultRows, say } from "./output.js";

/** @returns why it did not arrive */
async function faultAt(receiver: Receiver, origin: string, id: string): Promise<string | undefined> {
  const at = Date.now();
  try {
    await deliver(receiver, origin, { id, body: testBody(origin, at), at });
    return undefined;
  } catch (error) {
    return faultOf(error);
  }
}

async function testAlarms(folder: string, { json }: { json?: boolean }): Promise<void> {
  const file = join(folder, "ledger.yaml");
  const config = readLedgerConfig(file);
  const receivers = receiversOf(config);
  if (receivers.length === 0)
    throw new UserError(`${visible(file)} names nobody who gets alarms.`, {
      hint: "`alarms` has webhooks and commands: docs/alarms.md shows both.",
    });
  const id = `test_${randomBytes(6).toString("hex")}`;
  const results = await Promise.all(
    receivers.map(async (receiver) => ({ name: receiver.name, fault: await faultAt(receiver, config.origin, id) })),
  );
  if (json === true)
    resultJson({
      receivers: results.map(({ name, fault }) => ({ name, delivered: fault === undefined, fault: fault ?? null })),
    });
  else
    resultRows(
      results.map(({ name, fault }) =>
        fault === undefined ? `ok      ${visible(name)}` : `FAILED  ${visible(name)}: ${fault}`,
      ),
    );
  if (results.every(({ fault }) => fault === undefined)) return;
  say(`Next: mend it in ${visible(file)}, try again, and start the ledger anew, which reads it then.`);
  process.exitCode = 1;
}

export function addLedgerTestAlarms(ledger: Command): void {
  const command = ledger
    .command("test-alarms")
    .description("send a test to each webhook and command that gets alarms; nothing is entered")
    .argument("<dir>", "the ledger's folder")
    .addOption(jsonOption())
    .action(testAlarms);
  examples(command, ["glassgate ledger test-alarms ledger"]);
}
