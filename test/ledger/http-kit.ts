/** A ledger's listeners with an intake in memory, and a client that sends just what it is told. */
import { createHash, randomBytes } from "node:crypto";
import { Agent, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { parseLedgerConfig } from "../../control/ledger/config.js";
import type { TileSource } from "../../control/ledger/log.js";
import { ReviewDoors } from "../../control/ledger/serve/review.js";
import { Senders } from "../../control/ledger/serve/senders.js";
import { startServer } from "../../control/ledger/serve/server.js";
import { Turns } from "../../control/ledger/serve/turns.js";
import { MemoryIntake } from "./stand-in.js";

export const newToken = (): string => `ggl_${randomBytes(32).toString("base64url")}`;
export const sha256 = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");

export interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly socketPath?: string;
  readonly tls?: { readonly ca: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
}

export interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export function ask(
  url: string,
  { method = "POST", path, token, headers = {}, body = "", socketPath, tls }: Sent,
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const options = {
      method,
      path,
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
      agent: new Agent(),
      ...(socketPath === undefined ? {} : { socketPath }),
    };
    const { hostname, port } = new URL(url);
    const send =
      tls === undefined
        ? httpRequest({ ...options, ...(socketPath === undefined ? { hostname, port } : {}) })
        : httpsRequest({ ...options, hostname, port, ...tls, agent: undefined });
    let answered = false;
    send.on("response", (incoming) => {
      answered = true;
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () =>
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
      incoming.on("error", reject);
    });
    // A refusal may come before the body is out; then the rest of it breaks.
    send.on("error", (error) => (answered ? undefined : reject(error)));
    send.end(body);
  });
}

/** Bytes as they are; all that comes back until the other end closes. */
export function raw(url: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
    socket.on("error", () => {}); // Closed by the other end: what came until then is the answer.
    socket.on("close", () => resolve(text));
  });
}

/** The same, and when the other end has ended its side this one stays open until it is told. */
export function keepOpen(url: string, bytes: string): Promise<() => void> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true }, () => socket.write(bytes));
    const end = (): void => void socket.destroy();
    socket.resume();
    socket.on("error", () => resolve(end));
    socket.on("end", () => resolve(end));
  });
}

export interface TestServer {
  readonly url: string;
  readonly intake: MemoryIntake;
  readonly turns: Turns;
  readonly told: string[];
  readonly clock: { now: number };
  close(): Promise<void>;
}

/** @param yaml `senders` and `listen` of a ledger's configuration */
export async function startTestServer(
  yaml: string,
  files: ReadonlyMap<string, Buffer> = new Map(),
  renewMs?: number,
): Promise<TestServer> {
  const config = parseLedgerConfig(`origin: test.example/log\nkey: k\n${yaml}`, "ledger.yaml");
  const { listen, senders } = config;
  if (listen === undefined) throw new Error("no listen");
  const intake = new MemoryIntake();
  const told: string[] = [];
  const clock = { now: Date.now() };
  const log: TileSource = { read: async (path) => files.get(path) };
  const signer = {
    signReceipt: (receipt: object): string => `receipt ${JSON.stringify(receipt)}`,
  };
  const now = (): number => clock.now;
  const turns = new Turns(intake);
  const served = {
    intake,
    log,
    signer,
    senders: new Senders(senders, now, listen.tls?.client_ca !== undefined),
    turns,
    doors: new ReviewDoors(now),
    read: listen.read,
    metrics: () => "glassgate_ledger_entries 7\n",
    now,
  };
  const server = await startServer(listen, served, (sentence) => told.push(sentence), renewMs);
  return {
    url: server.listening[0]?.address ?? "",
    intake,
    turns,
    told,
    clock,
    close: async () => {
      await server.close();
      await turns.close();
    },
  };
}
