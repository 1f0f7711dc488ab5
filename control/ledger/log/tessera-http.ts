/** Requests to Tessera's program (config/ledger/tessera): with its tokens, bounded, and never elsewhere than to its address. */
import type { z } from "zod";
import { boundedBody, fetchFault } from "../../base/body.js";
import { UserError } from "../../base/errors.js";
import { isLoopback } from "../../base/loopback.js";
import { readPrivateText } from "../../base/private-file.js";
import { visible } from "../../base/text.js";
import { refuseLedAstray } from "../../base/way.js";
import { mustBeBound } from "../tlog/file-source.js";

const TIME_OUT_MS = 60_000;
export const MAX_REASON_BYTES = 1024;

export interface TesseraAddress {
  readonly url: string;
  /** Of `POST /add`; in a file, as `--token-file` has it. */
  readonly token: string;
  /** Of `GET`, where it wants one. */
  readonly readToken?: string | undefined;
}

/** A token from its file: one line. */
export function readToken(path: string): string {
  const token = readPrivateText(path, "the token").replace(/\r?\n$/, "");
  if (/^[\x21-\x7e]{22,4096}$/.test(token)) return token;
  throw new UserError(`${visible(path)} holds no token: one line of at least 22 characters, without spaces.`);
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

export function parsed<T>({ body }: Answer, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(body.toString("utf8"))).data;
  } catch {
    return undefined; // No JSON: the caller says so.
  }
}

function baseOf(text: string): string {
  const hint = "For example: https://tessera.example.com:8091";
  if (!URL.canParse(text)) throw new UserError(`"${visible(text)}" is no URL of a Tessera.`, { hint });
  const url = new URL(text);
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    throw new UserError("A Tessera's URL has no user, password, query or fragment.", { hint });
  const isLocal = isLoopback(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLocal))
    throw new UserError(`Over ${visible(text)} the token and the entries would travel in clear.`, { hint });
  refuseLedAstray(url, "the token and the entries");
  return url.href.replace(/\/*$/, "/");
}

export class TesseraClient {
  private readonly base: string;

  constructor(private readonly address: TesseraAddress) {
    this.base = baseOf(address.url);
  }

  /** A file of the log; undefined where there is none. */
  async file(path: string): Promise<Buffer | undefined> {
    const { status, body } = await this.ask("GET", path, mustBeBound(path));
    if (status === 404) return undefined;
    if (status !== 200) throw refusal(`GET ${path}`, status, body);
    return body;
  }

  async ask(
    method: string,
    path: string,
    bound: number,
    sent?: Buffer,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const { token, readToken: reading } = this.address;
    const bearer = method === "GET" ? reading : token;
    const name = `${method} ${this.base}${path}`;
    let body: Buffer | undefined;
    let response: Response;
    try {
      response = await fetch(this.base + path, {
        method,
        redirect: "manual",
        signal: AbortSignal.timeout(TIME_OUT_MS),
        headers: { ...more, ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) },
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
}

export function refusal(what: string, status: number, body: Buffer): UserError {
  const reason =
    status < 300 || status > 399 ? visible(body.toString("utf8").trim()).slice(0, 200) : "it leads elsewhere";
  return new UserError(`Tessera answers ${status} to ${what}: ${reason}.`, {
    hint: status === 401 ? "Check the token, and that its file is the one that Tessera has." : "See what it prints.",
  });
}
