/** How long a drill waits for a gateway that keeps giving no answer, or keeps saying that it is busy: a hundred requests must not take an hour. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Call, CallSpec } from "./model.js";

/** As long as a source of failures is busy (docs/request.md). */
const BUSY_MS = 10_500;
/** Waits in a row after which it was busy all the same. */
const MOST_BUSY = 3;
/** Calls in a row without an answer after which the next ones get less time. */
const SILENT_CALLS = 3;
const SHORT_MS = 2000;

/** Of one gateway. */
export class Patience {
  private silent = 0;
  private busy = 0;

  constructor(
    private readonly send: (spec: CallSpec) => Promise<Call>,
    private readonly busyMs = BUSY_MS,
  ) {}

  /** Forged grants come in more than a gateway checks of one network in ten seconds: then it is waited, once. */
  async call(spec: CallSpec): Promise<Call> {
    const first = await this.once(spec);
    if (first.seen.code !== "busy" || this.busy >= MOST_BUSY) return first;
    await sleep(this.busyMs);
    const second = await this.once(spec);
    this.busy = second.seen.code === "busy" ? this.busy + 1 : 0;
    return second;
  }

  private async once(spec: CallSpec): Promise<Call> {
    const isShort = this.silent >= SILENT_CALLS && spec.patienceMs === undefined;
    const call = await this.send(isShort ? { ...spec, patienceMs: SHORT_MS } : spec);
    this.silent = call.seen.error === undefined ? 0 : this.silent + 1;
    return call;
  }
}
