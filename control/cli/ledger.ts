/** `glassgate ledger ...`. */
import type { Command } from "commander";
import { addLedgerAppend } from "./ledger-append.js";
import { addLedgerFollow } from "./ledger-follow.js";
import { addLedgerInit } from "./ledger-init.js";
import { addLedgerServe } from "./ledger-serve.js";
import { addLedgerStatus } from "./ledger-status.js";
import { addLedgerToken } from "./ledger-token.js";

export function addLedger(program: Command): void {
  const ledger = program.command("ledger").description("keep the gateways' records where nobody can rewrite them");
  addLedgerInit(ledger);
  addLedgerServe(ledger);
  addLedgerFollow(ledger);
  addLedgerAppend(ledger);
  addLedgerStatus(ledger);
  addLedgerToken(ledger);
}
