/** Stops the terminal's echo as early as can be, for commands that will ask for a passphrase. */
import { holdTerminal } from "../base/terminal.js";

/** The commands with `--passphrase-fd`; known here by name, as loading them takes as long as typing a few letters. */
export const asking: readonly string[] = [
  "ask",
  "approve",
  "bundle sign",
  "curl",
  "drill enter",
  "drill roster sign",
  "drill run",
  "grant",
  "init",
  "key new",
  "ledger append",
  "ledger follow",
  "ledger init",
  "ledger next",
  "ledger serve",
  "proxy",
  "review close",
  "revoke",
  "rotate",
  "run",
];

export function hushTerminal(args: readonly string[]): void {
  const isAsking = asking.some((command) => command.split(" ").every((word, i) => args[i] === word));
  const isAnswered =
    process.env.GLASSGATE_PASSPHRASE !== undefined ||
    args.some((arg) => arg === "--help" || arg === "-h" || arg.startsWith("--passphrase-fd"));
  if (isAsking && !isAnswered) holdTerminal();
}
