/**
 * A log that is Tessera's, behind HTTP (config/ledger/tessera): it has more than one writer, gives the indices, and signs. So the log's key is
 * not here, and its indices need not be neighbours. An entry is durable when it has its index; the checkpoint that covers it
 * follows within Tessera's interval.
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { messageOf, UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { Log, TileSource } from "../log.js";
import { openCheckpoint } from "../tlog/checkpoint.js";
import { MAX_BLOB_BYTES } from "../tlog/file-source.js";
import { bounded, httpSource, prefixOf } from "../tlog/http-source.js";
import { parseVkey, type Vkey } from "../tlog/note.js";
import { MAX_TILE_ENTRY_BYTES, makeBundle } from "../tlog/tiles.js";

/** What the program takes at once. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
const LENGTH_BYTES = 2;
/** An index of 16 digits and its comma for every two bytes that a request can have, and never so much. */
const MAX_ANSWER_BYTES = 36 * 1024 * 1024;
/** It answers when all is on the disk; what takes longer has stopped. */
const TIME_OUT_MS = 60_000;
/** Of a program that is busy: it says itself when to come again. */
const MAX_TRIES = 5;
const MAX_WAIT_SECONDS = 10;

const added = z.strictObject({ indices: z.array(z.int().nonnegative()) });

export interface TesseraLogOptions {
  readonly url: string;
  /** The verifier key of the log: Tessera's own, printed when it starts. */
  readonly vkey: string;
  /** Of those who append. */
  readonly token: string;
  /** Of those who read, where not everybody may. */
  readonly readToken?: string;
}

/** As many entries as a request takes, one after the other. */
function* partsOf(entries: readonly Buffer[]): Generator<readonly Buffer[]> {
  let part: Buffer[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (bytes + LENGTH_BYTES + entry.length > MAX_REQUEST_BYTES) {
      yield part;
      [part, bytes] = [[], 0];
    }
    part.push(entry);
    bytes += LENGTH_BYTES + entry.length;
  }
  if (part.length > 0) yield part;
}

class TesseraLog implements Log {
  readonly origin: string;
  readonly vkey: string;
  private isClosed = false;

  constructor(
    private readonly prefix: string,
    private readonly token: string,
    private readonly source: TileSource,
    key: Vkey,
    private known: number,
  ) {
    this.origin = key.name;
    this.vkey = key.text;
  }

  /** As far as this process knows: others append as well. */
  get size(): number {
    return this.known;
  }

  read(path: string): Promise<Buffer | undefined> {
    return this.source.read(path);
  }

  /** Where this fails in the midst, some entries may be in the log and nobody knows their indices: they are sent again, and count once. */
  async append(entries: readonly Buffer[]): Promise<readonly number[]> {
    if (entries.some(({ length }) => length > MAX_TILE_ENTRY_BYTES))
      throw new RangeError("An entry is too long for the log: it belongs into a blob.");
    const indices: number[] = [];
    for (const part of partsOf(entries)) {
      const answer = await this.send("POST", "add", makeBundle(part));
      const got = this.indicesIn(answer);
      if (got?.length !== part.length) throw this.strange();
      indices.push(...got);
    }
    this.known = indices.reduce((size, index) => Math.max(size, index + 1), this.known);
    return indices;
  }

  async putBlob(bytes: Buffer): Promise<string> {
    if (bytes.length > MAX_BLOB_BYTES) throw new RangeError("The bytes are too long for a blob.");
    const name = createHash("sha256").update(bytes).digest("hex");
    await this.send("PUT", `blob/${name}`, bytes);
    return name;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  private strange(): UserError {
    return new UserError(`What answers at ${visible(this.prefix)} is not the program of config/ledger/tessera.`, {
      hint: "Check the address in the ledger's configuration.",
    });
  }

  private indicesIn(text: string): readonly number[] | undefined {
    try {
      return added.parse(JSON.parse(text)).indices;
    } catch {
      return undefined; // What exactly is wrong with another program's answer helps nobody.
    }
  }

  private async send(method: string, path: string, bytes: Buffer): Promise<string> {
    if (this.isClosed) throw new UserError("The ledger is closed.");
    const url = `${this.prefix}${path}`;
    for (let tries = 1; ; tries++) {
      const { status, text, wait } = await this.once(method, url, bytes);
      if (status === 200 || status === 204) return text;
      if (status !== 503 || tries === MAX_TRIES) throw this.refusal(url, status, text);
      await sleep(wait * 1000);
    }
  }

  private async once(
    method: string,
    url: string,
    bytes: Buffer,
  ): Promise<{ status: number; text: string; wait: number }> {
    try {
      const answer = await fetch(url, {
        method,
        body: new Uint8Array(bytes),
        redirect: "manual",
        signal: AbortSignal.timeout(TIME_OUT_MS),
        headers: { authorization: `Bearer ${this.token}`, "content-type": "application/octet-stream" },
      });
      const after = Number(answer.headers.get("retry-after") ?? "1");
      const wait = after >= 0 && after <= MAX_WAIT_SECONDS ? after : MAX_WAIT_SECONDS;
      return { status: answer.status, text: String(await bounded(answer, url, MAX_ANSWER_BYTES)), wait };
    } catch (error) {
      if (error instanceof UserError) throw error;
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new UserError(`Cannot write to ${visible(url)}: ${visible(messageOf(cause))}.`, {
        cause: error,
        hint: "What was sent may be there or not. Send it again: the same line counts once.",
        exitCode: 1,
      });
    }
  }

  private refusal(url: string, status: number, text: string): UserError {
    const hint = status === 401 ? "Compare the token with the program's --token-file." : "Its own log says more.";
    const why = text === "" ? "" : `: ${visible(text.trim().slice(0, 200))}`;
    return new UserError(`${visible(url)} answers ${status}${why}.`, { hint, exitCode: 1 });
  }
}

/** @throws where nothing answers there, or the log that does is signed by another key */
export async function openTesseraLog({ url, vkey, token, readToken }: TesseraLogOptions): Promise<Log> {
  const key = parseVkey(vkey);
  const prefix = prefixOf(url);
  const source = httpSource(url, readToken);
  const note = await source.read("checkpoint");
  if (note === undefined)
    throw new UserError(`There is no log at ${visible(prefix)}.`, {
      hint: "Check the address in the ledger's configuration.",
    });
  return new TesseraLog(prefix, token, source, key, openCheckpoint(note.toString("utf8"), key).size);
}
