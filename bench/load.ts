/** A load of keep-alive HTTP/1.1 requests, pipelined on raw sockets so that the client costs little, and the CPU that Envoy spent on it. */
import { readFileSync } from "node:fs";
import { createConnection } from "node:net";

/** User and system CPU of the process so far, in microseconds (proc(5), stat fields 14 and 15, at 100 ticks a second). */
export function cpuMicroseconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  /** Answers by status. */
  readonly statuses: ReadonlyMap<number, number>;
}

/** Sends `requests` on `connections` sockets, one request in flight on each. */
export function load(
  port: number,
  requests: number,
  connections: number,
  headers: (i: number) => Readonly<Record<string, string>>,
): Promise<LoadResult> {
  const statuses = new Map<number, number>();
  let next = 0;
  const started = performance.now();
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = createConnection({ port, host: "127.0.0.1", noDelay: true });
      let buffer = "";
      const sendNext = (): void => {
        if (next >= requests) {
          socket.end();
          resolve();
          return;
        }
        const lines = Object.entries(headers(next++)).map(([name, value]) => `${name}: ${value}\r\n`);
        socket.write(`GET /orders/7 HTTP/1.1\r\nhost: api.example.com\r\n${lines.join("")}\r\n`);
      };
      socket.setEncoding("latin1");
      socket.on("connect", sendNext);
      socket.on("error", reject);
      socket.on("data", (chunk: string) => {
        buffer += chunk;
        const head = buffer.indexOf("\r\n\r\n");
        if (head < 0) return;
        const length = Number(/content-length: (\d+)/i.exec(buffer)?.[1] ?? 0);
        if (buffer.length < head + 4 + length) return;
        const status = Number(buffer.slice(9, 12));
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        buffer = "";
        sendNext();
      });
    });
  return Promise.all(Array.from({ length: connections }, one)).then(() => ({
    requests,
    seconds: (performance.now() - started) / 1000,
    statuses,
  }));
}
