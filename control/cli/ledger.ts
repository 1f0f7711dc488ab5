/** `glassgate ledger ...`. */
import type { Command } from "commander";
import { addLedgerFollow } from "./ledger-follow.js";
import { addLedgerServe } from "./ledger-serve.js";
import { addLedgerToken } from "./ledger-token.js";

export function addLedger(program: Command): void {
  const ledger = program.command("ledger").description("keep the gateways' records where nobody can rewrite them");
  addLedgerServe(ledger);
  addLedgerFollow(ledger);
  addLedgerToken(ledger);
}
