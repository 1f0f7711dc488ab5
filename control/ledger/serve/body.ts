/** A request's body within a bound, also of what it inflates to. */
import type { IncomingMessage } from "node:http";
import { createGunzip } from "node:zlib";
import { Refused } from "./answer.js";

export const MAX_BODY_BYTES = 4 * 1024 * 1024;

const tooLarge = (): Refused =>
  new Refused(413, `The body is larger than ${MAX_BODY_BYTES / 1024 / 1024} MiB: send less at once.`, {
    connection: "close",
  });

/** @param count is told of each chunk that came over the wire @throws Refused (413, 415, 400) */
export function readBody(
  request: IncomingMessage,
  count: (bytes: number) => void = () => {},
  max = MAX_BODY_BYTES,
): Promise<Buffer> {
  // Its old name as well (RFC 9110, section 8.4.1.3).
  const coding = (request.headers["content-encoding"] ?? "identity")
    .trim()
    .toLowerCase()
    .replace(/^x-gzip$/, "gzip");
  if (coding !== "identity" && coding !== "gzip")
    return Promise.reject(new Refused(415, "Only gzip is a content coding here.", { connection: "close" }));
  if (Number(request.headers["content-length"] ?? 0) > max) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let raw = 0;
    let size = 0;
    const gunzip = coding === "gzip" ? createGunzip() : undefined;
    const source = gunzip ?? request;
    const fail = (error: Error): void => {
      request.removeAllListeners("data");
      request.unpipe();
      request.resume(); // What still comes is nobody's.
      gunzip?.destroy();
      reject(error);
    };
    request.on("data", (chunk: Buffer) => {
      raw += chunk.length;
      count(chunk.length);
      if (raw > max) fail(tooLarge());
    });
    if (gunzip !== undefined) request.pipe(gunzip);
    source.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > max) fail(tooLarge());
      else chunks.push(chunk);
    });
    source.on("end", () => resolve(Buffer.concat(chunks)));
    gunzip?.on("error", () => fail(new Refused(400, "The body is no gzip, or is cut.", { connection: "close" })));
    request.on("error", fail);
    request.on("close", () => {
      if (!request.complete) fail(new Refused(400, "The body breaks off."));
    });
  });
}
