/**
 * The checkpoints of a log that Tessera writes: each must be by its key and go on from the one before, also from the one that an earlier
 * process saw last.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, UserError } from "../../base/errors.js";
import type { TileSource } from "../log.js";
import { type Checkpoint, openCheckpoint } from "../tlog/checkpoint.js";
import { decodeNote, type Vkey } from "../tlog/note.js";
import { consistencyProof, verifyConsistency } from "../tlog/proof.js";
import type { TesseraClient } from "./tessera-http.js";

/** Its interval is a second, unless its options say otherwise. */
const COVER_MS = 60_000;
const LOOK_MS = 200;

/** Where the newest checkpoint stays that was ever verified. */
export interface KeptCheckpoint {
  read(): Promise<string | undefined>;
  write(text: string): Promise<void>;
}

export interface HeadsOptions {
  readonly kept?: KeptCheckpoint;
  /** How long a checkpoint may take to cover what is durable. */
  readonly coverMs?: number;
}

/** The log that these are of. */
interface Ending {
  /** From now on it takes nothing more. @returns why */
  end(why: string, hint: string, then?: string): UserError;
  hasEnded(): boolean;
}

export class Heads {
  /** The newest that was verified. */
  private seen: Checkpoint | undefined;
  private reading: Promise<Buffer | undefined> = Promise.resolve(undefined);
  private readonly source: TileSource;

  constructor(
    private readonly client: TesseraClient,
    private readonly key: Vkey,
    private readonly options: HeadsOptions,
    private readonly log: Ending,
  ) {
    this.source = { read: (path) => client.file(path) };
  }

  /** Entries that are covered. */
  get size(): number {
    return this.seen?.size ?? 0;
  }

  /** What was seen before this process. */
  async recall(): Promise<void> {
    const before = await this.options.kept?.read();
    if (before !== undefined)
      this.seen = this.opened(
        before,
        "The checkpoint that was kept of it",
        "Another key's log is another log: make a new folder for it.",
      );
  }

  /** The newest; one after the other, so that what was asked for later is not older. */
  async read(): Promise<Buffer | undefined> {
    const reading = this.reading.then(() => this.checkpoint());
    this.reading = reading.catch(() => undefined); // Whoever asked for it hears of it.
    return reading;
  }

  async covered(size: number): Promise<number> {
    const { coverMs = COVER_MS } = this.options;
    const until = performance.now() + coverMs;
    let fault = "";
    for (;;) {
      if (this.seen !== undefined && this.seen.size >= size) return this.seen.size;
      if (performance.now() > until) {
        const found = fault === "" ? `its newest has ${this.seen?.size ?? "no"} entries` : fault.replace(/\.$/, "");
        throw this.log.end(
          `Tessera has published no checkpoint of the ${size} entries that it has taken within ${Math.ceil(coverMs / 1000)} seconds: ${found}`,
          "See whether its program runs, has room on its disk, and a --checkpoint-interval below that.",
        );
      }
      try {
        await this.read();
        fault = "";
      } catch (error) {
        if (!(error instanceof UserError) || this.log.hasEnded()) throw error;
        fault = messageOf(error);
      }
      if ((this.seen?.size ?? -1) < size) await sleep(LOOK_MS);
    }
  }

  private async checkpoint(): Promise<Buffer | undefined> {
    const bytes = await this.client.file("checkpoint");
    if (bytes !== undefined)
      await this.take(
        this.opened(decodeNote(bytes), "Tessera's checkpoint", "Is the verifier key the one that this Tessera prints?"),
      );
    return bytes;
  }

  private opened(note: string, what: string, hint: string): Checkpoint {
    try {
      return openCheckpoint(note, this.key);
    } catch (error) {
      throw new UserError(`${what} does not count: ${messageOf(error)}`, { cause: error, exitCode: 1, hint });
    }
  }

  /** Refuses a tree that does not go on from the one that was seen before. */
  private async take(checkpoint: Checkpoint): Promise<void> {
    const before = this.seen;
    if (before?.text === checkpoint.text) return;
    if (before !== undefined) {
      const { size, root } = checkpoint;
      const proof = size < before.size ? [] : await consistencyProof(this.source, before.size, size);
      if (size < before.size || !verifyConsistency(before.size, before.root, size, root, proof)) {
        throw this.log.end(
          `its tree of ${size} entries does not go on from the one of ${before.size} that Tessera signed before`,
          "Its folder was restored from a backup, or it shows two histories: keep both checkpoints, and bring back the newer folder. There is no way round, by design.",
          "",
        );
      }
    }
    await this.options.kept?.write(checkpoint.text);
    this.seen = checkpoint;
  }
}
