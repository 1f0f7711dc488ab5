/** A load of keep-alive HTTP/1.1 requests on raw sockets that stay open, so that the client costs little. */
import { createConnection, type Socket } from "node:net";
import { connect as connectTls, type SecureContextOptions } from "node:tls";

export type Headers = Readonly<Record<string, string>>;

export interface Target {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
}

export function requestText(headers: Headers, target: Target = {}): string {
  const { method = "GET", path = "/orders/7", host = "api.example.com" } = target;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n${lines.join("")}\r\n`;
}

/** What a client shows, and whom it trusts, where the listener speaks TLS. */
export type Shown = Pick<SecureContextOptions, "ca" | "cert" | "key">;

function socketTo(port: number, shown: Shown | undefined): { readonly socket: Socket; readonly ready: string } {
  const to = { port, host: "127.0.0.1", noDelay: true };
  if (shown === undefined) return { socket: createConnection(to), ready: "connect" };
  const socket = connectTls({ ...to, ...shown });
  socket.setNoDelay(true);
  return { socket, ready: "secureConnect" };
}

/** One connection, one request in flight on it. */
class Connection {
  private answered: (status: number) => void = () => {};
  private failed: (error: Error) => void = () => {};
  private buffer = "";

  private constructor(private readonly socket: Socket) {
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => this.take(chunk));
    socket.on("error", (error) => this.failed(error));
    socket.on("close", () => this.failed(new Error("the gateway closed the connection")));
  }

  static open(port: number, shown: Shown | undefined): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const { socket, ready } = socketTo(port, shown);
      socket.once("error", reject);
      socket.once(ready, () => {
        socket.off("error", reject);
        resolve(new Connection(socket));
      });
    });
  }

  private take(chunk: string): void {
    this.buffer += chunk;
    const head = this.buffer.indexOf("\r\n\r\n");
    if (head < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(this.buffer)?.[1] ?? 0);
    if (this.buffer.length < head + 4 + length) return;
    const status = Number(this.buffer.slice(9, 12));
    this.buffer = "";
    this.answered(status);
  }

  send(text: string, answered: (status: number) => void, failed: (error: Error) => void): void {
    this.answered = answered;
    this.failed = failed;
    this.socket.write(text);
  }

  close(): void {
    this.failed = () => {};
    this.socket.destroy();
  }
}

export interface LoadResult {
  readonly seconds: number;
  /** Answers by status. */
  readonly statuses: ReadonlyMap<number, number>;
}

export class Client {
  private constructor(private readonly connections: readonly Connection[]) {}

  /** @param shown where the listener speaks TLS */
  static async open(port: number, connections: number, shown?: Shown): Promise<Client> {
    return new Client(await Promise.all(Array.from({ length: connections }, () => Connection.open(port, shown))));
  }

  /** Sends requests, one in flight per connection, for as long as `next` gives a text. */
  load(next: (i: number) => string | undefined, onAnswer: (status: number) => void = () => {}): Promise<LoadResult> {
    const statuses = new Map<number, number>();
    const started = performance.now();
    let i = 0;
    const one = (connection: Connection): Promise<void> =>
      new Promise((resolve, reject) => {
        const sendNext = (): void => {
          const text = next(i++);
          if (text === undefined) resolve();
          else connection.send(text, take, reject);
        };
        const take = (status: number): void => {
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          onAnswer(status);
          sendNext();
        };
        sendNext();
      });
    return Promise.all(this.connections.map(one)).then(() => ({
      seconds: (performance.now() - started) / 1000,
      statuses,
    }));
  }

  /** The status of one request. */
  async status(headers: Headers, target: Target = {}): Promise<number> {
    const { statuses } = await this.load((i) => (i === 0 ? requestText(headers, target) : undefined));
    return [...statuses.keys()][0] ?? 0;
  }

  close(): void {
    for (const connection of this.connections) connection.close();
  }
}
