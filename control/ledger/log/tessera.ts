/**
 * A log that Tessera writes, over HTTP (config/ledger/tessera). Tessera keeps the order and signs the checkpoints; nothing that it says
 * is believed without its key, and no tree that goes back.
 *
 * An append resolves once the entries are durable at their indices. The checkpoint that covers them follows within Tessera's interval,
 * also after a crash; a receipt rests on the index. Where none follows in time, nothing more is taken.
 *
 * One writer at a time, as each entry rests on those before it: `if-size` keeps a second one's entries out, wherever he runs.
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { messageOf, UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { Log } from "../log.js";
import { MAX_BLOB_BYTES } from "../tlog/file-source.js";
import { parseVkey, type Vkey } from "../tlog/note.js";
import { MAX_TILE_ENTRY_BYTES, makeBundle } from "../tlog/tiles.js";
import { Claim, type Writer } from "./tessera-claim.js";
import { Heads, type HeadsOptions } from "./tessera-heads.js";
import { type Answer, MAX_REASON_BYTES, parsed, refusal, type TesseraAddress, TesseraClient } from "./tessera-http.js";

/** What Tessera's side takes at once. */
const MAX_ADD_BYTES = 4 * 1024 * 1024;
const LENGTH_BYTES = 2;
/** 24 bytes an index, of the shortest entries that fit. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** So often it is asked again where it has too much to write, a second or so apart. */
const MAX_TRIES = 30;

export interface TesseraOptions extends TesseraAddress, HeadsOptions {
  /** The verifier key that it prints. */
  readonly vkey: string;
  readonly writer: Writer;
  readonly onClosed?: () => Promise<void>;
}

export interface CoveredLog extends Log {
  /** Waits for a signed checkpoint of at least so many entries. @returns how many it has */
  covered(size: number): Promise<number>;
}

const added = z.strictObject({ indices: z.array(z.int().nonnegative()) });

interface Waiting {
  readonly entries: readonly Buffer[];
  readonly resolve: (indices: readonly number[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Parts of at most what one request may hold, in order. */
function* parts(entries: readonly Buffer[]): Generator<Buffer[]> {
  let part: Buffer[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const more = LENGTH_BYTES + entry.length;
    if (bytes + more > MAX_ADD_BYTES) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(entry);
    bytes += more;
  }
  if (part.length > 0) yield part;
}

class TesseraLog implements CoveredLog {
  readonly origin: string;
  readonly vkey: string;
  /** Where the next entry stands. */
  private next = 0;
  private readonly queue: Waiting[] = [];
  private running: Promise<void> | undefined;
  private watching: Promise<void> | undefined;
  private readonly claim: Claim;
  private readonly heads: Heads;
  /** Why nothing more is taken. */
  private ended: UserError | undefined;

  constructor(
    private readonly client: TesseraClient,
    key: Vkey,
    private readonly options: TesseraOptions,
  ) {
    this.origin = key.name;
    this.vkey = key.text;
    this.claim = new Claim(client, options.writer, (why, hint) => this.end(why, hint));
    this.heads = new Heads(client, key, options, {
      end: (why, hint, then) => this.end(why, hint, then),
      hasEnded: () => this.ended !== undefined,
    });
  }

  get size(): number {
    return this.next;
  }

  /** What is durable is covered before anything goes on from it: a crash may have come between the two. */
  async open(): Promise<void> {
    await this.heads.recall();
    const durable = await this.claim.take();
    try {
      await this.read("checkpoint");
      this.next = await this.covered(durable);
    } catch (error) {
      await this.claim.release();
      throw error;
    }
  }

  async read(path: string): Promise<Buffer | undefined> {
    return path === "checkpoint" ? this.heads.read() : this.client.file(path);
  }

  covered(size: number): Promise<number> {
    return this.heads.covered(size);
  }

  async append(entries: readonly Buffer[]): Promise<readonly number[]> {
    if (entries.some(({ length }) => length > MAX_TILE_ENTRY_BYTES))
      throw new RangeError("An entry is too long for the log: it belongs into a blob.");
    return new Promise((resolve, reject) => {
      this.queue.push({ entries: [...entries], resolve, reject });
      this.running ??= this.run();
    });
  }

  async putBlob(bytes: Buffer): Promise<string> {
    if (bytes.length > MAX_BLOB_BYTES) throw new RangeError("The bytes are too long for a blob.");
    const name = createHash("sha256").update(bytes).digest("hex");
    const { status, body } = await this.client.ask("PUT", `blob/${name}`, MAX_REASON_BYTES, bytes);
    if (status !== 204) throw refusal(`PUT blob/${name}`, status, body);
    return name;
  }

  /** @throws where what was acknowledged is not covered, and never was in time */
  async close(): Promise<void> {
    await this.running;
    await this.watching;
    const uncovered = this.heads.size < this.next ? this.ended : undefined;
    this.ended ??= new UserError("The ledger is closed.");
    await this.claim.release();
    await this.options.onClosed?.();
    if (uncovered !== undefined) throw uncovered;
  }

  private async run(): Promise<void> {
    while (this.queue.length > 0) {
      const waiting = this.queue.splice(0);
      try {
        if (this.ended !== undefined) throw this.ended;
        const indices: number[] = [];
        for (const part of parts(waiting.flatMap(({ entries }) => entries)))
          for (const index of await this.add(part)) indices.push(index);
        let first = 0;
        for (const { entries, resolve } of waiting) {
          resolve(indices.slice(first, first + entries.length));
          first += entries.length;
        }
        this.watching ??= this.watch();
      } catch (error) {
        for (const { reject } of waiting) reject(error);
      }
    }
    this.running = undefined;
  }

  /** What was acknowledged is to be covered, and what covers it to go on from what was seen. */
  private async watch(): Promise<void> {
    try {
      while (this.ended === undefined && this.heads.size < this.next) await this.covered(this.next);
    } catch (error) {
      this.ended ??= this.end(messageOf(error));
    }
    this.watching = undefined;
  }

  /** Asks again only where nothing was written: else the same would stand there twice, and nobody would know. */
  private async add(entries: readonly Buffer[]): Promise<readonly number[]> {
    const body = makeBundle(entries);
    const where = { "if-size": String(this.next) };
    for (let tries = 1; ; tries++) {
      let answer: Answer;
      try {
        answer = await this.client.ask("POST", "add", MAX_ANSWER_BYTES, body, where);
      } catch (error) {
        throw error instanceof UserError ? this.end(error.message, error.hint) : error;
      }
      if (answer.status === 200) return this.indicesOf(answer, entries.length);
      if (answer.status === 412)
        throw this.end(
          `something else has written to it: ${visible(answer.body.toString("utf8").trim()).slice(0, 100)}, and this ledger knows of ${this.next}`,
          "One ledger writes to a log at a time: see what else has Tessera's token.",
        );
      if (answer.status !== 503 || tries === MAX_TRIES) {
        const { message, hint } = refusal("POST add", answer.status, answer.body);
        throw this.end(message, hint);
      }
      await sleep(1000 * Number(/^[1-9]$/.exec(answer.headers.get("retry-after") ?? "")?.[0] ?? 1));
    }
  }

  private indicesOf(answer: Answer, count: number): readonly number[] {
    const indices = parsed(answer, added)?.indices;
    if (indices?.length !== count || indices.some((index, i) => index !== this.next + i))
      throw this.end("its answer names other indices than these entries can have", "Is it the log's Tessera?");
    this.next += count;
    return indices;
  }

  /** From now on nothing is taken: only opening anew finds out what is there. */
  private end(
    why: string,
    hint = "See what it prints.",
    then = " What was acknowledged is safe. Start the ledger again after that.",
  ): UserError {
    this.ended ??= new UserError(`The log ${visible(this.origin)} takes nothing more: ${why.replace(/\.$/, "")}.`, {
      exitCode: 1,
      hint: `${hint}${then}`,
    });
    return this.ended;
  }
}

/** @throws where it is not there, another writes to it, or its checkpoint is not by this key or goes back behind the one that was kept */
export async function openTesseraLog(options: TesseraOptions): Promise<CoveredLog> {
  const log = new TesseraLog(new TesseraClient(options), parseVkey(options.vkey), options);
  await log.open();
  return log;
}
