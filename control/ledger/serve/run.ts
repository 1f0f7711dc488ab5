/** A ledger at work: it follows the gateways of this machine, takes in what others send, and looks at the time. */
import { metricsText } from "../alarm/metrics.js";
import type { LedgerConfig } from "../config.js";
import { Follower, type FollowStatus } from "../follow/follower.js";
import type { Intake, Received, Taken } from "../intake.js";
import type { PublishLoop } from "../publish/loop.js";
import { type OpenedLedger, stateFolder } from "./open.js";
import { publishingOf } from "./publishing.js";
import { ReviewDoors } from "./review.js";
import { Senders } from "./senders.js";
import { type Listening, startServer } from "./server.js";
import { Turns } from "./turns.js";

/** Gaps and silence are found this long after they are due, at most. */
const TICK_MS = 2000;
/** For `ledger status`. */
const NOTE_MS = 5000;

export interface RunOptions {
  readonly folder: string;
  readonly config: LedgerConfig;
  readonly opened: OpenedLedger;
  /** A sentence for the person. */
  readonly say: (sentence: string) => void;
  /** Without it only files are followed. */
  readonly isServing: boolean;
}

/** Notices where the ledger takes nothing more, for whichever reason: then nothing of this can go on. */
class WatchedIntake implements Intake {
  readonly failed: Promise<never>;
  private fail: (error: unknown) => void = () => {};

  constructor(private readonly intake: Intake) {
    this.failed = new Promise((_, reject) => {
      this.fail = reject;
    });
    this.failed.catch(() => {}); // Whoever waits for it hears it.
  }

  async take(received: readonly Received[]): Promise<readonly Taken[]> {
    try {
      return await this.intake.take(received);
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  async watch<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }
}

export interface RunningLedger {
  readonly listening: readonly Listening[];
  status(): FollowStatus;
  /** Takes no more, finishes what is in flight, and closes the ledger. */
  stop(): Promise<void>;
  /** Rejects where the ledger can go on no more; it is closed then. Resolves once it was stopped. */
  readonly ended: Promise<void>;
}

/** @throws UserError where an address is taken; then the ledger is closed */
export async function runLedger({ folder, config, opened, say, isServing }: RunOptions): Promise<RunningLedger> {
  const { ledger, log, signer } = opened;
  const intake = new WatchedIntake(ledger);
  const turns = new Turns(intake);
  const now = Date.now;
  const { listen } = config;
  let server: Awaited<ReturnType<typeof startServer>> | undefined;
  let publishing: PublishLoop | undefined;
  try {
    publishing = publishingOf(folder, config, log, say);
    if (isServing && listen !== undefined) {
      const senders = new Senders(config.senders, now, listen.tls?.client_ca !== undefined);
      const metrics = (): string =>
        metricsText({
          status: ledger.status(),
          appendSeconds: opened.latency.histogram,
          refused: senders.refused,
          lostAlarms: opened.dispatcher.lost,
        });
      const doors = new ReviewDoors(now);
      const served = { intake, log, signer, senders, turns, doors, read: listen.read, metrics, now };
      server = await startServer(listen, served, say);
    }
  } catch (error) {
    await opened.close();
    throw error;
  }
  const follower = new Follower({
    gateways: config.gateways,
    heartbeatSeconds: config.heartbeat,
    state: stateFolder(folder),
    // In turn as well: a receipt must not wait for the backlogs of a hundred files.
    sink: async (received) => {
      await turns.takeOwn(received[0]?.sender.sender ?? "", received);
    },
    say,
  });
  let seen = -1;
  const timer = setInterval(() => {
    if (log.size !== seen) publishing?.committed();
    seen = log.size;
    intake.watch(ledger.tick()).catch(() => {}); // `failed` has it.
  }, TICK_MS);
  const noting = setInterval(() => void opened.noteStanding(), NOTE_MS);
  const following = follower.run();
  let stopped: Promise<void> | undefined;
  const stopAll = async (): Promise<void> => {
    clearInterval(timer);
    clearInterval(noting);
    follower.stop();
    const ends = await Promise.allSettled([following, server?.close()]);
    await turns.close();
    await publishing?.close();
    await opened.close();
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  };
  const stop = (): Promise<void> => {
    stopped ??= stopAll();
    return stopped;
  };
  const hasStopped = new Promise<void>((resolve) => {
    // A follower without anything to follow has ended at once, which is no end of the ledger.
    void following.then(
      () => {},
      () => resolve(),
    );
    void intake.failed.catch(() => resolve());
  });
  const ended = hasStopped.then(async () => {
    await stop().catch(() => {}); // Told below: what failed first.
    await Promise.race([intake.failed, following.then(() => {})]);
  });
  ended.catch(() => {}); // Whoever waits for it hears it.
  return {
    listening: server?.listening ?? [],
    status: () => follower.status(),
    stop,
    ended,
  };
}
