/** `glassgate ask --again GRANT`: what was asked once, for the same once more. */
import { existsSync } from "node:fs";
import { UserError } from "../base/errors.js";
import { type AskClaims, readClaims } from "../grant/ask.js";
import { readMessages, showMessage } from "./message-input.js";

/** The claims of an ask or a grant. A grant that still opens is taken from a file only. */
export async function askedBefore(argument: string): Promise<AskClaims> {
  if (argument !== "-" && !existsSync(argument) && /eyJ/.test(argument)) {
    throw new UserError("A grant on a command line can be read by everybody on this machine.", {
      hint: "Name its file, or pipe it: `--again -`.",
    });
  }
  const { found } = readMessages(argument, "The grant");
  const [first, ...others] = found.messages.filter(({ kind }) => kind !== "approval");
  if (first === undefined || others.length > 0) {
    const list = found.messages.map((message) => `\n  ${showMessage(message, () => undefined)}`).join("");
    throw new UserError(`To ask again, one grant or ask is needed; there ${list === "" ? "is none" : `are:${list}`}`, {
      hint: "Name the file of the grant, or of its ask.",
    });
  }
  return readClaims(first.text, "The grant");
}
