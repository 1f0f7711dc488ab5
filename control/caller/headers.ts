/** What goes on of a message's headers, and what ends at the proxy (RFC 9110, section 7.6.1). */
import { ownHeaders } from "./credential.js";

/** Lower-case names; several values are several lines. */
export type HeaderLines = Map<string, string[]>;

const HOP_BY_HOP = [
  "connection",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
] as const;

/** @param raw name, value, name, value, as Node's parser gives them */
export function headerLines(raw: readonly string[]): HeaderLines {
  const lines: HeaderLines = new Map();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? "").toLowerCase();
    lines.set(name, [...(lines.get(name) ?? []), raw[i + 1] ?? ""]);
  }
  return lines;
}

/** As Node's client takes them: a name with one line as a text. */
export const outgoingHeaders = (lines: HeaderLines): Record<string, string | string[]> =>
  Object.fromEntries([...lines].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? "") : values]));

/** Names that a message's own Connection header ends here. */
const connectionTokens = (lines: HeaderLines): string[] =>
  (lines.get("connection") ?? []).flatMap((value) => value.split(",").map((token) => token.trim().toLowerCase()));

function endToEnd(lines: HeaderLines): HeaderLines {
  const ended = new Set<string>([...HOP_BY_HOP, ...connectionTokens(lines)]);
  return new Map([...lines].filter(([name]) => !ended.has(name)));
}

/** Cookies but ours. */
function otherCookies(values: readonly string[], own: string): string[] {
  return values.flatMap((value) => {
    const kept = value.split(";").filter((pair) => pair.split("=", 1)[0]?.trim() !== own);
    const text = kept.join(";").trim();
    return text === "" ? [] : [text];
  });
}

export interface Rewriting {
  /** The grant's host, as the gateway is to see it. */
  readonly host: string;
  /** The origin that the client sees instead, `http://...`. */
  readonly origin: string;
  readonly isBrowser: boolean;
  /** Headers that hold credentials of ours. */
  readonly secretHeaders: readonly string[];
  readonly cookieName: string;
}

/** The request's headers as they go on, without the credential. */
export function forwardedRequest(lines: HeaderLines, rewriting: Rewriting): HeaderLines {
  const { host, isBrowser, secretHeaders, cookieName } = rewriting;
  const out = endToEnd(lines);
  for (const name of [...ownHeaders, ...secretHeaders, "host"]) out.delete(name);
  const cookies = otherCookies(out.get("cookie") ?? [], cookieName);
  if (cookies.length === 0) out.delete("cookie");
  else out.set("cookie", cookies);
  if (isBrowser) {
    out.delete("referer");
    if (out.has("origin")) out.set("origin", [`https://${host}`]);
  }
  // The length of what follows is told the one way in which it was told to us, never both (RFC 9112, section 6.3), and always:
  // a client that names content-length in Connection would otherwise have a body sent on without an end.
  const length = lines.get("content-length");
  out.delete("content-length");
  if (lines.has("transfer-encoding")) out.set("transfer-encoding", ["chunked"]);
  else if (length !== undefined) out.set("content-length", length);
  out.set("host", [host]);
  return out;
}

/** A Set-Cookie for the host that the browser sees; ours is nobody's to set. */
function localCookies(values: readonly string[], cookieName: string): string[] {
  return values
    .filter((value) => value.split("=", 1)[0]?.trim() !== cookieName)
    .map((value) =>
      value
        .split(";")
        .filter((part) => !/^\s*domain\s*=/i.test(part))
        .join(";"),
    );
}

/** What a browser would do to this site, or for others, that is the proxy's: `clear-site-data` would take the cookie away. */
const OF_THE_SITE = /^(?:access-control-.*|alt-svc|clear-site-data|strict-transport-security)$/;

/** The answer's headers as the client gets them: it reads for nobody else, and leaves nothing in a browser's cache. */
export function returnedResponse(lines: HeaderLines, { host, origin, isBrowser, cookieName }: Rewriting): HeaderLines {
  const out = endToEnd(lines);
  for (const name of [...out.keys()].filter((one) => OF_THE_SITE.test(one))) out.delete(name);
  out.set("cache-control", ["no-store"]);
  const location = out.get("location")?.[0];
  const here = location === undefined ? undefined : localLocation(location, host, origin);
  if (here !== undefined) out.set("location", [here]);
  if (!isBrowser) return out;
  out.set("referrer-policy", ["same-origin"]);
  const cookies = localCookies(out.get("set-cookie") ?? [], cookieName);
  if (cookies.length === 0) out.delete("set-cookie");
  else out.set("set-cookie", cookies);
  return out;
}

/** A redirect to the grant's own host stays at the proxy. */
function localLocation(location: string, host: string, origin: string): string | undefined {
  const match = /^https?:\/\/([^/?#]+)(.*)$/i.exec(location);
  const [, authority = "", rest = ""] = match ?? [];
  if (authority.toLowerCase().replace(/:(?:80|443)$/, "") !== host) return undefined;
  return `${origin}${rest.startsWith("/") ? rest : `/${rest}`}`;
}
