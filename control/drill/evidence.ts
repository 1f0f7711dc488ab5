/** From the calls to their records, and from a record to its entry and the proof that it is in the ledger. */
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../base/errors.js";
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

const isPresented = ({ outcome: { call } }: PlayedOutcome): boolean =>
  call.isPresented && call.seen.error === undefined;

/** The filter's own answer, or one that only its verdict can have opened. */
const isJudged = ({ outcome: { call } }: PlayedOutcome): boolean =>
  call.seen.code !== undefined || (call.seen.status > 0 && call.seen.status < 400);

/** Paths that the gateway itself refuses never reach the filter. */
const mayBeUnjudged = ({ outcome: { expected } }: PlayedOutcome): boolean =>
  expected.kind === "shut" || expected.kind === "closed" || expected.kind === "one_reading";

/** A filter that is off records nothing: nobody waits long for that. */
const GRACE_MS = 5000;

/** A ledger that is away for a moment is asked again; one that stays away shows when it is sealed. It costs no report. */
export function away(error: unknown): undefined {
  if (!(error instanceof UserError)) throw error;
  return undefined;
}

/** Waits until each record is there that must be, or the time is over. */
export async function awaitRecords(
  outcomes: readonly PlayedOutcome[],
  source: RecordSource,
  forMs: number,
): Promise<void> {
  const began = performance.now();
  const certain = outcomes.filter((one) => isPresented(one) && isJudged(one));
  const expected = outcomes.filter((one) => isPresented(one) && (isJudged(one) || !mayBeUnjudged(one)));
  const isComplete = (all: readonly PlayedOutcome[]): boolean => all.every((one) => isWhole(one, source));
  for (;;) {
    await source.poll().catch(away);
    const passed = performance.now() - began;
    if (isComplete(passed < Math.min(GRACE_MS, forMs) ? expected : certain) || passed >= forMs) return;
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
      const proof = await sealed.prove(entered).catch(away);
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

/** A ledger that shows a record owes its proof: it may have gone away since, or lie. */
export const isUnproved = (
  calls: readonly CallEvidence[],
  found: FoundRecord | undefined,
  sealed: Sealed | undefined,
): boolean => sealed !== undefined && found !== undefined && calls.some(({ proof }) => proof === undefined);

export const unprovedWords = (gateway: string): string =>
  `The ledger does not prove the record of ${gateway} that it shows, or was away when it was asked: \`glassgate ledger verify\` names the place.`;
