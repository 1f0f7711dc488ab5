/** HTTP/1.1 byte for byte: a client that sends what it is told, and an upstream that keeps each line as it came. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { connect } from "node:net";

export type Line = readonly [name: string, value: string];

export interface RawAnswer {
  /** 0: the connection ended without an answer. */
  readonly status: number;
  readonly statusLine: string;
  readonly headers: readonly Line[];
  readonly body: string;
}

const parse = (text: string): RawAnswer => {
  const end = text.indexOf("\r\n\r\n");
  const [statusLine = "", ...lines] = text.slice(0, end < 0 ? undefined : end).split("\r\n");
  const headers = lines.map((line): Line => {
    const at = line.indexOf(":");
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
  });
  return {
    status: Number(statusLine.split(" ")[1] ?? 0),
    statusLine,
    headers,
    body: end < 0 ? "" : text.slice(end + 4),
  };
};

/** Until the other side closes, or `isEnough` of what came so far. Latin-1: a byte is a character. */
export function exchange(
  port: number,
  request: string,
  { from, isEnough = () => false }: { readonly from?: string; readonly isEnough?: (text: string) => boolean } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, ...(from === undefined ? {} : { localAddress: from }) });
    let text = "";
    socket.setTimeout(60_000, () => socket.destroy(new Error("no answer within 60 s")));
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (isEnough(text)) socket.destroy();
    });
    socket.once("error", (error) => {
      // A server that has answered and closes beside unread bytes resets the connection.
      if (text === "") reject(error);
    });
    socket.once("close", () => resolve(parse(text)));
    socket.write(Buffer.from(request, "latin1"));
  });
}

export interface RequestLines {
  readonly method?: string;
  readonly target?: string;
  readonly host?: string;
  readonly lines?: readonly Line[];
}

export const requestText = ({
  method = "GET",
  target = "/orders/7",
  host = "api.example.com",
  lines = [],
}: RequestLines): string =>
  [
    `${method} ${target} HTTP/1.1`,
    ...[["Host", host], ["Connection", "close"], ...lines].map(([n, v]) => `${n}: ${v}`),
    "",
    "",
  ].join("\r\n");

export interface ReceivedLines {
  readonly method: string;
  readonly target: string;
  readonly lines: readonly Line[];
  readonly body: string;
}

export interface RawUpstream {
  readonly port: number;
  take(): ReceivedLines[];
  stop(): Promise<void>;
}

/** Answers 200, after `x-delay-ms`, and 101 to an upgrade. */
export async function startRawUpstream(): Promise<RawUpstream> {
  let received: ReceivedLines[] = [];
  const keep = (request: IncomingMessage, body: string): void => {
    const lines = request.rawHeaders.flatMap((name, i): Line[] =>
      i % 2 === 0 ? [[name.toLowerCase(), request.rawHeaders[i + 1] ?? ""]] : [],
    );
    received.push({ method: request.method ?? "", target: request.url ?? "", lines, body });
  };
  const server: Server = createServer({ maxHeaderSize: 1 << 20 }, (request, response) => {
    let body = "";
    request.setEncoding("latin1");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.once("end", () => {
      keep(request, body);
      setTimeout(() => response.end("reached\n"), Number(request.headers["x-delay-ms"] ?? 0));
    });
  });
  server.maxHeadersCount = 0;
  server.keepAliveTimeout = 0;
  server.on("upgrade", (request, socket) => {
    keep(request, "");
    socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
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
