/**
 * Whose turn it is: each sender has a queue, and each round takes a piece of every queue in turn into the ledger, until it is full.
 * So whoever floods waits behind himself, others behind one small round at most, and receipts, which have no turn, behind two.
 */
import type { Intake, Received, Taken } from "../intake.js";
import { Refused, tooMany } from "./answer.js";

/** Requests of one sender that wait, and their bytes: what is beyond comes again later. */
const MAX_WAITING = 64;
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** A round is small, so that receipts do not wait for it; what is larger is taken in pieces. */
const ROUND_LINES = 1024;
const ROUND_BYTES = 4 * 1024 * 1024;

interface Piece {
  readonly received: readonly Received[];
  readonly bytes: number;
  readonly resolve: (taken: readonly Taken[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Queue {
  readonly waiting: Piece[];
  requests: number;
  bytes: number;
}

const bytesOf = (received: readonly Received[]): number => received.reduce((sum, { bytes }) => sum + bytes.length, 0);

/** In order, each of which fits a round; one that is too large by itself stays whole. */
function piecesOf(received: readonly Received[]): (readonly Received[])[] {
  const pieces: Received[][] = [];
  let piece: Received[] = [];
  let bytes = 0;
  for (const one of received) {
    if (piece.length > 0 && (piece.length === ROUND_LINES || bytes + one.bytes.length > ROUND_BYTES)) {
      pieces.push(piece);
      piece = [];
      bytes = 0;
    }
    piece.push(one);
    bytes += one.bytes.length;
  }
  return [...pieces, piece];
}

export class Turns {
  /** In the order in which it is their turn. */
  private readonly queues = new Map<string, Queue>();
  private running: Promise<void> | undefined;
  private isClosed = false;

  constructor(private readonly intake: Intake) {}

  /** Requests, or pieces of large ones, whose turn has not come. */
  get waiting(): number {
    return [...this.queues.values()].reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  /** Resolves when all is durable. @throws Refused where too much of this sender waits, or the ledger is closing */
  async take(sender: string, received: readonly Received[]): Promise<readonly Taken[]> {
    const queue = this.queues.get(sender);
    if (
      queue !== undefined &&
      (queue.requests >= MAX_WAITING || (queue.bytes > 0 && queue.bytes + bytesOf(received) > MAX_WAITING_BYTES))
    )
      throw tooMany(1, "Too much of this sender waits already.");
    return this.wait(sender, received);
  }

  /** What the ledger has read itself: it is never too much, as whoever reads waits before he reads on. */
  takeOwn(gateway: string, received: readonly Received[]): Promise<readonly Taken[]> {
    return this.wait(`file ${gateway}`, received); // No sender's name has a space.
  }

  /** Takes no more; resolves when what waits is done. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.running;
  }

  private async wait(name: string, received: readonly Received[]): Promise<readonly Taken[]> {
    if (this.isClosed) throw new Refused(503, "The ledger is stopping.", { "retry-after": "5" });
    if (received.length === 0) return [];
    const queue = this.queues.get(name) ?? { waiting: [], requests: 0, bytes: 0 };
    const taken = piecesOf(received).map(
      (piece) =>
        new Promise<readonly Taken[]>((resolve, reject) => {
          const bytes = bytesOf(piece);
          queue.waiting.push({ received: piece, bytes, resolve, reject });
          queue.bytes += bytes;
        }),
    );
    queue.requests += 1;
    this.queues.set(name, queue);
    this.running ??= this.run();
    try {
      return (await Promise.all(taken)).flat();
    } finally {
      queue.requests -= 1;
    }
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

  /** One piece of each queue in turn, and so again, as far as there is room: the others come first the next time. */
  private nextRound(): Piece[] {
    const round: Piece[] = [];
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
