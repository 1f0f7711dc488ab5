/** A plain HTTP/1.1 client for demonstration and tests: it sends just what it is told, also a Host of its own or a header twice. */
import { Agent, request as httpRequest } from "node:http";

export interface SentRequest {
  readonly port: number;
  readonly method?: string;
  /** As sent, never normalised. */
  readonly path: string;
  readonly host?: string;
  /** A list sends one line each. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly agent?: Agent;
  /** The address to send from. */
  readonly from?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Rejects when the connection breaks: a dropped request is an error, never an answer. */
export function send(request: SentRequest): Promise<Answer> {
  const { port, method = "GET", path, host = "api.example.com", headers = {}, agent, from } = request;
  const lines: Record<string, string | string[]> = { host };
  for (const [name, value] of Object.entries(headers)) lines[name] = typeof value === "string" ? value : [...value];
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        host: "127.0.0.1",
        port,
        method,
        path,
        headers: lines,
        setHost: false,
        ...(agent === undefined ? {} : { agent }),
        ...(from === undefined ? {} : { localAddress: from }),
      },
      (incoming) => {
        let body = "";
        incoming.setEncoding("utf8");
        incoming.on("data", (chunk: string) => {
          body += chunk;
        });
        incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }));
        incoming.on("error", reject);
      },
    );
    outgoing.setTimeout(30_000, () => outgoing.destroy(new Error("no answer within 30 s")));
    outgoing.on("error", reject);
    outgoing.end();
  });
}

/** Connections that stay open, at most `sockets` at a time. */
export const keepAlive = (sockets: number): Agent => new Agent({ keepAlive: true, maxSockets: sockets });
