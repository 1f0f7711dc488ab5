/** Allowed calls by their request id, and the answers to them, whichever came first. A request id is the client's: it joins, and proves nothing. */
import { remember } from "../ledger/chain/bounded.js";
import type { Answer as AnswerLine, AuditRecord } from "../ledger/chain/lines.js";
import type { GrantFacts, MutableCall } from "./facts.js";
import type { Answer } from "./model.js";

/** As the ledger itself remembers (control/ledger/chain). */
const MAX_REQUESTS = 65_536;
const MAX_EACH = 64;
const MAX_EARLY = 4096;

export interface Open {
  readonly facts: GrantFacts;
  readonly call: MutableCall;
  readonly sender: string;
}

export interface Early {
  readonly line: AnswerLine;
  readonly entry: number;
  readonly sender: string;
}

const numberOf = (value: AnswerLine["status"]): number | undefined => {
  const number = typeof value === "string" ? Number.parseFloat(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
};

const answerOf = (entry: number, line: AnswerLine): Answer => ({
  entry,
  status: numberOf(line.status),
  bytesSent: numberOf(line.bytes_sent),
  bytesReceived: numberOf(line.bytes_received),
  durationMs: numberOf(line.duration_ms),
  details: line.details ?? undefined,
});

export class Requests {
  private readonly calls = new Map<string, readonly Open[]>();
  private readonly early = new Map<string, readonly Early[]>();

  /** @returns its answers that came before it */
  open(one: Open): readonly Early[] {
    const id = one.call.requestId;
    if (id === undefined || id === "") return [];
    remember(this.calls, id, [...(this.calls.get(id) ?? []), one].slice(-MAX_EACH), MAX_REQUESTS);
    const those = this.early.get(id) ?? [];
    this.early.delete(id);
    return those;
  }

  /** The call that a later record of the same request is about. */
  find(facts: GrantFacts, record: AuditRecord, isIt: (call: MutableCall) => boolean): MutableCall | undefined {
    const open = this.calls.get(record.request_id ?? "") ?? [];
    return open.find((one) => one.facts === facts && one.call.vm === record.vm && isIt(one.call))?.call;
  }

  /** Of several calls under one id it is that of the same sender which has no answer yet. @returns undefined where it waits for its record */
  answer(index: number, sender: string, line: AnswerLine): Open | undefined {
    const id = line.request_id;
    const all = this.calls.get(id) ?? [];
    const own = all.filter((one) => one.sender === sender);
    const those = own.length > 0 ? own : all;
    const open = those.find(({ call }) => call.answer === undefined) ?? those.at(-1);
    if (open !== undefined) open.call.answer ??= answerOf(index, line);
    else {
      const waiting = this.early.get(id) ?? [];
      if (waiting.length < MAX_EACH) remember(this.early, id, [...waiting, { line, entry: index, sender }], MAX_EARLY);
    }
    return open;
  }
}
