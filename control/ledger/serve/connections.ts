/** How many connections somebody has open, and which of them say nothing. */
import { isIPv6, type Socket } from "node:net";

/** Counts open connections by name. */
export class Connections {
  private readonly owners = new Map<Socket, string>();
  private readonly counts = new Map<string, number>();

  /** Of all names. */
  get size(): number {
    return this.owners.size;
  }

  /** False where the name has its share already. */
  claim(socket: Socket, name: string, max: number): boolean {
    if (this.owners.get(socket) === name) return true;
    const count = this.counts.get(name) ?? 0;
    if (count >= max) return false;
    if (!this.owners.has(socket)) socket.once("close", () => this.release(socket));
    this.release(socket);
    this.owners.set(socket, name);
    this.counts.set(name, count + 1);
    return true;
  }

  /** Gives its place back at once, where it is being closed. */
  release(socket: Socket): void {
    const name = this.owners.get(socket);
    if (name === undefined) return;
    this.owners.delete(socket);
    const count = (this.counts.get(name) ?? 1) - 1;
    if (count > 0) this.counts.set(name, count);
    else this.counts.delete(name);
  }
}

/** One end of a connection: TLS makes another socket of it, the address and port stay. */
const endOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;

/**
 * Connections of which nobody has said yet whose they are. They cost whoever opens them nothing: so they make room for others, the
 * oldest first, and a sender, who says who he is with his first bytes, gets in beside any number of them.
 */
export class Strangers {
  /** In the order in which they came. */
  private readonly waiting = new Map<string, { readonly socket: Socket; readonly network: string }>();

  add(socket: Socket, network: string): void {
    const end = endOf(socket);
    this.waiting.set(end, { socket, network });
    socket.once("close", () => {
      if (this.waiting.get(end)?.socket === socket) this.waiting.delete(end);
    });
  }

  /** Somebody's now. */
  know(socket: Socket): void {
    this.waiting.delete(endOf(socket));
  }

  /** The oldest, of that network or of all, is none of them any more. */
  takeOldest(network?: string): Socket | undefined {
    for (const [end, one] of this.waiting) {
      if (network !== undefined && one.network !== network) continue;
      this.waiting.delete(end);
      return one.socket;
    }
    return undefined;
  }
}

/** What one network has: of IPv6 one machine has 2^64 addresses. */
export function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith("::ffff:")) return address;
  const [front = "", back] = address.split("::", 2);
  const groups = front === "" ? [] : front.split(":");
  if (back !== undefined) {
    const behind = back === "" ? 0 : back.split(":").length;
    while (groups.length + behind < 8) groups.push("0");
  }
  return groups.slice(0, 4).join(":");
}
