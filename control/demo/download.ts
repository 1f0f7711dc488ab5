/** A download that goes on for as long as it is let: what a client sees of a stream that is cut. */
import { request } from "node:http";

export interface Download {
  readonly status: number;
  /** What came first. */
  readonly beginning: string;
  readonly end: Promise<DownloadEnd>;
}

/** Cut in the middle, ended in order, or given up by ourselves. */
export type DownloadEnd = "cut" | "whole" | "not cut";

const PATIENCE_MS = 60_000;

export function startDownload(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Download> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path, headers, setHost: false, agent: false }, (incoming) => {
      let isOurs = false;
      const patience = setTimeout(() => {
        isOurs = true;
        outgoing.destroy();
      }, PATIENCE_MS);
      const end = new Promise<DownloadEnd>((done) => {
        incoming.once("close", () => {
          clearTimeout(patience);
          done(isOurs ? "not cut" : incoming.complete ? "whole" : "cut");
        });
      });
      incoming.setEncoding("utf8");
      incoming.once("data", (beginning: string) => resolve({ status: incoming.statusCode ?? 0, beginning, end }));
      incoming.once("end", () => resolve({ status: incoming.statusCode ?? 0, beginning: "", end }));
      incoming.on("error", reject); // Of one that has begun, `close` tells.
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}
