/** Where a ledger's alarms go, by its configuration; what was not delivered before a stop is sent again after the next start. */
import { join } from "node:path";
import { z } from "zod";
import { readTextIfThere, writeText } from "../../base/files.js";
import { parseJson } from "../../base/schema.js";
import { Dispatcher } from "../alarm/dispatcher.js";
import type { Receiver } from "../alarm/receiver.js";
import { readWebhookSecrets } from "../alarm/webhook.js";
import { alarmsFrom, type EntryReader } from "../chain/ledger.js";
import type { LedgerConfig } from "../config.js";

const positionSchema = z.strictObject({ version: z.literal(1), before: z.int().nonnegative() });

export interface Alarms {
  readonly dispatcher: Dispatcher;
  /** Sends again what the log has from before this start and nobody may have heard. */
  resend(entries: EntryReader, size: number): Promise<void>;
}

/** Whom it names. @throws where a secret cannot be read */
export function receiversOf({ alarms }: LedgerConfig): Receiver[] {
  const { webhooks = [], commands = [] } = alarms ?? {};
  return [
    ...webhooks.map(({ url, secret_file, allow_private }, i) => ({
      name: `webhook ${i + 1} (${new URL(url).host})`,
      webhook: { url, secrets: readWebhookSecrets(secret_file), mayBePrivate: allow_private },
    })),
    ...commands.map(({ run }, i) => ({ name: `command ${i + 1} (${run[0] ?? ""})`, command: { run } })),
  ];
}

/** @param state the folder of positions @param say a sentence for the person */
export function openAlarms(config: LedgerConfig, state: string, say: (sentence: string) => void): Alarms {
  const file = join(state, "alarms.json");
  const receivers = receiversOf(config);
  const dispatcher = new Dispatcher({
    origin: config.origin,
    receivers,
    clock: Date.now,
    onLost: ({ code, entry }, receiver, why) =>
      say(`The alarm ${code} (entry ${entry}) did not reach ${receiver}: ${why} It stands in the log.`),
    onFailing: ({ code, entry }, receiver, why) =>
      say(
        `The alarm ${code} (entry ${entry}) has not reached ${receiver} yet: ${why} It is tried again, and not said again before it is given up.`,
      ),
    onWorking: (receiver) => say(`Alarms reach ${receiver} again.`),
    keepPosition: (before) => {
      if (receivers.length > 0) writeText(file, `${JSON.stringify({ version: 1, before })}\n`, { mode: 0o600 });
    },
  });
  return {
    dispatcher,
    async resend(entries, size) {
      const text = receivers.length === 0 ? undefined : readTextIfThere(file, "the position of the alarms");
      if (text === undefined) return; // Nobody was told before, or nobody is to be told.
      const { before } = parseJson(text, file, positionSchema, "Delete it: alarms from now on are sent.");
      for await (const alarm of alarmsFrom(entries, Math.min(before, size), size)) dispatcher.send(alarm);
    },
  };
}
