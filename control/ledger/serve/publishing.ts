/** A running ledger keeps its copy in a store up to date (docs/ledger-publish.md). The ledger never waits for it. */
import { messageOf } from "../../base/errors.js";
import type { LedgerConfig } from "../config.js";
import type { Log } from "../log.js";
import { type PublishLoop, startPublishing } from "../publish/loop.js";
import { openStore } from "../publish/open.js";
import { positionIn } from "../publish/position.js";
import { probe } from "../publish/probe.js";
import { publish } from "../publish/publish.js";
import { parseVkey } from "../tlog/note.js";

/** Undefined where the configuration names no store. @throws UserError where it names none that can be, or there are no keys */
export function publishingOf(
  folder: string,
  { publish: configured }: LedgerConfig,
  log: Log,
  say: (sentence: string) => void,
): PublishLoop | undefined {
  if (configured === undefined) return undefined;
  const { to, endpoint, region, credential_process: credentialProcess, every } = configured;
  const store = openStore(to, { endpoint, region, credentialProcess });
  const position = positionIn(folder, store.name, log.origin);
  let isProbed = false;
  return startPublishing({
    publish: async () => {
      if (!isProbed) await probe(store);
      isProbed = true;
      return publish({ source: log, vkey: parseVkey(log.vkey), store, position });
    },
    everyMs: every * 1000,
    onPublished: ({ size, before }) => {
      if (before === undefined) say(`${store.name} has a copy now, of ${size} entries.`);
    },
    onFault: (error, isFinal) =>
      say(`Publishing ${isFinal ? "has ended" : "is tried again later"}: ${messageOf(error)}`),
  });
}
