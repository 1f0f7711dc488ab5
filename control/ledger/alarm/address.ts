/** Where a webhook may go: a name is resolved once, all its addresses are judged, and these very addresses are connected to. */
import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** IANA's special-purpose registries (RFC 6890): whatever is not on the public internet, or leads elsewhere. */
const V4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const;
/** Of IPv6 only 2000::/3 is handed out; in it stand tunnels and documentation, which are none of ours either. */
const V6_PUBLIC = ["2000::", 3] as const;
const V6 = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const;

const blocked = new BlockList();
for (const [net, prefix] of V4) blocked.addSubnet(net, prefix, "ipv4");
for (const [net, prefix] of V6) blocked.addSubnet(net, prefix, "ipv6");
const publicV6 = new BlockList();
publicV6.addSubnet(...V6_PUBLIC, "ipv6");

/** Whether it is on the public internet. An IPv4-mapped address is none: nobody has to write one. */
export function isPublic(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !blocked.check(address, "ipv4");
  return family === 6 && publicV6.check(address, "ipv6") && !blocked.check(address, "ipv6");
}

export type Resolve = (host: string) => Promise<readonly Address[]>;

const resolveName: Resolve = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address, family }) => ({
    address,
    family: family === 6 ? 6 : 4,
  }));

/**
 * The addresses to connect to, one after the other: the first may be of a family that leads nowhere from here.
 * @throws UserError where one of them is private and that is not allowed
 */
export async function addressesOf(
  host: string,
  mayBePrivate: boolean,
  resolve: Resolve = resolveName,
): Promise<readonly Address[]> {
  const literal = host.replace(/^\[(.*)\]$/, "$1");
  const family = isIP(literal);
  const addresses: readonly Address[] =
    family === 0 ? await resolve(host) : [{ address: literal, family: family === 6 ? 6 : 4 }];
  if (addresses.length === 0) throw new UserError(`${visible(host)} has no address.`);
  const refused = mayBePrivate ? undefined : addresses.find(({ address }) => !isPublic(address));
  if (refused === undefined) return addresses;
  throw new UserError(`${visible(host)} is at ${refused.address}, which is no address of the public internet.`, {
    hint: "Set allow_private: true for that webhook, if it is meant.",
  });
}
