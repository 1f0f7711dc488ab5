/** Publishing beside a running ledger: after commits, one at a time, not more often than every so many seconds. */
import { PublishConflict, type Published } from "./publish.js";

export interface PublishLoopOptions {
  readonly publish: () => Promise<Published>;
  readonly everyMs: number;
  readonly onPublished?: (published: Published) => void;
  /** @param isFinal whether it stops: a conflict is for people */
  readonly onFault: (error: unknown, isFinal: boolean) => void;
}

export interface PublishLoop {
  /** To be called after each commit; costs nothing. */
  committed(): void;
  /** What is in the store, as far as this knows. */
  readonly size: number | undefined;
  /** Publishes what is still to be published, once, and ends. */
  close(): Promise<void>;
}

/** A store that is away is asked less and less often. */
const MAX_PAUSE_MS = 10 * 60_000;

export function startPublishing(options: PublishLoopOptions): PublishLoop {
  let size: number | undefined;
  let isWanted = false;
  let isOver = false;
  let faults = 0;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let last = Number.NEGATIVE_INFINITY;

  const run = async (): Promise<void> => {
    isWanted = false;
    try {
      const published = await options.publish();
      size = published.size;
      faults = 0;
      options.onPublished?.(published);
    } catch (error) {
      faults += 1;
      isOver ||= error instanceof PublishConflict;
      isWanted = !isOver;
      options.onFault(error, isOver);
    }
    last = performance.now();
  };
  const schedule = (): void => {
    if (isOver || !isWanted || timer !== undefined || running !== undefined) return;
    const pause = Math.min(options.everyMs * 2 ** faults, Math.max(MAX_PAUSE_MS, options.everyMs));
    timer = setTimeout(
      () => {
        timer = undefined;
        running = run().finally(() => {
          running = undefined;
          schedule();
        });
      },
      Math.max(0, last + pause - performance.now()),
    );
  };
  return {
    committed() {
      isWanted = true;
      schedule();
    },
    get size() {
      return size;
    },
    async close() {
      clearTimeout(timer);
      const isClosed = isOver;
      isOver = true; // Nothing is scheduled any more.
      await running;
      if (isWanted && !isClosed) await run();
    },
  };
}
