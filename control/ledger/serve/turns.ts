/**
 * Whose turn it is: each sender has a queue, and each round takes one request of every queue in turn into the ledger, until it is full.
 * So whoever floods waits behind himself, and others behind one small round of his at most.
 */
import type { Intake, Received, Taken } from "../intake.js";
import { Refused, tooMany } from "./answer.js";

/** Requests of one sender that wait, and their bytes: what is beyond comes again later. */
const MAX_WAITING = 64;
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** A round is small, so that receipts do not wait for it. */
const ROUND_LINES = 1024;
const ROUND_BYTES = 4 * 1024 * 1024;

interface Waiting {
  readonly received: readonly Received[];
  readonly bytes: number;
  readonly resolve: (taken: readonly Taken[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Queue {
  readonly waiting: Waiting[];
  bytes: number;
}

const bytesOf = (received: readonly Received[]): number => received.reduce((sum, { bytes }) => sum + bytes.length, 0);

export class Turns {
  /** In the order in which it is their turn. */
  private readonly queues = new Map<string, Queue>();
  private running: Promise<void> | undefined;
  private isClosed = false;

  constructor(private readonly intake: Intake) {}

  /** Requests whose turn has not come. */
  get waiting(): number {
    return [...this.queues.values()].reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  /** Resolves when all is durable. @throws Refused where too much of this sender waits, or the ledger is closing */
  take(sender: string, received: readonly Received[]): Promise<readonly Taken[]> {
    if (this.isClosed) return Promise.reject(new Refused(503, "The ledger is stopping.", { "retry-after": "5" }));
    if (received.length === 0) return Promise.resolve([]);
    const queue = this.queues.get(sender) ?? { waiting: [], bytes: 0 };
    const bytes = bytesOf(received);
    if (queue.waiting.length >= MAX_WAITING || (queue.bytes > 0 && queue.bytes + bytes > MAX_WAITING_BYTES))
      return Promise.reject(tooMany(1, "Too much of this sender waits already."));
    return new Promise((resolve, reject) => {
      queue.waiting.push({ received, bytes, resolve, reject });
      queue.bytes += bytes;
      this.queues.set(sender, queue);
      this.running ??= this.run();
    });
  }

  /** Takes no more; resolves when what waits is done. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (this.queues.size > 0) {
      const round = this.nextRound();
      try {
        const taken = await this.intake.take(round.flatMap(({ received }) => received));
        let at = 0;
        for (const { received, resolve } of round) {
          resolve(taken.slice(at, at + received.length));
          at += received.length;
        }
      } catch (error) {
        for (const { reject } of round) reject(error);
      }
    }
    this.running = undefined;
  }

  /** One request of each queue in turn, and so again, as far as there is room: the others come first the next time. */
  private nextRound(): Waiting[] {
    const round: Waiting[] = [];
    let lines = 0;
    let bytes = 0;
    for (;;) {
      // What was served goes behind all others, so the first of the map is whose turn it is.
      const [next] = this.queues;
      if (next === undefined) return round;
      const [sender, queue] = next;
      const [first] = queue.waiting;
      if (first === undefined) return round;
      if (round.length > 0 && (lines + first.received.length > ROUND_LINES || bytes + first.bytes > ROUND_BYTES))
        return round;
      queue.waiting.shift();
      queue.bytes -= first.bytes;
      round.push(first);
      lines += first.received.length;
      bytes += first.bytes;
      this.queues.delete(sender);
      if (queue.waiting.length > 0) this.queues.set(sender, queue);
    }
  }
}
