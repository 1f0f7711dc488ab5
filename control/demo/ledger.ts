/** The demonstration's ledger: it follows the gateway's own files and gauges, and is verified by the command that anybody can run again. */
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { writeNewTexts } from "../base/files.js";
import { plural } from "../base/text.js";
import { type FollowedGateway, ledgerSchema } from "../ledger/config.js";
import { newLogFiles } from "../ledger/log/files.js";
import { openLogSigner } from "../ledger/log/key.js";
import { openLedgerFolder } from "../ledger/serve/open.js";
import { runLedger } from "../ledger/serve/run.js";
import { newKey } from "../signer/jwk.js";
import type { Anchors } from "../trust/anchors.js";
import { lineOf, runCommand } from "./command.js";

const ORIGIN = "ledger.example.com/demo";
const PATIENCE_MS = 60_000;

const reportSchema = z.object({
  size: z.int(),
  proved: z.array(z.string()),
  problems: z.array(z.looseObject({})),
  onRecordCount: z.int(),
  counts: z.record(z.string(), z.int()),
});

export interface DemoLedger {
  /** What a command that reads it is given: the folder, its key and whose bundles. */
  readonly place: string;
  readonly options: readonly string[];
  /** A bundle that the gateway is to serve: approvers' signatures are judged under it. */
  bundle(text: string): Promise<void>;
  /** Takes in what is left, closes the log, verifies it, and says so in lines. False where it does not verify. */
  finish(): Promise<{ isGood: boolean; lines: string[] }>;
  /** Without the rest. */
  stop(): Promise<void>;
}

/** @param records the audit log: what stays of the ledger is put beside it @param folder for what does not stay */
export async function startLedger(
  anchors: Anchors,
  records: string,
  folder: string,
  followed: Omit<FollowedGateway, "audit">,
): Promise<DemoLedger> {
  const kept = dirname(records);
  const [place, vkey, pinned] = [join(kept, "ledger"), join(kept, "ledger.vkey"), join(kept, "anchors.json")];
  // The key is in memory alone, and goes with the demonstration: nobody adds to this ledger later.
  const key = join(folder, "ledger.key.json");
  const signer = openLogSigner(newKey("Ed25519"), ORIGIN);
  mkdirSync(place);
  writeNewTexts([
    ...newLogFiles({ folder: place, signer, signedPath: `${key}.signed` }),
    { path: vkey, text: `${signer.vkey}\n` },
    { path: pinned, text: `${JSON.stringify(anchors, null, 2)}\n` },
  ]);
  writeFileSync(records, "", { flag: "a" });
  const gateways = [{ ...followed, audit: records }];
  const config = ledgerSchema.parse({ origin: ORIGIN, key, gateways, heartbeat: "1s", anchors: [pinned] });
  const quiet = (): void => {}; // What goes wrong shows in the verification.
  const holder = "glassgate demo";
  const clock = Date.now;
  const opened = await openLedgerFolder({ folder: place, config, signer, holder, clock, onAlarm: quiet, say: quiet });
  const running = await runLedger({ folder: place, config, opened, say: quiet, isServing: false });

  const takeRest = async (): Promise<void> => {
    const isIn = (): boolean => running.status().files.every(({ path, offset }) => offset >= statSync(path).size);
    for (const deadline = Date.now() + PATIENCE_MS; !isIn() && Date.now() < deadline; ) await sleep(25);
  };

  const options = ["--key", vkey, "--anchors", pinned];
  return {
    place,
    options,
    bundle: async (text) => {
      const sender = { sender: followed.id, via: "local" } as const;
      await opened.ledger.take([{ kind: "bundle", bytes: Buffer.from(text), sender }]);
    },
    finish: async () => {
      await takeRest();
      await running.stop();
      const args = ["ledger", "verify", place, ...options];
      const checked = await runCommand([...args, "--json"]);
      const report = reportSchema.safeParse(checked.stdout === "" ? undefined : JSON.parse(checked.stdout)).data;
      if (report === undefined) return { isGood: false, lines: [`Ledger: ${checked.stderr.trim()}`] };
      const { record = 0, evidence = 0, answer = 0, heartbeat = 0 } = report.counts;
      const what = [
        plural(record, "record"),
        `${evidence} of evidence`,
        plural(answer, "answer"),
        plural(heartbeat, "heartbeat"),
      ].join(", ");
      const isProved = report.problems.length === 0 && report.proved.length > 0 && record > 0;
      return {
        isGood: isProved && report.onRecordCount === 0,
        lines: [
          `Ledger: ${report.size} entries in ${place}: ${what}, ${plural(report.onRecordCount, "alarm")}`,
          `${isProved ? "ok   " : "FAIL "}  ${isProved ? report.proved.join(" ") : `it does not verify: ${JSON.stringify(report.problems.slice(0, 3))}`}`,
          "Verify it yourself:",
          lineOf(args),
        ],
      };
    },
    stop: () => running.stop(),
  };
}
