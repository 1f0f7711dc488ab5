/** A small upstream that answers with what it received, as JSON: for the demonstration and the tests. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import { messageOf, systemCode, UserError } from "../base/errors.js";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export interface Upstream {
  readonly port: number;
  /** Every request since the last call, oldest first. */
  take(): Received[];
  stop(): Promise<void>;
}

/**
 * `x-delay-ms` of a request delays its answer; `x-drip-ms` has it go on for ever, with an empty line each so many milliseconds.
 * @param wanted a port of loopback; 0: any
 */
export async function startUpstream(wanted = 0): Promise<Upstream> {
  let received: Received[] = [];
  const server = createServer((request, response) => {
    const seen = { method: request.method ?? "", path: request.url ?? "", headers: request.headers };
    if (received.length < 100_000) received.push(seen);
    request.resume();
    const delay = Math.min(Number(request.headers["x-delay-ms"] ?? 0), 60_000);
    const drip = Number(request.headers["x-drip-ms"] ?? 0);
    const answer = (): void => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write(`${JSON.stringify(seen)}\n`);
      if (!(drip > 0)) {
        response.end();
        return;
      }
      const dripping = setInterval(() => response.write("\n"), drip);
      response.once("close", () => clearInterval(dripping));
    };
    if (delay > 0) setTimeout(answer, delay);
    else answer();
  });
  // Never: a gateway that reuses a connection just as it is closed would answer 503.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      const reason = systemCode(error) === "EADDRINUSE" ? "another process has this port" : messageOf(error);
      reject(
        new UserError(`The demo upstream cannot listen on 127.0.0.1:${wanted}: ${reason}.`, {
          cause: error,
          hint: "Is your own upstream there already? Then leave --demo-upstream out; else render with another --upstream.",
        }),
      );
    });
    server.listen(wanted, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    port,
    take: () => {
      const taken = received;
      received = [];
      return taken;
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
