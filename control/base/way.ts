/** What the environment makes of Node's `fetch`: whether it verifies certificates, and whether it goes by a proxy. */
import { UserError } from "./errors.js";

/** Whether Node itself sends that clear request to a proxy which the environment names: `fetch` goes by it where it is told to. */
function goesByProxy({ host, hostname }: URL): boolean {
  const { env, execArgv } = process;
  const flag = "--use-env-proxy";
  const isOn = env.NODE_USE_ENV_PROXY === "1" || execArgv.includes(flag) || env.NODE_OPTIONS?.includes(flag) === true;
  const passed = (env.no_proxy ?? env.NO_PROXY ?? "").split(/[\s,]+/);
  return (
    isOn && Boolean(env.http_proxy ?? env.HTTP_PROXY) && !["*", host, hostname].some((one) => passed.includes(one))
  );
}

/** @param what the secrets that travel there, as within a sentence @throws UserError where the environment would lead them elsewhere */
export function refuseLedAstray(url: URL, what: string): void {
  if (url.protocol === "https:" && process.env.NODE_TLS_REJECT_UNAUTHORIZED === "0")
    throw new UserError(
      `NODE_TLS_REJECT_UNAUTHORIZED=0 has no certificate verified: anybody on the way would get ${what}.`,
      { hint: "Unset it. NODE_EXTRA_CA_CERTS=FILE names an authority to trust." },
    );
  if (url.protocol === "http:" && goesByProxy(url))
    throw new UserError(`By the proxy that the environment names, ${what} would travel in clear to the proxy.`, {
      hint: `Set NO_PROXY=${url.hostname}.`,
    });
}
