/** `glassgate ledger ...`. */
import type { Command } from "commander";
import { addLedgerInit } from "./ledger-init.js";
import { addLedgerStatus } from "./ledger-status.js";

export function addLedger(program: Command): void {
  const ledger = program.command("ledger").description("keep the gateways' records where nobody can rewrite them");
  addLedgerInit(ledger);
  addLedgerStatus(ledger);
}
