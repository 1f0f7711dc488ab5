/** Bytes over a socket as they are, and a gateway that tells what reached it. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { connect } from "node:net";
import { completeGrant, makeAsk } from "../../control/grant/make.js";
import { newKey, type PrivateKey } from "../../control/signer/jwk.js";
import type { Detail } from "../../control/trust/names.js";

/** The first answer's status and all that came, until the other side closed, or until `isEnough`. */
export function raw(
  where: number | string,
  lines: readonly string[],
  body = "",
  isEnough: (text: string) => boolean = () => false,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const socket = typeof where === "number" ? connect(where, "127.0.0.1") : connect(where);
    let text = "";
    const done = (): void => resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text });
    socket.on("connect", () => socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`));
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (isEnough(text)) socket.destroy();
    });
    socket.on("close", done);
    socket.on("error", (error) => ("code" in error && error.code === "ECONNRESET" ? done() : reject(error)));
  });
}

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export interface Stub {
  readonly port: number;
  readonly url: string;
  readonly seen: Seen[];
  stop(): Promise<void>;
}

/** Where a gateway would be: keeps what comes, and answers. */
export async function startStub(
  answer: (
    request: IncomingMessage,
    body: string,
  ) => { status?: number; headers?: Record<string, string | string[]>; body?: string } = () => ({}),
): Promise<Stub & { server: Server }> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString("latin1");
    });
    request.on("end", () => {
      if (response.headersSent) return; // Another listener answers.
      seen.push({ method: request.method ?? "", url: request.url ?? "", rawHeaders: request.rawHeaders, body });
      const { status = 200, headers = {}, body: text = "from the upstream" } = answer(request, body);
      response.writeHead(status, headers).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    server,
    port,
    url: `http://127.0.0.1:${port}`,
    seen,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

export const detail = (changes: Partial<Detail> = {}): Detail => ({
  type: "break_glass_http",
  locations: ["api.example.com"],
  actions: ["GET", "POST"],
  paths: ["/orders/*", "/start"],
  ...changes,
});

/** A grant as it looks, of a requester whom no gateway knows: for what the proxy does before any gateway is asked. */
export async function looseGrant(
  details: Detail[] = [detail()],
  changes: { ttl?: number; net?: string[]; cnf?: { jkt: string } | { "x5t#S256": string } } = {},
  requester: PrivateKey = newKey("Ed25519"),
): Promise<string> {
  const { ttl = 600, ...rest } = changes;
  const ask = await makeAsk(
    {
      ttl,
      iat: Math.floor(Date.now() / 1000),
      sub: "rita",
      aud: "production",
      ent: "orders-repair",
      reason: "outage",
      text: "refund loop",
      authorization_details: details,
      ...rest,
    },
    requester,
  );
  return completeGrant(ask, [], requester);
}
