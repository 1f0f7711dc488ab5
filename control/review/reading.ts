/** What the pages show, read once for each checkpoint: reading a ledger verifies all of it. */
import type { ReviewList } from "./model.js";

export interface Ledger {
  /** The newest checkpoint as it stands there: when it is another one, all is read anew. */
  checkpoint(): Promise<string>;
  /**
   * The reviews of a log that verifies.
   * @param wanted the one whose calls are wanted too: `grant_sha256`, or the key of a shared review
   * @throws UserError where it does not verify
   */
  read(wanted: string | undefined): Promise<ReviewList>;
}

/** What waits and what is late is a matter of the clock as well. */
const FRESH_MS = 60_000;
/** Of a large ledger, reading takes no more than this part of the time. */
const WORK_PART = 0.1;
/** Of what failed a reload tries again, but not at once. */
const RETRY_MS = 2000;
/** Reviews with all their calls; a reader goes back and forth between few. */
const MOST_READ = 4;

interface Read {
  readonly list: Promise<ReviewList>;
  readonly beganAt: number;
  hasBegun: boolean;
  /** Until then it is shown; unknown while it is read. */
  until: number;
}

export class Reading {
  private checkpoint: string | undefined;
  private readonly reads = new Map<string, Read>();
  /** One after the other: each takes the machine's whole strength. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly ledger: Ledger,
    private readonly now: () => number,
  ) {}

  list(): Promise<ReviewList> {
    return this.read(undefined);
  }

  /** @param wanted its calls are there */
  one(wanted: string): Promise<ReviewList> {
    return this.read(wanted);
  }

  private async read(wanted: string | undefined): Promise<ReviewList> {
    const checkpoint = await this.ledger.checkpoint();
    // What has not begun will read what stands there then: a page that is asked for again and again waits for two readings at most.
    if (checkpoint !== this.checkpoint)
      for (const [name, { hasBegun }] of this.reads) if (hasBegun) this.reads.delete(name);
    this.checkpoint = checkpoint;
    const name = wanted ?? "";
    const known = this.reads.get(name);
    if (known !== undefined && this.now() < known.until) return known.list;
    return this.begin(name, wanted).list;
  }

  private begin(name: string, wanted: string | undefined): Read {
    const beganAt = this.now();
    const list = this.last.then(() => {
      read.hasBegun = true;
      return this.ledger.read(wanted);
    });
    this.last = list.catch(() => undefined); // Told to whoever waits for it, below.
    const read: Read = { list, beganAt, hasBegun: false, until: Number.POSITIVE_INFINITY };
    read.list.then(
      () => {
        read.until = Math.max(beganAt + FRESH_MS, this.now() + (this.now() - beganAt) / WORK_PART);
      },
      () => {
        read.until = this.now() + RETRY_MS; // Whoever waits for it is told why.
      },
    );
    this.reads.delete(name);
    this.reads.set(name, read);
    for (const oldest of this.reads.keys()) {
      if (this.reads.size <= MOST_READ) break;
      if (oldest !== "") this.reads.delete(oldest);
    }
    return read;
  }
}
