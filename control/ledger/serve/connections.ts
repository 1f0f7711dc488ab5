/** How many connections somebody has open. */
import { isIPv6, type Socket } from "node:net";

/** Counts open connections by name. */
export class Connections {
  private readonly owners = new Map<Socket, string>();
  private readonly counts = new Map<string, number>();

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

  private release(socket: Socket): void {
    const name = this.owners.get(socket);
    if (name === undefined) return;
    this.owners.delete(socket);
    const count = (this.counts.get(name) ?? 1) - 1;
    if (count > 0) this.counts.set(name, count);
    else this.counts.delete(name);
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
