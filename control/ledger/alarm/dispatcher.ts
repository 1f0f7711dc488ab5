/**
 * Alarms on their way out: to each receiver in order, tried again with growing pauses, at least once also over a restart. A receiver
 * that does not work is said at the first failure, and what could not be delivered at last as well.
 */
import { stoppingMany } from "../../base/stopping.js";
import { alarmRows } from "../chain/codes.gen.js";
import { type Alarm, bodyOf } from "./alarm.js";
import { deliver, faultOf, type Receiver } from "./receiver.js";
import { Refused } from "./webhook.js";

export interface DispatcherOptions {
  /** The log's: it stands in each alarm, and with the entry's index it is the alarm's name. */
  readonly origin: string;
  readonly receivers: readonly Receiver[];
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** An alarm that is lost for one receiver, after all tries or as too many wait. @param why sentences */
  readonly onLost: (alarm: Alarm, receiver: string, why: string) => void;
  /** A receiver has begun to fail; it is tried again. @param why sentences */
  readonly onFailing?: (alarm: Alarm, receiver: string, why: string) => void;
  /** One that had failed takes alarms again. */
  readonly onWorking?: (receiver: string) => void;
  /** Keeps the index before which every alarm was delivered, or given up. */
  readonly keepPosition?: (before: number) => void;
  /** Milliseconds before each further try. */
  readonly pausesMs?: readonly number[];
}

/** Alarms that wait for one receiver. */
const MAX_QUEUE = 1000;
const PAUSES_MS = [1000, 5000, 30_000, 120_000, 600_000];
/** Of an alarm that the receiver refuses for what it is: those behind it do not wait for all of them. */
const TRIES_REFUSED = 2;

const isCritical = ({ code }: Alarm): boolean => alarmRows[code].severity === "critical";

interface Lane {
  readonly receiver: Receiver;
  readonly queue: Alarm[];
  running: Promise<void> | undefined;
  /** Since the last try that did not succeed. */
  isFailing: boolean;
}

export class Dispatcher {
  private readonly lanes: readonly Lane[];
  private readonly stopping = stoppingMany();
  /** By receiver. */
  readonly lost = new Map<string, number>();
  readonly delivered = new Map<string, number>();
  private position = 0;
  /** One after the last alarm that was handed in. */
  private handedIn = 0;

  constructor(private readonly options: DispatcherOptions) {
    this.lanes = options.receivers.map((receiver) => ({ receiver, queue: [], running: undefined, isFailing: false }));
    // Counters are there from the start: the first that is lost must be a rise.
    for (const { name } of options.receivers) {
      this.lost.set(name, 0);
      this.delivered.set(name, 0);
    }
  }

  /** Hands an alarm in; it must be durable. In the order of their entries. */
  send(alarm: Alarm): void {
    this.handedIn = alarm.entry + 1;
    for (const lane of this.lanes) {
      if (lane.queue.length < MAX_QUEUE || this.makesRoom(alarm, lane)) {
        lane.queue.push(alarm);
        lane.running ??= this.run(lane);
      }
    }
    this.keep();
  }

  /** A full queue gives up one that matters less, behind the one on its way; false where that is this one. */
  private makesRoom(alarm: Alarm, lane: Lane): boolean {
    const at = isCritical(alarm) ? lane.queue.findIndex((one, i) => i > 0 && !isCritical(one)) : -1;
    const [given = alarm] = at < 0 ? [] : lane.queue.splice(at, 1);
    this.lose(given, lane, `more than ${MAX_QUEUE} alarms wait.`);
    return at >= 0;
  }

  /** Resolves when nothing waits. */
  async drained(): Promise<void> {
    for (const lane of this.lanes) while (lane.running !== undefined) await lane.running;
  }

  /** Ends the pauses; what was not delivered is sent again after the next start. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.drained();
  }

  private async run(lane: Lane): Promise<void> {
    // Not before the caller has gone on: `running` is set by then.
    await Promise.resolve();
    for (;;) {
      const alarm = lane.queue[0];
      if (alarm === undefined || this.stopping.signal.aborted) break;
      if (!(await this.bring(alarm, lane))) break;
      lane.queue.shift();
      this.keep();
    }
    lane.running = undefined;
  }

  /** False where it was stopped meanwhile. */
  private async bring(alarm: Alarm, lane: Lane): Promise<boolean> {
    const { name } = lane.receiver;
    const pauses = this.options.pausesMs ?? PAUSES_MS;
    for (let tries = 0; ; tries++) {
      try {
        await this.once(alarm, lane.receiver);
        this.delivered.set(name, (this.delivered.get(name) ?? 0) + 1);
        if (lane.isFailing) this.options.onWorking?.(name);
        lane.isFailing = false;
        return true;
      } catch (error) {
        const pause = error instanceof Refused && tries + 1 >= TRIES_REFUSED ? undefined : pauses[tries];
        if (pause === undefined) {
          this.lose(alarm, lane, faultOf(error));
          lane.isFailing = true;
          return true;
        }
        if (!lane.isFailing) this.options.onFailing?.(alarm, name, faultOf(error));
        lane.isFailing = true;
        if (!(await this.pause(pause))) return false;
      }
    }
  }

  private once(alarm: Alarm, receiver: Receiver): Promise<void> {
    const { origin, clock } = this.options;
    return deliver(receiver, origin, { id: String(alarm.entry), body: bodyOf(alarm, origin), at: clock() });
  }

  /** False where it was stopped meanwhile. */
  private pause(milliseconds: number): Promise<boolean> {
    const { signal } = this.stopping;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(false);
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve(!signal.aborted);
      };
      const timer = setTimeout(end, milliseconds);
      signal.addEventListener("abort", end);
    });
  }

  private lose(alarm: Alarm, { receiver: { name } }: Lane, why: string): void {
    this.lost.set(name, (this.lost.get(name) ?? 0) + 1);
    this.options.onLost(alarm, name, why);
  }

  private keep(): void {
    const waiting = this.lanes.flatMap(({ queue }) => (queue[0] === undefined ? [] : [queue[0].entry]));
    const before = Math.min(this.handedIn, ...waiting);
    if (before <= this.position) return;
    try {
      this.options.keepPosition?.(before);
      this.position = before;
    } catch {
      // A full disk must not stop alarms: these are sent again after a restart.
    }
  }
}
