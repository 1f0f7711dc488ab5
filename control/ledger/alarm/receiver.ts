/** Who gets alarms: a webhook or a command. */
import { createHash } from "node:crypto";
import { hintOf, reasonOf, UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { type Command, runCommand } from "./command.js";
import { sendWebhook, type Webhook } from "./webhook.js";

export type Receiver = { readonly name: string } & ({ readonly webhook: Webhook } | { readonly command: Command });

export interface Delivery {
  /** Which alarm of that log it is: the same for each try. */
  readonly id: string;
  readonly body: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Once. @param origin the log's @throws where it does not take it */
export function deliver(receiver: Receiver, origin: string, { id, body, at }: Delivery): Promise<void> {
  if ("command" in receiver) return runCommand(receiver.command, body);
  const log = createHash("sha256").update(origin).digest("hex").slice(0, 12);
  return sendWebhook(receiver.webhook, `alarm_${log}_${id}`, body, Math.floor(at / 1000));
}

/** Why it did not, as sentences, with the next step where one is known. */
export function faultOf(error: unknown): string {
  const [why, hint] = error instanceof UserError ? [error.message, error.hint] : [reasonOf(error), hintOf(error)];
  return visible(`${why.replace(/[.: ]+$/, "")}.${hint === undefined ? "" : ` ${hint}`}`);
}
