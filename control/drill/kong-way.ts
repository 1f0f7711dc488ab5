/** The way through a Kong as its declarative file has it: a route with the filter, and behind it a route that asks for a key. */
import { fitsHost } from "../gateway/kong/pair.js";

/** What a route takes; an empty list takes all. */
export interface Taken {
  readonly hosts: readonly string[];
  readonly paths: readonly string[];
  readonly methods: readonly string[];
}

export interface KongWay {
  /** The address of its Admin API. */
  readonly admin: string;
  /** Its declarative file. */
  readonly file: string;
  /** The routes that the filter stands on. */
  readonly fronts: readonly Taken[];
  /** By which the gateway's own requests find the second route. */
  readonly backHosts: readonly string[];
  /** The header that carries the upstream key. */
  readonly keyHeader: string;
  /** Whether the upstream key stands in a text: the key itself is nobody's to show or send. */
  readonly isShownIn: (text: string) => boolean;
}

interface Sent {
  readonly method: string;
  readonly host: string;
  readonly path: string;
}

/** Whether a request with a grant meets the filter. */
export const meetsFilter = ({ fronts }: KongWay, { method, host, path }: Sent): boolean =>
  fronts.some(
    ({ hosts, paths, methods }) =>
      (hosts.length === 0 || hosts.some((one) => fitsHost(one, host))) &&
      (methods.length === 0 || methods.includes(method)) &&
      (paths.length === 0 || paths.some((one) => one.startsWith("~") || path.startsWith(one))),
  );
