/** From the calls to their records, and from a record to its entry and the proof that it is in the ledger. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Call, CallEvidence } from "./model.js";
import type { PlayedOutcome } from "./play.js";
import type { RecordSource, Sealed } from "./record-source.js";
import type { FoundRecord } from "./records.js";

const POLL_MS = 250;

/** Of an open stream its end is on record as well. */
const isWhole = ({ outcome }: PlayedOutcome, source: RecordSource): boolean => {
  const found = source.records.find(outcome.call);
  return found !== undefined && (outcome.expected.kind !== "cut" || found.ended !== undefined);
};

/** What is on record where all is well: whatever the filter answered, or was asked to judge. */
const isAwaited = ({ outcome: { call } }: PlayedOutcome): boolean => call.isPresented && call.seen.error === undefined;

/** Waits until each record is there that must be, or the time is over. @returns how many are missing */
export async function awaitRecords(
  outcomes: readonly PlayedOutcome[],
  source: RecordSource,
  forMs: number,
  progress: (missing: number) => void,
): Promise<number> {
  const deadline = Date.now() + forMs;
  const awaited = outcomes.filter(isAwaited);
  // Paths that the gateway itself refuses never reach the filter: nobody waits for these.
  const certain = awaited.filter(({ outcome }) => !["one_reading", "shut"].includes(outcome.expected.kind));
  for (;;) {
    await source.poll();
    const missing = certain.filter((one) => !isWhole(one, source)).length;
    if (missing === 0 || Date.now() >= deadline) return missing;
    progress(missing);
    await sleep(POLL_MS);
  }
}

const hex = (bytes: Buffer): string => bytes.toString("hex");

/** @param sealed of a ledger */
export async function evidenceOf(
  call: Call,
  found: FoundRecord | undefined,
  sealed: Sealed | undefined,
): Promise<CallEvidence[]> {
  const { method, host, path, seen } = call;
  const asked = { method, host, path, status: seen.status };
  const code = seen.code === undefined ? {} : { code: seen.code };
  if (found === undefined) return [{ requestId: seen.requestId, ...asked, ...code }];
  const all = [found, ...(found.ended === undefined ? [] : [found.ended])];
  return Promise.all(
    all.map(async ({ record, entered }): Promise<CallEvidence> => {
      const { vm, seq, verdict, mode } = record;
      const common = { requestId: record.request_id ?? seen.requestId, ...asked, ...code, vm, seq, verdict, mode };
      if (entered === undefined || sealed === undefined) return common;
      const proof = await sealed.prove(entered);
      if (proof === undefined) return common;
      return {
        ...common,
        entry: entered.entry,
        leaf: hex(proof.leaf),
        proof: proof.hashes.map(hex),
        bytes: entered.bytes.toString("base64"),
      };
    }),
  );
}
