/** What a request is answered: JSON, or a problem (RFC 9457). Never a word of what the request held. */
import type { ServerResponse } from "node:http";

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

export const json = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  body: `${JSON.stringify(value)}\n`,
});

/** A request that is refused for its form, its sender or its moment. @param title one sentence: what to do about it */
export class Refused extends Error {
  constructor(
    readonly status: number,
    title: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(title);
  }

  answer(): Answer {
    const type = { "content-type": "application/problem+json" };
    const { status, message: title } = this;
    return { ...json(status, { type: "about:blank", title, status }), headers: { ...type, ...this.headers } };
  }
}

export const tooMany = (seconds: number, title: string): Refused =>
  new Refused(429, title, { "retry-after": String(Math.max(1, Math.ceil(seconds))) });

export function write(response: ServerResponse, { status, headers = {}, body = "" }: Answer, isHead = false): void {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  response.writeHead(status, { "content-length": bytes.length, "x-content-type-options": "nosniff", ...headers });
  response.end(isHead ? undefined : bytes);
}
