/** `glassgate ledger ...`. */
import type { Command } from "commander";
import { addLedgerAppend } from "./ledger-append.js";
import { addLedgerExport } from "./ledger-export.js";
import { addLedgerFollow } from "./ledger-follow.js";
import { addLedgerInit } from "./ledger-init.js";
import { addLedgerNext } from "./ledger-next.js";
import { addLedgerProve } from "./ledger-prove.js";
import { addLedgerPublish } from "./ledger-publish.js";
import { addLedgerServe } from "./ledger-serve.js";
import { addLedgerShards } from "./ledger-shards.js";
import { addLedgerStatus } from "./ledger-status.js";
import { addLedgerTail } from "./ledger-tail.js";
import { addLedgerTestAlarms } from "./ledger-test-alarms.js";
import { addLedgerToken } from "./ledger-token.js";
import { addLedgerVerify } from "./ledger-verify.js";

export function addLedger(program: Command): void {
  const ledger = program.command("ledger").description("keep the gateways' records where nobody can rewrite them");
  addLedgerInit(ledger);
  addLedgerServe(ledger);
  addLedgerFollow(ledger);
  addLedgerAppend(ledger);
  addLedgerStatus(ledger);
  addLedgerTail(ledger);
  addLedgerVerify(ledger);
  addLedgerProve(ledger);
  addLedgerExport(ledger);
  addLedgerPublish(ledger);
  addLedgerNext(ledger);
  addLedgerShards(ledger);
  addLedgerToken(ledger);
  addLedgerTestAlarms(ledger);
}
