/** Where a passphrase comes from: a file descriptor, the environment or a prompt. Never the command line. */
import { readFileSync } from "node:fs";
import { read } from "read";
import { messageOf, UserError } from "../base/errors.js";

export interface PassphraseSource {
  /** `--passphrase-fd N`: the first line of that descriptor. */
  readonly descriptor?: number;
}

/** @param confirm ask twice at a prompt: for a new key */
export async function passphraseFor(name: string, source: PassphraseSource, confirm = false): Promise<string> {
  if (source.descriptor !== undefined) {
    try {
      return readFileSync(source.descriptor, "utf8").split("\n", 1)[0] ?? "";
    } catch (error) {
      throw new UserError(`Cannot read the passphrase from file descriptor ${source.descriptor}: ${messageOf(error)}.`);
    }
  }
  const fromEnvironment = process.env.GLASSGATE_PASSPHRASE;
  if (fromEnvironment !== undefined) return fromEnvironment;
  if (!process.stdin.isTTY) {
    throw new UserError(`The key ${name} needs its passphrase, and there is no terminal to ask at.`, {
      hint: "Use --passphrase-fd N, or set GLASSGATE_PASSPHRASE.",
    });
  }
  const passphrase = await read({ prompt: `Passphrase of ${name}: `, silent: true, output: process.stderr });
  process.stderr.write("\n");
  if (confirm) {
    const again = await read({ prompt: "Once more: ", silent: true, output: process.stderr });
    process.stderr.write("\n");
    if (again !== passphrase) throw new UserError("The two passphrases differ. No key was written.");
  }
  return passphrase;
}
