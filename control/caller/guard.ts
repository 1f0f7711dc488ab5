/**
 * Who may use the proxy, judged before anything of a request is used. Three ways in, and what each shuts out:
 * - the unix socket (0600, in a folder of 0700): other users of the machine. The request names the grant's host itself.
 * - loopback with the start's secret (Basic): other users, who do not have it. A web page's requests are refused even so.
 * - a browser, with the cookie that the one-time URL sets, at a name of its own (`LABEL.localhost`): other users, other pages, and
 *   names that were made to lead here (the Host must match exactly). Cookies know no ports: under 127.0.0.1 the browser would
 *   hand ours to whoever listens on another one.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { HeaderLines } from "./headers.js";

export const COOKIE = "glassgate";
/** As a user's name before the secret: some clients send none without. */
export const USER = "glassgate";
/** A path that no gateway of ours opens: it never goes on. */
const OPENING = "/.glassgate/";
/** 256 bits: nobody guesses, so nobody is counted. */
const SECRET_BYTES = 32;
/** Of a site's name: it stands in the address bar, and opens nothing without the cookie. */
const LABEL_BYTES = 10;

const newSecret = (): string => randomBytes(SECRET_BYTES).toString("base64url");
const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** In a time that tells nothing of either. */
const isSame = (given: string, wanted: string): boolean => timingSafeEqual(digest(given), digest(wanted));

export interface Refused {
  readonly status: number;
  /** A sentence for whoever sent it: tells nothing that he does not know. */
  readonly why: string;
  /** A challenge of a proxy (RFC 9110, section 11.7), for clients that send credentials only when asked. */
  readonly challenge?: true;
}

export interface Admitted {
  /** As the request names it, lower-case, a default port dropped. */
  readonly host: string;
  /** With its query, byte for byte. */
  readonly path: string;
  /** The origin under which the client sees the host. */
  readonly origin: string;
  readonly isBrowser: boolean;
  readonly secretHeaders: readonly string[];
}

/** The one-time URL was right: the browser gets its cookie. */
export interface Opened {
  readonly host: string;
  readonly cookie: string;
}

/** One host of the grant, as a browser reaches it. */
interface Site {
  readonly host: string;
  readonly label: string;
  readonly cookie: string;
  /** Undefined once it was used. */
  token: string | undefined;
}

const normal = (host: string): string => host.toLowerCase().replace(/:(?:80|443)$/, "");

function basic(value: string | undefined): string {
  const match = /^Basic ([A-Za-z0-9+/=]{1,400})$/i.exec(value ?? "");
  return match?.[1] === undefined ? "" : Buffer.from(match[1], "base64").toString("latin1");
}

/** Whether a browser says that it was a page which made the request. (Node's own fetch sends sec-fetch-mode.) */
const isFromPage = (lines: HeaderLines): boolean => lines.has("origin") || lines.has("sec-fetch-site");

const SCRIPT = { isBrowser: false } as const;
const MISDIRECTED: Refused = { status: 421, why: "This is not a name of the proxy." };
const NO_SECRET: Refused = { status: 401, why: "The proxy's secret is missing or wrong." };
const NO_PAGES: Refused = { status: 403, why: "Web pages have no access here. A browser opens the one-time URL." };

export class Guard {
  private readonly secret = newSecret();
  private readonly sites: readonly Site[];

  /** @param hosts of the grant; the first is what 127.0.0.1 stands for @param port where it listens */
  constructor(
    private readonly hosts: readonly string[],
    private readonly port: number,
  ) {
    this.sites = hosts.map((host) => ({
      host,
      label: randomBytes(LABEL_BYTES).toString("hex"),
      cookie: newSecret(),
      token: newSecret(),
    }));
  }

  private authority({ label }: Site): string {
    return `${label}.localhost:${this.port}`;
  }

  /** `http://glassgate:SECRET@127.0.0.1:PORT`. */
  baseUrl(): string {
    return `http://${USER}:${this.secret}@127.0.0.1:${this.port}`;
  }

  /** For each host the URL that works once. */
  openingUrls(): { host: string; url: string }[] {
    return this.sites.flatMap((site) =>
      site.token === undefined
        ? []
        : [{ host: site.host, url: `http://${this.authority(site)}${OPENING}${site.token}` }],
    );
  }

  admit(request: IncomingMessage, lines: HeaderLines, isSocket: boolean): Admitted | Opened | Refused {
    const target = request.url ?? "";
    const [host = "", ...others] = lines.get("host") ?? [];
    if (host === "" || others.length > 0) return { status: 400, why: "A request has one Host." };
    const coding = lines.get("transfer-encoding");
    if (coding !== undefined && (coding.length > 1 || coding[0]?.toLowerCase() !== "chunked"))
      return { status: 400, why: "Only chunked is a transfer coding here." };
    const absolute = /^https?:\/\/([^/?#]+)(.*)$/i.exec(target);
    if (absolute !== null && !isSocket) return this.admitProxied(absolute, host, lines);
    if (!target.startsWith("/")) return { status: 400, why: "The request names no path." };
    if (isSocket) return { ...SCRIPT, host: normal(host), path: target, origin: `http://${host}`, secretHeaders: [] };
    if (host === `127.0.0.1:${this.port}`) return this.admitScript(target, lines);
    const site = this.sites.find((one) => this.authority(one) === host);
    return site === undefined ? MISDIRECTED : this.admitBrowser(site, request.method ?? "", target, lines);
  }

  private isSecret(given: string): boolean {
    return isSame(given, `${USER}:${this.secret}`);
  }

  /** `http_proxy`: the request names the whole URL. */
  private admitProxied(
    [, authority = "", rest = ""]: RegExpExecArray,
    host: string,
    lines: HeaderLines,
  ): Admitted | Refused {
    const [given] = lines.get("proxy-authorization") ?? [];
    if (!this.isSecret(basic(given))) return { status: 407, why: NO_SECRET.why, challenge: true };
    // A browser that was told to use this proxy would use it for every page.
    const isBrowser = (lines.get("user-agent") ?? []).some((agent) => agent.startsWith("Mozilla/"));
    if (isBrowser || isFromPage(lines)) return NO_PAGES;
    if (normal(host) !== normal(authority)) return { status: 400, why: "Host and URL name two hosts." };
    const path = rest.startsWith("/") ? rest : `/${rest}`;
    return {
      ...SCRIPT,
      host: normal(authority),
      path,
      origin: `http://${authority}`,
      secretHeaders: ["proxy-authorization"],
    };
  }

  /** A base URL: 127.0.0.1 stands for the grant's first host. */
  private admitScript(path: string, lines: HeaderLines): Admitted | Refused {
    const [given] = lines.get("authorization") ?? [];
    if (!this.isSecret(basic(given))) return NO_SECRET;
    if (isFromPage(lines)) return NO_PAGES;
    const origin = `http://127.0.0.1:${this.port}`;
    return { ...SCRIPT, host: this.hosts[0] ?? "", path, origin, secretHeaders: ["authorization"] };
  }

  private admitBrowser(site: Site, method: string, path: string, lines: HeaderLines): Admitted | Opened | Refused {
    const origin = `http://${this.authority(site)}`;
    const fault = faultOfOrigin(lines, origin);
    if (fault !== undefined) return fault;
    if (path.startsWith(OPENING)) return this.open(site, method, path.slice(OPENING.length), lines);
    const cookies = (lines.get("cookie") ?? []).flatMap((value) => value.split(";"));
    const given = cookies.map((pair) => pair.trim()).filter((pair) => pair.startsWith(`${COOKIE}=`));
    if (!given.some((pair) => isSame(pair.slice(COOKIE.length + 1), site.cookie)))
      return { status: 401, why: "Open the one-time URL that the proxy has shown." };
    return { host: site.host, path, origin, isBrowser: true, secretHeaders: [] };
  }

  private open(site: Site, method: string, given: string, lines: HeaderLines): Opened | Refused {
    // What a browser fetches ahead must not use it up.
    const isAhead = lines.has("sec-purpose") || lines.has("purpose");
    if (method !== "GET" || isAhead) return { status: 403, why: "The one-time URL is for opening, by a person." };
    if (site.token === undefined || !isSame(given, site.token))
      return { status: 401, why: "This URL was used, or never was one. Start the proxy anew for another." };
    site.token = undefined;
    return { host: site.host, cookie: site.cookie };
  }
}

/**
 * A browser says where a request comes from (Fetch Metadata; `Origin` alone for a WebSocket): from the site's own pages, or from
 * the person who typed it. One that does not say is refused, as nothing tells it from a page elsewhere.
 */
function faultOfOrigin(lines: HeaderLines, origin: string): Refused | undefined {
  const origins = lines.get("origin") ?? [];
  const sites = lines.get("sec-fetch-site") ?? [];
  const other: Refused = { status: 403, why: "This came from another site." };
  if (origins.some((value) => value !== origin)) return other;
  const isTyped = (lines.get("sec-fetch-mode") ?? []).join() === "navigate";
  if (sites.some((site) => site !== "same-origin" && !(site === "none" && isTyped))) return other;
  return origins.length + sites.length > 0
    ? undefined
    : { status: 403, why: "This browser does not say where a request comes from." };
}
