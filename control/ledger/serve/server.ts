/** The listeners of a ledger: HTTP or HTTPS for senders and readers, and a unix socket (or mutual TLS) for receipts. */
import { chmodSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import { reasonOf, systemCode } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { addressPattern, type Listen } from "../config.js";
import type { Sender } from "../entry.js";
import { cannotListen, freeSocket, hostAndPort, listen, type Where } from "./address.js";
import { type Answer, Refused, tooMany, write } from "./answer.js";
import { Connections, networkOf, Strangers } from "./connections.js";
import { QuotaMeter } from "./quota.js";
import { answerTo, type Served } from "./routes.js";
import { Bodies, type KnownSender } from "./senders.js";
import { contentOf, renewing, tlsOptions } from "./tls.js";

/** Of one sender at once (a gateway that asks for receipts has up to 256); of one address; of all. */
const MAX_CONNECTIONS_SENDER = 320;
const MAX_CONNECTIONS_ADDRESS = 640;
const MAX_CONNECTIONS = 2048;
/** Requests of one connection that are not answered: who sends on without waiting gets no more of the memory. */
const MAX_UNANSWERED = 8;
/** A connection on which nothing moves: an answer that nobody reads, or a peer that is gone. */
const STILL_MS = 120_000;
/** After a request that is none, for the answer to get out: the other end may keep its side open for ever. */
const LAST_WORD_MS = 1000;
/** When it stops, a body that is still on its way is waited for so long. */
const LAST_BODY_MS = 10_000;
const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 30_000,
  connectionsCheckingInterval: 2000,
  insecureHTTPParser: false,
} as const;

const RENEW_MS = 30_000;

/** A sentence for the person. */
type Say = (sentence: string) => void;

export interface Listening {
  readonly address: string;
  /** Takes no more, finishes what is in flight. */
  close(): Promise<void>;
}

/** Over the unix socket: whoever may write to it is of this machine, and its permissions say who. */
const LOCAL: Sender = { sender: "local", via: "local" };
const UNBOUNDED = { entries: 1e9, bytes: 1e12 };

function local(now: () => number): KnownSender {
  const config = { name: LOCAL.sender, speaks_for: [], follows: false, reads: false, quota: UNBOUNDED };
  const meter = (): QuotaMeter => new QuotaMeter(UNBOUNDED, now);
  return { sender: LOCAL, config, quota: meter(), receipts: meter(), bodies: new Bodies() };
}

class Listener {
  private readonly bySender = new Connections();
  private readonly byAddress = new Connections();
  private readonly strangers = new Strangers();
  private readonly requests = new Set<Promise<void>>();
  private readonly unanswered = new WeakMap<Socket, number>();
  private isClosing = false;

  constructor(
    private readonly server: Server,
    private readonly served: Served,
    private readonly own: KnownSender | undefined,
    private readonly say: Say,
  ) {
    // Over the network they are counted here, as some make room for others.
    if (own !== undefined) server.maxConnections = MAX_CONNECTIONS;
    server.timeout = STILL_MS;
    server.on("connection", (socket: Socket) => this.connected(socket));
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      const { socket } = request;
      const count = (this.unanswered.get(socket) ?? 0) + 1;
      this.unanswered.set(socket, count);
      if (count > MAX_UNANSWERED) return void socket.destroy();
      response.on("close", () => this.unanswered.set(socket, (this.unanswered.get(socket) ?? 1) - 1));
      const work = this.answer(request, response);
      this.requests.add(work);
      void work.finally(() => this.requests.delete(work));
    });
    // Node's own form has no length: some clients would wait for more.
    server.on("clientError", (_error, socket) => {
      if (!socket.writable) return void socket.destroy();
      socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
      setTimeout(() => socket.destroy(), LAST_WORD_MS).unref();
    });
  }

  private connected(socket: Socket): void {
    socket.on("error", () => {}); // A peer that goes away: its request says so itself.
    const { remoteAddress } = socket;
    if (this.own !== undefined) return;
    if (remoteAddress === undefined) return void socket.destroy(); // Gone already.
    const network = networkOf(remoteAddress);
    const hasRoom = this.byAddress.size < MAX_CONNECTIONS || this.makeRoom();
    const claim = (): boolean => this.byAddress.claim(socket, network, MAX_CONNECTIONS_ADDRESS);
    if (hasRoom && (claim() || (this.makeRoom(network) && claim()))) this.strangers.add(socket, network);
    else socket.destroy();
  }

  /** Ends one that has not said whose it is. */
  private makeRoom(network?: string): boolean {
    const oldest = this.strangers.takeOldest(network);
    if (oldest === undefined) return false;
    this.byAddress.release(oldest);
    oldest.destroy();
    return true;
  }

  private identify(request: IncomingMessage): KnownSender {
    if (this.own !== undefined) return this.own;
    const known = this.served.senders.of(request, this.served.now());
    if (this.bySender.claim(request.socket, known.sender.sender, MAX_CONNECTIONS_SENDER)) {
      this.strangers.know(request.socket);
      return known;
    }
    const { status, message, headers } = tooMany(1, "This sender has too many connections open.");
    throw new Refused(status, message, { ...headers, connection: "close" });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const closing = this.isClosing ? { connection: "close" } : {};
    const done = (answer: Answer): void => {
      if (response.destroyed) return;
      // A body that nobody will read must not stand before the next request.
      const close = request.complete ? closing : { connection: "close" };
      write(response, { ...answer, headers: { ...answer.headers, ...close } }, request.method === "HEAD");
      if (!request.complete) request.resume();
    };
    try {
      done(await answerTo(request, () => this.identify(request), this.served));
    } catch (error) {
      if (error instanceof Refused) return done(error.answer());
      this.say(`A request could not be answered: ${visible(reasonOf(error))}.`);
      done(new Refused(503, "The ledger cannot take this now.", { "retry-after": "5" }).answer());
    }
  }

  async close(): Promise<void> {
    this.isClosing = true;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeIdleConnections();
    const late = setTimeout(() => this.server.closeAllConnections(), LAST_BODY_MS);
    await Promise.all(this.requests);
    clearTimeout(late);
    this.server.closeAllConnections();
    await closed;
  }
}

function addressOf(server: Server, scheme: string): string {
  const address = server.address();
  if (address === null || typeof address === "string") return address ?? "";
  return `${scheme}://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
}

/** @throws UserError where an address is taken or a file is missing; then nothing listens */
export async function startServer(
  { address, tls, receipts }: Listen,
  served: Served,
  say: Say,
  renewMs = RENEW_MS,
): Promise<{ readonly listening: readonly Listening[]; close(): Promise<void> }> {
  const started: Listening[] = [];
  const content = tls === undefined ? undefined : contentOf(tls);
  const secured: TlsServer[] = [];
  const endRenewing =
    tls === undefined || content === undefined ? undefined : renewing(tls, content, secured, say, renewMs);
  const close = async (): Promise<void> => {
    endRenewing?.();
    await Promise.all(started.map((one) => one.close()));
  };
  const open = (): Server => {
    if (content === undefined) return createServer(LIMITS);
    const server = createTlsServer({ ...LIMITS, ...tlsOptions(content) });
    secured.push(server);
    return server;
  };
  const start = async (server: Server, where: Where, name: string, own?: KnownSender): Promise<void> => {
    const listener = new Listener(server, served, own, say);
    try {
      await listen(server, where);
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
      throw cannotListen(name, error);
    }
    started.push({ address: addressOf(server, tls === undefined ? "http" : "https"), close: () => listener.close() });
  };
  try {
    await start(open(), hostAndPort(address), address);
    if (receipts !== undefined && addressPattern.test(receipts)) await start(open(), hostAndPort(receipts), receipts);
    else if (receipts !== undefined) {
      await freeSocket(receipts);
      await start(createServer(LIMITS), { path: receipts }, receipts, local(served.now));
      chmodSync(receipts, 0o660);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { listening: started, close };
}
