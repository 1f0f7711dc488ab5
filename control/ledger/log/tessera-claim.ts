/**
 * Who writes to a log of Tessera's, by name: a second one hears of the first when it starts. Its program forgets that when it ends, and
 * nothing rests on it: what keeps two writers apart is `if-size`.
 */
import { z } from "zod";
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { MAX_REASON_BYTES, parsed, refusal, type TesseraClient } from "./tessera-http.js";

/** A writer that ended without a word is followed by another one after this. */
const CLAIM_SECONDS = 15;
const CLAIM_EVERY_MS = 5_000;

export interface Writer {
  /** The same after a restart. */
  readonly id: string;
  /** As others hear it who come second. */
  readonly name: string;
}

const claimed = z.strictObject({ size: z.int().nonnegative() });

export class Claim {
  private renewing: NodeJS.Timeout | undefined;

  /** @param onTaken makes the error of a log that another one has */
  constructor(
    private readonly client: TesseraClient,
    private readonly writer: Writer,
    private readonly onTaken: (why: string, hint: string) => UserError,
  ) {}

  /** @returns how many entries are durable @throws where another one has it */
  async take(): Promise<number> {
    const size = await this.ask(CLAIM_SECONDS);
    this.renewing = setInterval(() => {
      // Where Tessera does not answer the next append says so; where another one has it the log has ended by now.
      this.ask(CLAIM_SECONDS).catch(() => {});
    }, CLAIM_EVERY_MS).unref();
    return size;
  }

  async release(): Promise<void> {
    clearInterval(this.renewing);
    await this.ask(0).catch(() => {}); // It ends by itself soon.
  }

  private async ask(seconds: number): Promise<number> {
    const claim = Buffer.from(JSON.stringify({ ...this.writer, seconds }));
    const answer = await this.client.ask("POST", "writer", MAX_REASON_BYTES, claim);
    const { status, body } = answer;
    if (status === 409) {
      clearInterval(this.renewing);
      throw this.onTaken(
        `"${visible(body.toString("utf8").trim()).slice(0, 200)}" writes to it`,
        `One ledger writes to a log at a time. End that one, or wait ${CLAIM_SECONDS} seconds where it has ended without a word.`,
      );
    }
    if (status === 404)
      throw new UserError("This Tessera has no POST /writer: its program is older than this command.", {
        hint: "Build config/ledger/tessera anew.",
      });
    if (status !== 200) throw refusal("POST writer", status, body);
    const found = parsed(answer, claimed);
    if (found === undefined) throw new UserError("Tessera's answer to POST writer is none that it gives.");
    return found.size;
  }
}
