/** Streams that stay open, through a real gateway: a WebSocket, gRPC in both directions, a long download, a slow upload. */
import { createServer, request as httpRequest } from "node:http";
import { type ClientHttp2Session, connect, createServer as createHttp2Server } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { parseDocument } from "yaml";

export const KINDS = ["websocket", "grpc", "download", "upload"] as const;
export type Kind = (typeof KINDS)[number];

const BEAT_MS = 50;

const portOf = (server: { address(): AddressInfo | string | null }): number => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
};

export interface StreamUpstream {
  readonly port: number;
  readonly http2Port: number;
  stop(): Promise<void>;
}

/** Echoes WebSockets and gRPC, downloads for ever, and answers an upload when it has ended. */
export async function startStreamUpstream(): Promise<StreamUpstream> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    if (request.method === "POST") {
      request.on("end", () => response.end("taken"));
      request.on("error", () => response.destroy());
      request.resume();
      return;
    }
    if (request.url?.startsWith("/orders/download") !== true) {
      response.end("short");
      return;
    }
    response.writeHead(200, { "content-type": "application/octet-stream" });
    const beat = setInterval(() => response.write("a piece of it\n"), BEAT_MS);
    response.write("the first piece\n");
    response.on("close", () => clearInterval(beat));
    response.on("error", () => clearInterval(beat));
  });
  server.keepAliveTimeout = 0;
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  });
  server.on("upgrade", (_request, socket) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });
  const http2 = createHttp2Server();
  const sessions = new Set<{ destroy(): void }>();
  http2.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => session.destroy());
  });
  http2.on("stream", (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.on("error", () => stream.destroy());
    stream.pipe(stream);
  });
  await Promise.all([server, http2].map((one) => new Promise<void>((resolve) => one.listen(0, "127.0.0.1", resolve))));
  return {
    port: portOf(server),
    http2Port: portOf(http2),
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      for (const session of sessions) session.destroy();
      await Promise.all([server, http2].map((one) => new Promise((resolve) => one.close(resolve))));
    },
  };
}

/** The rendered gateway with what streams need: upgrades, and an upstream that speaks HTTP/2 for gRPC. */
export const withStreams =
  (http2Port: number) =>
  (config: string): string => {
    const document = parseDocument(config);
    const at = ["static_resources", "listeners", 0, "filter_chains", 0, "filters", 0, "typed_config"];
    const set = (path: readonly (string | number)[], value: unknown): void =>
      document.setIn([...at, ...path], document.createNode(value));
    set(["stream_idle_timeout"], "0s");
    set(["upgrade_configs"], [{ upgrade_type: "websocket" }]);
    document.addIn(
      [...at, "route_config", "virtual_hosts", 0, "routes"],
      document.createNode({ match: { prefix: "/" }, route: { cluster: "upstream", timeout: "0s" } }),
    );
    set(["route_config", "virtual_hosts", 0, "routes", 0], {
      match: { prefix: "/orders/grpc" },
      route: { cluster: "grpc", timeout: "0s" },
    });
    const manyRequests = {
      thresholds: [{ max_connections: 100_000, max_pending_requests: 100_000, max_requests: 100_000 }],
    };
    document.setIn(["static_resources", "clusters", 0, "circuit_breakers"], document.createNode(manyRequests));
    document.addIn(
      ["static_resources", "clusters"],
      document.createNode({
        name: "grpc",
        type: "STATIC",
        connect_timeout: "2s",
        circuit_breakers: manyRequests,
        typed_extension_protocol_options: {
          "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            explicit_http_config: { http2_protocol_options: {} },
          },
        },
        load_assignment: {
          cluster_name: "grpc",
          endpoints: [
            {
              lb_endpoints: [
                { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: http2Port } } } },
              ],
            },
          ],
        },
      }),
    );
    return document.toString({ lineWidth: 0 });
  };

export interface End {
  /** Of an answer that the client got whole: an upload's. */
  readonly status?: number;
  readonly body?: string;
  /** gRPC: how the stream was reset. */
  readonly rstCode?: number;
}

/** It was not opened: what was answered instead. */
export class Denied extends Error {
  constructor(
    readonly status: number,
    readonly grpcStatus?: string,
  ) {
    super(grpcStatus === undefined ? `denied: ${status}` : `denied: ${status}, grpc-status ${grpcStatus}`);
  }
}

export interface OpenStream {
  readonly kind: Kind;
  readonly path: string;
  /** How it ended, once it has. */
  readonly end: Promise<End>;
  /** Resolves when more has gone through since the call; rejects when it has ended. */
  flows(): Promise<void>;
  /** The client goes away. */
  close(): void;
}

/** Waits for news of a stream: each thing that goes through, or its end. */
class News {
  private ended = false;
  private waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  readonly end: Promise<End>;
  private tell: (end: End) => void = () => {};

  constructor(private readonly path: string) {
    this.end = new Promise((resolve) => {
      this.tell = resolve;
    });
  }

  flow(): void {
    for (const { resolve } of this.waiting.splice(0)) resolve();
  }

  finish(end: End): void {
    this.ended = true;
    this.tell(end);
    for (const { reject } of this.waiting.splice(0)) reject(new Error(`${this.path} has ended`));
  }

  next(): Promise<void> {
    if (this.ended) return Promise.reject(new Error(`${this.path} has ended`));
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }
}

export type Opener = (port: number, path: string, headers: Readonly<Record<string, string>>) => Promise<OpenStream>;

const HOST = "api.example.com";

const websocket: Opener = (port, path, headers) =>
  new Promise((resolve, reject) => {
    const request = httpRequest({
      ...{ host: "127.0.0.1", port, path, setHost: false },
      headers: {
        ...{ host: HOST, connection: "Upgrade", upgrade: "websocket" },
        ...{ "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", ...headers },
      },
    });
    request.on("upgrade", (_response, socket) => {
      const news = new News(path);
      const beat = setInterval(() => socket.write("beat"), BEAT_MS);
      socket.on("data", () => news.flow());
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        clearInterval(beat);
        news.finish({});
      });
      resolve({
        kind: "websocket",
        path,
        end: news.end,
        flows: () => news.next(),
        close: () => socket.destroy(),
      });
    });
    request.on("response", (response) => {
      reject(new Denied(response.statusCode ?? 0));
      request.destroy();
    });
    request.on("error", reject);
    request.end();
  });

const download: Opener = (port, path, headers) =>
  new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port, path, setHost: false, headers: { host: HOST, ...headers } });
    request.on("response", (response) => {
      if (response.statusCode !== 200) {
        reject(new Denied(response.statusCode ?? 0));
        request.destroy();
        return;
      }
      const news = new News(path);
      response.on("data", () => news.flow());
      response.on("error", () => {}); // Cut in the middle: the close below tells.
      response.on("close", () => news.finish(response.complete ? { status: 200 } : {}));
      resolve({ kind: "download", path, end: news.end, flows: () => news.next(), close: () => request.destroy() });
    });
    request.on("error", reject);
    request.end();
  });

/** Whether the request got through the filter shows only at its end: the pieces go on meanwhile. */
const upload: Opener = async (port, path, headers) => {
  const news = new News(path);
  const request = httpRequest({
    ...{ host: "127.0.0.1", port, path, method: "POST", setHost: false },
    headers: { host: HOST, "transfer-encoding": "chunked", ...headers },
  });
  const beat = setInterval(() => request.write("a piece of it\n", () => news.flow()), BEAT_MS);
  request.on("response", (response) => {
    let body = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      body += chunk;
    });
    response.on("close", () => {
      clearInterval(beat);
      news.finish({ status: response.statusCode ?? 0, body });
      request.destroy();
    });
  });
  request.on("error", () => {
    clearInterval(beat);
    news.finish({});
  });
  request.on("close", () => clearInterval(beat));
  request.write("the first piece\n");
  return { kind: "upload", path, end: news.end, flows: () => news.next(), close: () => request.destroy() };
};

/** On a connection of its own, or on the given one. @param isQuiet nothing goes through by itself */
export const grpcOn =
  (shared?: ClientHttp2Session, isQuiet = false): Opener =>
  (port, path, headers) =>
    new Promise((resolve, reject) => {
      const session = shared ?? connect(`http://127.0.0.1:${port}`);
      if (shared === undefined) session.on("error", reject);
      const stream = session.request({
        ...{ ":method": "POST", ":path": path, ":authority": HOST },
        ...{ "content-type": "application/grpc", te: "trailers", ...headers },
      });
      const news = new News(path);
      const beat = isQuiet ? undefined : setInterval(() => stream.write("beat"), BEAT_MS);
      stream.on("response", (response) => {
        const status = response[":status"] ?? 0;
        const grpc = response["grpc-status"];
        if (status !== 200 || grpc !== undefined) reject(new Denied(status, String(grpc)));
        else resolve({ kind: "grpc", path, end: news.end, flows: () => news.next(), close: () => stream.close() });
      });
      stream.on("data", () => news.flow());
      stream.on("error", () => {}); // A reset: the close below tells.
      stream.on("close", () => {
        clearInterval(beat);
        news.finish({ rstCode: stream.rstCode ?? 0 });
        if (shared === undefined) session.close();
      });
      stream.write("beat");
    });

export const OPENERS: Readonly<Record<Kind, Opener>> = { websocket, download, upload, grpc: grpcOn() };
