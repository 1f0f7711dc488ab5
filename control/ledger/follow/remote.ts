/** Handing in at another ledger over HTTP: until it says that all is durable, however long that takes. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { z } from "zod";
import { messageOf, UserError } from "../../base/errors.js";
import { readPrivateText } from "../../base/private-file.js";
import { stoppingMany } from "../../base/stopping.js";
import { visible } from "../../base/text.js";
import { readTls } from "../certificates.js";
import type { AgentConfig } from "../config.js";
import { encodeFrame } from "../frame.js";
import type { Received } from "../intake.js";
import { type Sink, SinkStopped } from "./follower.js";

/** A body has 4 MiB at most, and base64 takes a third more. */
const FRAME_BYTES = 2 * 1024 * 1024;
const FRAME_ITEMS = 1024;
/** Without a byte; and for the whole answer once all is sent. */
const TIMEOUT_MS = 60_000;
const LAST_ANSWER_MS = 5000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 60_000;
/** However long a ledger asks for. */
const LONGEST_RETRY_AFTER_MS = 600_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])$/;

/** The place to send to, refused where what is sent could be read or changed on the way. */
function checkedUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL("/v1/follow", text);
  } catch (error) {
    throw new UserError(`"${visible(text)}" is no URL.`, { cause: error, hint: "Write https://ledger.example.com." });
  }
  if (url.username !== "" || url.password !== "")
    throw new UserError("The ledger's URL holds a credential.", { hint: "Put the token into a file, and name that." });
  if (url.protocol === "http:" && LOOPBACK.test(url.hostname)) return url;
  if (url.protocol !== "https:")
    throw new UserError("The records would travel in clear.", { hint: "Use an https:// URL." });
  if (process.env.NODE_TLS_REJECT_UNAUTHORIZED === "0")
    throw new UserError(
      "NODE_TLS_REJECT_UNAUTHORIZED=0 has no certificate verified: anybody on the way would get the records and the token.",
      { hint: "Unset it. `ca` in the configuration names an authority to trust." },
    );
  return url;
}

export function tokenIn(file: string): string {
  const token = readPrivateText(file, "the token", "`glassgate ledger token NAME` prints one, once.").trim();
  if (/^[\x21-\x7e]{16,256}$/.test(token)) return token;
  throw new UserError(`${visible(file)} holds no token.`, {
    hint: "It is one line, as `glassgate ledger token NAME` printed it.",
  });
}

interface Answer {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly why: string;
  /** How many it says that it took. */
  readonly taken: number | undefined;
}

const answerSchema = z.object({
  title: z.string().optional().catch(undefined),
  taken: z.int().optional().catch(undefined),
});

function bodyOf(text: string): Pick<Answer, "why" | "taken"> {
  try {
    const { title = "", taken } = answerSchema.parse(JSON.parse(text));
    return { why: visible(title.slice(0, 300)), taken };
  } catch {
    return { why: "", taken: undefined }; // Another kind of answer: its status says enough.
  }
}

/** Jitter, so that a fleet does not come back in one moment. */
const waitMs = (tries: number, firstMs: number): number =>
  (0.5 + Math.random() / 2) * Math.min(LONGEST_WAIT_MS, firstMs * 2 ** Math.min(tries, 16));

/** Who this is, and whom it trusts. @throws UserError */
function shownBy({ token_file, ...files }: AgentConfig["to"]): RequestOptions {
  const credentials = readTls(files, "the client's");
  const token = token_file === undefined ? {} : { authorization: `Bearer ${tokenIn(token_file)}` };
  return { headers: { "content-type": "application/json", ...token }, ...credentials };
}

export class RemoteLedger {
  private readonly url: URL;
  private shown: RequestOptions;
  private readonly stopping = stoppingMany();
  private readonly cutting = stoppingMany();
  private isAway = false;

  /** @param say a sentence for the person */
  constructor(
    private readonly to: AgentConfig["to"],
    private readonly say: (sentence: string) => void,
    private readonly firstWaitMs = FIRST_WAIT_MS,
  ) {
    this.url = checkedUrl(to.url);
    this.shown = shownBy(to);
  }

  readonly sink: Sink = async (received) => {
    let frame: Received[] = [];
    let bytes = 0;
    for (const one of received) {
      if (frame.length > 0 && (frame.length === FRAME_ITEMS || bytes + one.bytes.length > FRAME_BYTES)) {
        await this.deliver(frame);
        frame = [];
        bytes = 0;
      }
      frame.push(one);
      bytes += one.bytes.length;
    }
    if (frame.length > 0) await this.deliver(frame);
  };

  /** Waits for no ledger that is away; for an answer a little. */
  stop(): void {
    this.stopping.abort();
    setTimeout(() => this.cutting.abort(), LAST_ANSWER_MS).unref();
  }

  private async deliver(frame: readonly Received[]): Promise<void> {
    const body = encodeFrame(frame);
    for (let tries = 0; ; tries++) {
      const answer = await this.post(body);
      // Something on the way may say 200 to everything: only a ledger says how many it took.
      const isTaken = answer?.status === 200 && answer.taken === frame.length;
      if (this.stopping.signal.aborted && !isTaken) throw new SinkStopped();
      if (isTaken) {
        if (this.isAway) this.say(`The ledger ${this.url.host} takes records again.`);
        this.isAway = false;
        return;
      }
      if (!this.isAway) this.say(this.sentence(answer));
      this.isAway = true;
      await this.pause(
        Math.max(waitMs(tries, this.firstWaitMs), Math.min(answer?.retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS)),
      );
      this.renew();
    }
  }

  /** Tokens and certificates are exchanged while an agent runs: after a fault the files are read anew. */
  private renew(): void {
    try {
      this.shown = shownBy(this.to);
    } catch (error) {
      if (!(error instanceof UserError)) throw error; // Gone, or half exchanged: what is known goes on.
    }
  }

  private sentence(answer: Answer | undefined): string {
    const after = "It is tried again for as long as it takes; the position stays where it is.";
    if (answer === undefined) return `The ledger ${this.url.host} does not answer: ${this.fault}. ${after}`;
    if (answer.status >= 300 && answer.status < 400)
      return `The ledger ${this.url.host} answers with a redirect (${answer.status}), which is not followed. ${after}`;
    if (answer.status === 200)
      return `What answers at ${this.url.host} is no ledger, or does not take all that it is sent: it does not say how many entries are durable. ${after}`;
    return `The ledger ${this.url.host} answers ${answer.status}${answer.why === "" ? "" : `: ${answer.why}`}. ${after}`;
  }

  private fault = "";

  /** Undefined where there was no whole answer. */
  private post(body: Buffer): Promise<Answer | undefined> {
    return new Promise((resolve) => {
      const fail = (error: unknown): void => {
        this.fault = visible(messageOf(error)).slice(0, 200);
        resolve(undefined);
      };
      const send = this.url.protocol === "https:" ? httpsRequest : httpRequest;
      const { headers, ...shown } = this.shown;
      const options = {
        ...shown,
        method: "POST",
        headers: { ...headers, "content-length": body.length },
        rejectUnauthorized: true,
        signal: this.cutting.signal,
        timeout: TIMEOUT_MS,
      };
      const outgoing = send(this.url, options, (incoming) => this.read(incoming, resolve, fail));
      outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
      outgoing.on("error", fail);
      outgoing.on("finish", () => {
        const slow = (): void => void outgoing.destroy(new Error(`no whole answer within ${TIMEOUT_MS / 1000} s`));
        const timer = setTimeout(slow, TIMEOUT_MS).unref();
        outgoing.on("close", () => clearTimeout(timer));
      });
      outgoing.end(body);
    });
  }

  private read(incoming: IncomingMessage, resolve: (answer: Answer) => void, fail: (error: unknown) => void): void {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) incoming.destroy(new Error("its answer is too long"));
      else chunks.push(chunk);
    });
    incoming.on("error", fail);
    incoming.on("end", () => {
      const seconds = Number(incoming.headers["retry-after"]);
      resolve({
        status: incoming.statusCode ?? 0,
        retryAfterMs: Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined,
        ...bodyOf(Buffer.concat(chunks).toString("utf8")),
      });
    });
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const { signal } = this.stopping;
      if (signal.aborted) throw new SinkStopped();
      const stop = (): void => {
        clearTimeout(timer);
        reject(new SinkStopped());
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", stop);
        resolve();
      }, milliseconds);
      signal.addEventListener("abort", stop, { once: true });
    });
  }
}
