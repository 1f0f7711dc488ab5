/** The loopback proxy of one grant: its listeners, its limits, and its end, which is the grant's. */
import { chmodSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import { messageOf, reasonOf, systemCode, UserError } from "../base/errors.js";
import { nowSeconds, showTime } from "../base/time.js";
import type { AskClaims } from "../grant/ask.js";
import type { Detail } from "../trust/names.js";
import { type Credential, readCredential, x5tOf } from "./credential.js";
import { ENDED, exchange, type Line, type Passage, PLAIN, refuse } from "./exchange.js";
import { Gateway, type GatewayOptions } from "./gateway.js";
import { Guard } from "./guard.js";
import { makePrivateFolder } from "./private-folder.js";
import { Scope } from "./scope.js";
import { refuseTunnel, tunnel } from "./tunnel.js";

/** A browser opens six to a host; a script that opens more waits. */
const MAX_CONNECTIONS = 64;
/** Milliseconds that a client may take for its request's headers. */
const HEADERS_MS = 15_000;
const MAX_REQUEST_HEADERS = 32 * 1024;
/** How often it is looked whether the grant is still held; its end by the clock is judged at each request as well. */
const LOOK_MS = 250;

/** For the answer that says so to reach its client. */
const LAST_ANSWER_MS = 200;

/** By the clock; `glassgate return`; a gateway that calls it expired or revoked; whoever started it. */
export type Why = "expired" | "returned" | "denied" | "stopped";

export interface ProxyOptions {
  readonly credential: Credential;
  readonly gateway?: GatewayOptions;
  /** Of 127.0.0.1; 0: any. */
  readonly port?: number;
  /** False: only the unix socket, for a client that we start ourselves. */
  readonly isOnLoopback?: boolean;
  readonly told?: (line: Line) => void;
  /** When the grant ends, where that is known to be before its `exp`: its life begins with its approvals. Seconds since 1970. */
  readonly endsAt?: number;
  /**
   * For a client that goes on after the grant's end: the port stays ours, and refuses all, until `end("stopped")`. Whoever took
   * it over would get the client's further requests.
   */
  readonly keepsPort?: boolean;
  /** False once the grant was given back. */
  readonly isHeld?: () => boolean;
  /** Seconds since 1970. */
  readonly clock?: () => number;
}

export interface RunningProxy {
  readonly claims: AskClaims;
  /** Seconds since 1970: by then it has ended. */
  readonly endsAt: number;
  readonly hosts: readonly string[];
  /** `http://glassgate:SECRET@127.0.0.1:PORT`, for scripts: a base URL, and an `http_proxy`. A secret until the end. */
  readonly url: string;
  readonly socketPath: string;
  /** For browsers, each once. A secret until it was used. */
  openingUrls(): { host: string; url: string }[];
  /** Ends all that is open, and resolves when nothing is left. */
  end(why?: Why): Promise<void>;
  /** Resolves at the end. */
  readonly ended: Promise<Why>;
}

const normal = (host: string): string => host.toLowerCase().replace(/:(?:80|443)$/, "");

/** Where a browser begins: the first path of the host that is one page. */
function startPath(details: readonly Detail[], host: string): string {
  const paths = details
    .filter(({ locations, actions }) => locations.some((one) => normal(one) === host) && actions.includes("GET"))
    .flatMap((detail) => detail.paths);
  return paths.find((path) => !path.includes("*")) ?? "/";
}

function listen(server: Server, where: { port: number; host: string } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const place = "path" in where ? where.path : `127.0.0.1:${where.port}`;
      reject(
        new UserError(`Cannot listen on ${place}: ${reasonOf(error)}.`, {
          cause: error,
          hint: systemCode(error) === "EADDRINUSE" ? "Leave --port out: a free one is found." : "Choose another place.",
        }),
      );
    });
    server.listen(where, resolve);
  });
}

/** Starts it. Throws where the grant has ended, or its key is not the one given. */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { told = () => {}, isHeld = () => true, isOnLoopback = true, keepsPort = false, clock = nowSeconds } = options;
  const { credential } = options;
  const claims = await readCredential(credential);
  const endsAt = Math.min(claims.exp, options.endsAt ?? claims.exp);
  let isOver = false;
  const left = (): number => (isOver ? 0 : endsAt - clock());
  if (left() <= 0)
    throw new UserError(`The grant has ended: ${showTime(endsAt)}, by this machine's clock.`, {
      hint: "Ask again: `glassgate ask --again GRANT`.",
      exitCode: 1,
    });
  const gateway = new Gateway(options.gateway);
  gateway.mustShow(x5tOf(claims));
  const scope = await Scope.of(claims.authorization_details);
  const hosts = [...new Set(claims.authorization_details.flatMap(({ locations }) => locations.map(normal)))];
  const sockets = new Set<Socket>();
  const servers: Server[] = [];

  /** What nobody thought of ends that one request, and is told. */
  const guarded = (stream: { destroy(): void }, answer: () => void): void => {
    try {
      answer();
    } catch (error) {
      told({ method: "", host: "", path: "", status: 500, why: messageOf(error) });
      stream.destroy();
    }
  };
  /** Of the grant and its key: there once the port is known, and dropped at the end. Nobody is served without. */
  let passage: Passage | undefined;
  const tellEnded = (method = ""): void => told({ method, host: "", path: "", ...ENDED });
  const serve = (isSocket: boolean): Server => {
    const server = createServer(
      { maxHeaderSize: MAX_REQUEST_HEADERS, headersTimeout: HEADERS_MS, requestTimeout: 0, insecureHTTPParser: false },
      (request, response) =>
        guarded(response, () => {
          if (passage !== undefined) return exchange(request, response, isSocket, passage);
          tellEnded(request.method);
          refuse(response, ENDED);
        }),
    );
    server.maxConnections = MAX_CONNECTIONS;
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    });
    server.on("upgrade", (request, socket, early) => {
      guarded(socket, () => {
        if (passage !== undefined) return tunnel(request, socket, early, passage, isSocket);
        tellEnded(request.method);
        socket.on("error", () => socket.destroy());
        refuseTunnel(socket, ENDED.status, ENDED.why);
      });
    });
    server.on("connect", (_request, socket) => {
      const lines = Object.entries(PLAIN).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.on("error", () => socket.destroy());
      socket.end(
        `HTTP/1.1 405 Method Not Allowed\r\n${lines.join("")}connection: close\r\n\r\nWrite http:// here: the proxy speaks TLS to the gateway, and adds the grant, which it cannot inside of yours.\n`,
      );
      told({ method: "CONNECT", host: "", path: "", status: 405, why: "an https:// URL: write http:// for the proxy" });
    });
    servers.push(server);
    return server;
  };

  const folder = makePrivateFolder();
  const socketPath = join(folder.path, "proxy.sock");
  let finish = (_why: Why): void => {};
  const ended = new Promise<Why>((resolve) => {
    finish = resolve;
  });
  let loopback: Server | undefined;
  /** Ends what is open of them. */
  const close = async (some: readonly Server[]): Promise<void> => {
    const closed = some.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const socket of sockets) socket.destroy();
    await Promise.all(closed);
  };
  let ending: Promise<void> | undefined;
  const end = async (why: Why = "stopped"): Promise<void> => {
    ending ??= (async () => {
      clearInterval(timer);
      isOver = true;
      passage = undefined;
      await close(servers.filter((server) => why === "stopped" || !keepsPort || server !== loopback));
      folder.remove();
      finish(why);
    })();
    await ending;
    if (why === "stopped") await close(servers);
  };
  const timer = setInterval(() => {
    if (left() <= 0) void end("expired");
    else if (!isHeld()) void end("returned");
  }, LOOK_MS);
  let guard = new Guard(hosts, 0);
  try {
    if (isOnLoopback) {
      loopback = serve(false);
      await listen(loopback, { port: options.port ?? 0, host: "127.0.0.1" });
      const address = loopback.address();
      guard = new Guard(hosts, typeof address === "object" && address !== null ? address.port : 0);
    }
    await listen(serve(true), { path: socketPath });
    chmodSync(socketPath, 0o600);
  } catch (error) {
    await end();
    throw error;
  }
  const open: Passage = {
    guard,
    scope,
    gateway,
    credential,
    startPath: (host) => startPath(claims.authorization_details, host),
    left,
    told,
    over: () => setTimeout(() => void end("denied"), LAST_ANSWER_MS).unref(),
  };
  if (ending === undefined) passage = open;
  return {
    claims,
    endsAt,
    hosts,
    url: guard.baseUrl(),
    socketPath,
    openingUrls: () => passage?.guard.openingUrls() ?? [],
    end,
    ended,
  };
}
