/** One answer of an admin interface over HTTP, bounded in size and time: an address that a file names may lead anywhere. */
import { get, type IncomingMessage } from "node:http";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";

export interface Page {
  readonly status: number;
  readonly text: string;
  /** Seconds since 1970 by the answer's `Date`. */
  readonly date: number | undefined;
}

/** A mesh's bootstrap has hundreds of kilobytes; what is larger than this is not looked at. */
const MAX_BYTES = 8 * 1024 * 1024;
const TIMEOUT_MS = 5000;

/** `host:port`, also `[::1]:9901`. */
export function parseAddress(address: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})$/.exec(address);
  const port = Number(match?.[2]);
  if (match?.[1] === undefined || port < 1 || port > 65_535)
    throw new UserError(`"${visible(address)}" is not an admin address.`, {
      hint: "Write host:port, for example 127.0.0.1:9901.",
    });
  return { host: match[1].replace(/^\[|\]$/g, ""), port };
}

function dateOf(answer: IncomingMessage): number | undefined {
  const milliseconds = Date.parse(answer.headers.date ?? "");
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000);
}

/** Rejects when nothing answers, or when it does not end within bounds. */
export function fetchPage(address: string, path: string): Promise<Page> {
  const { host, port } = parseAddress(address);
  return new Promise((resolve, reject) => {
    const request = get({ host, port, path, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BYTES) request.destroy(new Error("its answer is larger than 8 MiB"));
        else chunks.push(chunk);
      });
      answer.on("error", reject);
      answer.on("close", () => {
        clearTimeout(timer);
        if (!answer.complete) return reject(new Error("its answer breaks off"));
        resolve({
          status: answer.statusCode ?? 0,
          text: Buffer.concat(chunks).toString("utf8"),
          date: dateOf(answer),
        });
      });
    });
    // Of the whole answer, not of each piece: a slow one must end too.
    const timer = setTimeout(() => request.destroy(new Error("no whole answer within 5 s")), TIMEOUT_MS);
    request.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}
