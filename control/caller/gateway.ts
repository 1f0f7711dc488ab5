/** The way from here to the gateway. Its certificate is always verified; in clear only over loopback. */
import { X509Certificate } from "node:crypto";
import { type ClientRequest, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { createSecureContext } from "node:tls";
import { messageOf, reasonOf, systemCode, UserError } from "../base/errors.js";
import { isLoopback } from "../base/loopback.js";
import { visible } from "../base/text.js";
import { thumbprintOf } from "../grant/certificate.js";
import { type HeaderLines, outgoingHeaders } from "./headers.js";

export interface GatewayOptions {
  /** Where the gateway is; undefined: at the grant's hosts themselves, by https. */
  readonly url?: string;
  /** PEM of the authorities to trust, instead of the system's. */
  readonly ca?: string;
  /** PEM of the client certificate and its key, for grants bound to it. */
  readonly cert?: string;
  readonly key?: string;
}

export interface Outgoing {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly headers: HeaderLines;
  /** Whose certificate a gateway at a bare address must show; the host's, where nothing is said. */
  readonly name?: string;
}

interface Address {
  readonly isTls: boolean;
  readonly hostname: string;
  readonly port: number;
}

/** An IPv6 address without its brackets. */
const bare = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, "$1");

function addressOf(url: URL): Address {
  const isTls = url.protocol === "https:";
  const port = url.port === "" ? (isTls ? 443 : 80) : Number(url.port);
  return { isTls, hostname: bare(url.hostname), port };
}

/** @param pem of one certificate, or of a chain that begins with it */
export function certificateThumbprint(pem: string): string {
  try {
    return thumbprintOf(new X509Certificate(pem));
  } catch (error) {
    throw new UserError("The client certificate cannot be read.", {
      cause: error,
      hint: "Give it in PEM: it begins with -----BEGIN CERTIFICATE-----.",
    });
  }
}

const UNTRUSTED = /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_UNTRUSTED)$/;

/** Why a gateway was not reached, and the option that mends it. */
export function unreached(error: unknown): string {
  const code = systemCode(error) ?? "";
  const mend = UNTRUSTED.test(code)
    ? "--cacert FILE says whose certificates to trust"
    : code === "ERR_TLS_CERT_ALTNAME_INVALID"
      ? "it has no certificate for that name: --gateway https://NAME says which it has"
      : "--gateway URL says where it is";
  return `the gateway cannot be reached: ${reasonOf(error) || messageOf(error)} (${mend})`;
}

export class Gateway {
  private readonly fixed: Address | undefined;

  /** Refuses an address where the grant would be read on the way, and certificates that no connection could use. */
  constructor(private readonly options: GatewayOptions = {}) {
    const { url, ca, cert, key } = options;
    try {
      if (ca !== undefined) new X509Certificate(ca); // OpenSSL takes what is no certificate for no authority.
      createSecureContext({ ca, cert, key });
    } catch (error) {
      throw new UserError(`The certificates or the key cannot be used: ${reasonOf(error)}.`, {
        cause: error,
        hint: "Give PEM files, the private key without a passphrase, and the key that belongs to the certificate.",
      });
    }
    if (url === undefined) return;
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    const isBare = parsed?.pathname === "/" && parsed.search === "" && parsed.username === "";
    if (parsed === undefined || !isBare || !["http:", "https:"].includes(parsed.protocol)) {
      throw new UserError(`"${visible(url)}" is not a gateway's address.`, {
        hint: "Write scheme, host and port only: https://gateway.example.com:8443",
      });
    }
    this.fixed = addressOf(parsed);
    if (!this.fixed.isTls && !isLoopback(this.fixed.hostname)) {
      throw new UserError(`Over ${visible(url)} the grant would travel in clear.`, {
        hint: "Use https://. Without TLS only a gateway on this machine (127.0.0.1) is used.",
      });
    }
  }

  /** Refuses a certificate that is not the grant's, before anything is sent. @param thumbprint that the grant is bound to */
  mustShow(thumbprint: string | undefined): void {
    const { cert } = this.options;
    if (thumbprint === undefined) return;
    if (cert === undefined) {
      throw new UserError("The grant is bound to a client certificate.", {
        hint: "Give it and its private key: --cert FILE --cert-key FILE.",
      });
    }
    if (certificateThumbprint(cert) !== thumbprint) {
      throw new UserError("The client certificate is not the one that the grant is bound to.", {
        hint: "Give the one that stood behind --bind-cert when it was asked for.",
      });
    }
  }

  /** The request, begun: no connection is used twice, so a broken one never means that it was sent twice. */
  begin({ method, host, path, headers, name = host }: Outgoing): ClientRequest {
    const address = this.fixed ?? addressOf(new URL(`https://${host}`));
    const { isTls, hostname, port } = address;
    const named = isIP(hostname) === 0 ? hostname : bare(name.replace(/:\d+$/, ""));
    const common = {
      host: hostname,
      port,
      method,
      path,
      headers: outgoingHeaders(headers),
      setHost: false,
      agent: false,
      maxHeaderSize: MAX_ANSWER_HEADERS,
    } as const;
    const { ca, cert, key } = this.options;
    const request = isTls
      ? httpsRequest({
          ...common,
          rejectUnauthorized: true, // Also where the environment says otherwise.
          minVersion: "TLSv1.2",
          ...(isIP(named) === 0 ? { servername: named } : {}),
          ...(ca === undefined ? {} : { ca }),
          ...(cert === undefined ? {} : { cert }),
          ...(key === undefined ? {} : { key }),
        })
      : httpRequest(common);
    // Only until it is connected: what is open may be quiet for as long as the grant lives.
    const timer = setTimeout(() => request.destroy(new UserError("there is no answer")), CONNECT_MS);
    const stop = (): void => clearTimeout(timer);
    request.once("socket", (socket) => socket.once(isTls ? "secureConnect" : "connect", stop));
    request.once("close", stop);
    return request;
  }
}

/** As Envoy sends at most by default, in bytes. */
const MAX_ANSWER_HEADERS = 60 * 1024;
const CONNECT_MS = 15_000;
