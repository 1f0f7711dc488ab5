/** METHOD and URL of a request, as people write them. */
import { domainToASCII } from "node:url";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";

export interface Target {
  readonly method: string;
  /** Lower-case `host[:port]`, a default port dropped. */
  readonly host: string;
  /** As written, the query included. */
  readonly path: string;
}

export function parseTarget(method: string, url: string): Target {
  const match = /^https?:\/\/([^/?#]+)([^#]*)$/i.exec(url);
  if (match === null)
    throw new UserError(`"${visible(url)}" is not a URL.`, {
      hint: "Write it whole: https://api.example.com/orders/42",
    });
  const [, authority = "", rest = ""] = match;
  if (authority.includes("@"))
    throw new UserError("The URL names a user; a grant cannot.", { hint: "Leave user:password@ out." });
  if (/[^\x21-\x7e]/.test(authority)) {
    const ascii = domainToASCII(authority.replace(/:\d+$/, ""));
    throw new UserError(`The host "${visible(authority)}" is not in ASCII, as gateways see it.`, {
      hint:
        ascii === ""
          ? "Write it as the gateway's configuration does."
          : `Did you mean ${ascii}? Compare it letter by letter.`,
    });
  }
  if (!/^[A-Z-]{1,32}$/.test(method)) {
    throw new UserError(`"${visible(method)}" is not a method.`, {
      hint: `Write it in capitals: ${visible(method.toUpperCase())}.`,
    });
  }
  return {
    method,
    host: authority.toLowerCase().replace(/:(?:80|443)$/, ""),
    path: rest.startsWith("/") ? rest : `/${rest}`,
  };
}
