/** Where the pages may be served, and under which names they may be asked for. */
import { isIP } from "node:net";
import { UserError } from "../base/errors.js";
import { isLoopback } from "../base/loopback.js";
import { visible } from "../base/text.js";

export interface Address {
  /** An IP address, or `localhost`. */
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:7071`, `[::1]:7071`, `localhost:7071` */
const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+|localhost)):([0-9]{1,5})$/;

/** @param isExposed whoever asks knows that others can reach it */
export function addressIn(text: string, isExposed: boolean): Address {
  const match = ADDRESS.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535 || (host !== "localhost" && isIP(host) === 0))
    throw new UserError(`${visible(text)} is no address to listen on.`, {
      hint: "Write ADDRESS:PORT, for example 127.0.0.1:7071.",
    });
  if (!isLoopback(host) && !isExposed)
    throw new UserError(
      `${visible(host)} can be reached from other machines, and these pages ask nobody who he is: whoever reaches them reads every review.`,
      {
        hint: "Leave --listen out and come through `ssh -L 7071:127.0.0.1:7071`; or put a proxy with sign-in and TLS before it and add --expose.",
      },
    );
  return { host, port };
}

/**
 * Whether a request was meant for this server. A page elsewhere can have its own name point here (DNS rebinding), and then reads what
 * it is given: so only names that nobody else can own are answered, and those that were given.
 * @param header the request's `host`
 */
export function isKnownHost(
  header: string | undefined,
  { host }: Pick<Address, "host">,
  names: readonly string[],
): boolean {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]{1,5})?$/.exec((header ?? "").toLowerCase());
  const asked = match?.[1] ?? match?.[2];
  if (asked === undefined) return false;
  if (isLoopback(asked)) return true;
  // An address is no name that somebody could point elsewhere; it leads here only where it is listened on.
  if (isIP(asked) !== 0) return !isLoopback(host);
  return names.some((name) => name.toLowerCase() === asked);
}
