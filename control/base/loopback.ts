/** Whether a host is this machine: what goes there in clear is seen by nobody else, and what listens there is reached by nobody else. */
import { BlockList, isIP } from "node:net";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** @param host a name or an address; of IPv6 with its brackets, as in a URL, or without */
export function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  const version = isIP(bare);
  return version !== 0 && loopback.check(bare, version === 6 ? "ipv6" : "ipv4");
}
