/** `glassgate ledger ...`. */
import type { Command } from "commander";
import { addLedgerExport } from "./ledger-export.js";
import { addLedgerProve } from "./ledger-prove.js";
import { addLedgerTail } from "./ledger-tail.js";
import { addLedgerVerify } from "./ledger-verify.js";

export function addLedger(program: Command): void {
  const ledger = program.command("ledger").description("keep and verify the log of what the gateways decided");
  addLedgerVerify(ledger);
  addLedgerProve(ledger);
  addLedgerTail(ledger);
  addLedgerExport(ledger);
}
