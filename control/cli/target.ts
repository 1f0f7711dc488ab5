/** METHOD and URL of a request, as people write them. */
import { UserError } from "../base/errors.js";

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
    throw new UserError(`"${url}" is not a URL.`, { hint: "Write it whole: https://api.example.com/orders/42" });
  const [, authority = "", rest = ""] = match;
  if (authority.includes("@"))
    throw new UserError("The URL names a user; a grant cannot.", { hint: "Leave user:password@ out." });
  if (!/^[A-Z-]{1,32}$/.test(method))
    throw new UserError(`"${method}" is not a method.`, { hint: `Write it in capitals: ${method.toUpperCase()}.` });
  return {
    method,
    host: authority.toLowerCase().replace(/:(?:80|443)$/, ""),
    path: rest.startsWith("/") ? rest : `/${rest}`,
  };
}
