/**
 * A log that Tessera writes, over HTTP (config/ledger/tessera): for where several processes append to one. Tessera keeps the order and
 * signs the checkpoints; nothing that it says is believed without its key, and no tree that goes back.
 *
 * An append resolves once the entries are durable at their indices. The checkpoint that covers them follows within Tessera's interval,
 * also after a crash; a receipt rests on the index.
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { boundedBody, fetchFault } from "../../base/body.js";
import { UserError } from "../../base/errors.js";
import { readPrivateText } from "../../base/private-file.js";
import { visible } from "../../base/text.js";
import { isLoopback } from "../../gateway/surroundings.js";
import type { Log } from "../log.js";
import { type Checkpoint, openCheckpoint } from "../tlog/checkpoint.js";
import { MAX_BLOB_BYTES, mustBeBound } from "../tlog/file-source.js";
import { decodeNote, parseVkey, type Vkey } from "../tlog/note.js";
import { consistencyProof, verifyConsistency } from "../tlog/proof.js";
import { MAX_TILE_ENTRY_BYTES, makeBundle } from "../tlog/tiles.js";

/** What Tessera's side takes at once. */
const MAX_ADD_BYTES = 4 * 1024 * 1024;
const LENGTH_BYTES = 2;
/** 24 bytes an index, of the shortest entries that fit. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const MAX_REASON_BYTES = 1024;
const TIME_OUT_MS = 60_000;
/** So often it is asked again where it has too much to write, a second or so apart. */
const MAX_TRIES = 30;

export interface TesseraOptions {
  readonly url: string;
  /** The verifier key that it prints. */
  readonly vkey: string;
  /** Of `POST /add`; in a file, as `--token-file` has it. */
  readonly token: string;
  /** Of `GET`, where it wants one. */
  readonly readToken?: string;
}

/** A token from its file: one line. */
export function readToken(path: string): string {
  const token = readPrivateText(path, "the token").replace(/\r?\n$/, "");
  if (/^[\x21-\x7e]{22,4096}$/.test(token)) return token;
  throw new UserError(`${visible(path)} holds no token: one line of at least 22 characters, without spaces.`);
}

const added = z.strictObject({ indices: z.array(z.int().nonnegative()) });

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

interface Waiting {
  readonly entries: readonly Buffer[];
  readonly resolve: (indices: readonly number[]) => void;
  readonly reject: (error: unknown) => void;
}

function baseOf(text: string): string {
  const hint = "For example: https://tessera.example.com:8091";
  if (!URL.canParse(text)) throw new UserError(`"${visible(text)}" is no URL of a Tessera.`, { hint });
  const url = new URL(text);
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    throw new UserError("A Tessera's URL has no user, password, query or fragment.", { hint });
  const isLocal = isLoopback({ host: url.hostname.replace(/^\[|\]$/g, ""), port: 0 });
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLocal))
    throw new UserError(`Over ${visible(text)} the token and the entries would travel in clear.`, { hint });
  return url.href.replace(/\/*$/, "/");
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

class TesseraLog implements Log {
  readonly origin: string;
  readonly vkey: string;
  /** The newest checkpoint that was verified. */
  private seen: Checkpoint | undefined;
  /** Behind the highest index that was answered. */
  private durable = 0;
  private readonly queue: Waiting[] = [];
  private running: Promise<void> | undefined;
  private reading: Promise<Buffer | undefined> = Promise.resolve(undefined);
  /** Why nothing more is taken. */
  private ended: UserError | undefined;

  constructor(
    private readonly base: string,
    private readonly key: Vkey,
    private readonly options: TesseraOptions,
  ) {
    this.origin = key.name;
    this.vkey = key.text;
  }

  get size(): number {
    return Math.max(this.durable, this.seen?.size ?? 0);
  }

  async read(path: string): Promise<Buffer | undefined> {
    if (path !== "checkpoint") return this.file(path);
    // One after the other: what was asked for later is not older.
    const reading = this.reading.then(() => this.checkpoint());
    this.reading = reading.catch(() => undefined); // Whoever asked for it hears of it.
    return reading;
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
    const { status, body } = await this.ask("PUT", `blob/${name}`, MAX_REASON_BYTES, bytes);
    if (status !== 204) throw this.refusal(`PUT blob/${name}`, status, body);
    return name;
  }

  async close(): Promise<void> {
    await this.running;
    this.ended ??= new UserError("The ledger is closed.");
  }

  private async checkpoint(): Promise<Buffer | undefined> {
    const bytes = await this.file("checkpoint");
    if (bytes !== undefined) await this.take(openCheckpoint(decodeNote(bytes), this.key));
    return bytes;
  }

  /** Refuses a tree that does not go on from the one that was seen before. */
  private async take(checkpoint: Checkpoint): Promise<void> {
    const before = this.seen;
    if (before !== undefined && before.text !== checkpoint.text) {
      const { size, root } = checkpoint;
      const proof = size < before.size ? [] : await consistencyProof(this, before.size, size);
      if (size < before.size || !verifyConsistency(before.size, before.root, size, root, proof)) {
        throw this.end(
          `its tree of ${size} entries does not go on from the one of ${before.size} that it signed before`,
          "It was restored from a backup, or it shows two histories: keep both checkpoints.",
        );
      }
    }
    this.seen = checkpoint;
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
      } catch (error) {
        for (const { reject } of waiting) reject(error);
      }
    }
    this.running = undefined;
  }

  /** Asks again only where nothing was written: else the same would stand there twice, and nobody would know. */
  private async add(entries: readonly Buffer[]): Promise<readonly number[]> {
    const body = makeBundle(entries);
    for (let tries = 1; ; tries++) {
      let answer: Answer;
      try {
        answer = await this.ask("POST", "add", MAX_ANSWER_BYTES, body);
      } catch (error) {
        throw error instanceof UserError ? this.end(error.message, error.hint) : error;
      }
      if (answer.status === 200) return this.indicesOf(answer, entries.length);
      if (answer.status !== 503 || tries === MAX_TRIES) {
        const { message, hint } = this.refusal("POST add", answer.status, answer.body);
        throw this.end(message, hint);
      }
      await sleep(1000 * Number(/^[1-9]$/.exec(answer.headers.get("retry-after") ?? "")?.[0] ?? 1));
    }
  }

  private indicesOf({ body }: Answer, count: number): readonly number[] {
    let parsed: unknown;
    try {
      parsed = JSON.parse(body.toString("utf8"));
    } catch {
      parsed = undefined; // Said below.
    }
    const { data } = added.safeParse(parsed);
    // What was taken later stands later; and a checkpoint's entries are never given away again.
    let next = this.seen?.size ?? 0;
    const isRising = data?.indices.every((index) => {
      const isNext = index >= next;
      next = index + 1;
      return isNext;
    });
    if (data === undefined || data.indices.length !== count || isRising !== true)
      throw this.end("its answer names no indices that these entries can have", "Is it the log's Tessera?");
    this.durable = Math.max(this.durable, next);
    return data.indices;
  }

  private async file(path: string): Promise<Buffer | undefined> {
    const { status, body } = await this.ask("GET", path, mustBeBound(path));
    if (status === 404) return undefined;
    if (status !== 200) throw this.refusal(`GET ${path}`, status, body);
    return body;
  }

  private async ask(method: string, path: string, bound: number, sent?: Buffer): Promise<Answer> {
    const { token, readToken: reading } = this.options;
    const bearer = method === "GET" ? reading : token;
    const name = `${method} ${this.base}${path}`;
    let body: Buffer | undefined;
    let response: Response;
    try {
      response = await fetch(this.base + path, {
        method,
        redirect: "manual",
        signal: AbortSignal.timeout(TIME_OUT_MS),
        headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
        ...(sent === undefined ? {} : { body: new Uint8Array(sent) }),
      });
      body = await boundedBody(response, bound);
    } catch (error) {
      throw new UserError(`Tessera does not answer: ${visible(name)}: ${visible(fetchFault(error))}.`, {
        cause: error,
        hint: "Check the address, and that it runs.",
      });
    }
    if (body !== undefined) return { status: response.status, headers: response.headers, body };
    throw new UserError(`Tessera's answer is larger than it can be: ${visible(name)}.`, { exitCode: 1 });
  }

  private refusal(what: string, status: number, body: Buffer): UserError {
    const reason =
      status < 300 || status > 399 ? visible(body.toString("utf8").trim()).slice(0, 200) : "it leads elsewhere";
    return new UserError(`Tessera answers ${status} to ${what}: ${reason}.`, {
      hint: status === 401 ? "Check the token, and that its file is the one that Tessera has." : "See what it prints.",
    });
  }

  /** From now on nothing is taken: only opening anew finds out what is there. */
  private end(why: string, hint = "See what it prints."): UserError {
    this.ended ??= new UserError(`The log ${visible(this.origin)} takes nothing more: ${why.replace(/\.$/, "")}.`, {
      exitCode: 1,
      hint: `${hint} What was acknowledged is safe. Start the ledger again after that.`,
    });
    return this.ended;
  }
}

/** @throws where it is not there, or where its checkpoint is not by this key */
export async function openTesseraLog(options: TesseraOptions): Promise<Log> {
  const log = new TesseraLog(baseOf(options.url), parseVkey(options.vkey), options);
  await log.read("checkpoint");
  return log;
}
