/** One signed request to a store: bounded in time and bytes, tried again where that can help, never led elsewhere. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { AwsClient } from "aws4fetch";
import { boundedBody, fetchFault } from "../../base/body.js";
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { CredentialSource } from "./credentials.js";

export interface Patience {
  readonly attempts: number;
  /** Between the first two attempts at most; then twice that, and so on. */
  readonly pauseMs: number;
  readonly maxPauseMs: number;
  /** For one attempt with a small body. */
  readonly timeoutMs: number;
}

export const PATIENCE: Patience = { attempts: 6, pauseMs: 250, maxPauseMs: 15_000, timeoutMs: 60_000 };
/** What a slow line must still carry in a second. */
const LEAST_BYTES_A_SECOND = 64 * 1024;
/** An answer that is an error; only its code is looked at. */
const MAX_ERROR_BYTES = 16 * 1024;

export interface Asked {
  readonly method: "GET" | "HEAD" | "PUT" | "DELETE";
  readonly url: string;
  /** For people. */
  readonly name: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** Of the answer's body. */
  readonly bound?: number;
  /** Statuses that are answers; every other one is an error, or a reason to try again. */
  readonly answers: readonly number[];
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** The store is away, or has too much to do: the same again may succeed later. */
export class StoreAway extends UserError {}

/** Conflict: two conditional writes at once, of which AWS lets neither know the outcome. */
const AGAIN = new Set([408, 409, 425, 429, 500, 502, 503, 504]);

/** The `Code` of S3's error document; its message may repeat what was signed, and is not read. */
const codeOf = (body: Buffer): string => /<Code>([A-Za-z0-9.]{1,64})<\/Code>/.exec(body.toString("latin1"))?.[1] ?? "";

const HINTS: Readonly<Record<string, string>> = {
  AccessDenied:
    "These keys may not do that. They need s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket under the prefix.",
  NoSuchBucket: "Make the bucket first, or check --to and --endpoint.",
  RequestTimeTooSkewed: "This machine's clock is wrong.",
  SignatureDoesNotMatch: "The secret key is another one, or --region is not the store's.",
  InvalidAccessKeyId: "The store does not know this key: check --endpoint and the keys.",
  ExpiredToken: "The keys have ended: get new ones.",
  NotImplemented: "It knows no conditional writes: take a store that does.",
  AuthorizationHeaderMalformed: "Name the store's region with --region.",
};

function refusal({ method, name }: Asked, status: number, code: string): UserError {
  const what = `${method} ${visible(name)}`;
  if (status >= 300 && status < 400)
    return new UserError(`The store leads elsewhere (${status}): ${what}. That is not followed.`, {
      hint: "Name the region's own address with --endpoint, and --region.",
    });
  return new UserError(`The store answers ${[status, code].filter(Boolean).join(" ")}: ${what}.`, {
    hint: HINTS[code] ?? (status === 403 ? (HINTS.AccessDenied ?? "") : "Check --to and --endpoint."),
  });
}

/** Seconds that the store itself names, in milliseconds. */
function retryAfter(headers: Headers): number {
  const text = headers.get("retry-after") ?? "";
  return /^[0-9]{1,4}$/.test(text) ? Number(text) * 1000 : 0;
}

export class Requester {
  /** Of the derived signing keys. */
  private readonly cache = new Map<string, ArrayBuffer>();

  constructor(
    private readonly credentials: CredentialSource,
    private readonly region: string,
    private readonly patience: Patience = PATIENCE,
  ) {}

  async ask(asked: Asked): Promise<Answer> {
    let isRefused = false;
    for (let attempt = 1; ; attempt++) {
      const tried = await this.attempt(asked, isRefused);
      if ("status" in tried) {
        if (asked.answers.includes(tried.status)) return tried;
        // Keys of a role end; the source may have others by now.
        const mayHelp = tried.status === 403 && !isRefused && attempt < this.patience.attempts;
        if (!mayHelp && !AGAIN.has(tried.status)) throw refusal(asked, tried.status, codeOf(tried.body));
        isRefused = tried.status === 403;
      }
      if (attempt >= this.patience.attempts) {
        const why = "status" in tried ? `it answers ${tried.status}` : tried.why;
        const at = visible(new URL(asked.url).origin);
        throw new StoreAway(`The store at ${at} cannot be used: ${asked.method} ${visible(asked.name)}: ${why}.`, {
          hint: `Is it up, and is ${at} its address (--endpoint)? Run it again then: what is there already is not sent again.`,
        });
      }
      const longest = Math.min(this.patience.pauseMs * 2 ** (attempt - 1), this.patience.maxPauseMs);
      const asTold = "status" in tried ? Math.min(retryAfter(tried.headers), this.patience.maxPauseMs) : 0;
      await sleep(Math.max(asTold, longest * (0.5 + Math.random() / 2)));
    }
  }

  private async attempt(asked: Asked, isRefused: boolean): Promise<Answer | { why: string }> {
    const { method, url, headers = {}, body, answers } = asked;
    const { accessKeyId, secretAccessKey, sessionToken } = await this.credentials.get(isRefused);
    const client = new AwsClient({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      service: "s3",
      region: this.region,
      cache: this.cache,
    });
    const sha256 = createHash("sha256")
      .update(body ?? "")
      .digest("hex");
    const signed = await client.sign(url, {
      method,
      headers: { ...headers, "x-amz-content-sha256": sha256 },
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    });
    const bytes = Math.max(body?.length ?? 0, asked.bound ?? 0);
    const seconds = Math.ceil(bytes / LEAST_BYTES_A_SECOND);
    const signal = AbortSignal.timeout(this.patience.timeoutMs + seconds * 1000);
    try {
      const response = await fetch(signed, { redirect: "manual", signal });
      const bound = answers.includes(response.status) ? (asked.bound ?? MAX_ERROR_BYTES) : MAX_ERROR_BYTES;
      const found = await boundedBody(response, bound);
      if (found !== undefined) return { status: response.status, headers: response.headers, body: found };
    } catch (error) {
      return { why: visible(fetchFault(error)) };
    }
    throw new UserError(`The store's answer is larger than it can be: ${method} ${visible(asked.name)}.`, {
      exitCode: 1,
      hint: "What stands there is not the log's, or this is no object store.",
    });
  }
}
