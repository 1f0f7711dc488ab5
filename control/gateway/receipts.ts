/** Where a gateway gets receipts from: the cluster that leads to a ledger, and what the filter is told of it. */
import { isAbsolute } from "node:path";
import type { Configuration } from "../trust/configuration.js";

/** A path of a ledger that listens for gateways. */
export const RECEIPTS_PATH = "/v1/receipts";
const CLUSTER = "glassgate-ledger";

/** The files of a TLS connection: who is believed, and who we are. */
export interface ReceiptTls {
  readonly ca: string;
  readonly certificate?: string;
  readonly key?: string;
}

export interface ReceiptSource {
  /** A unix socket, or a host. */
  readonly at: { readonly socket: string } | { readonly host: string; readonly port: number };
  readonly isTls: boolean;
  readonly path: string;
}

/** A URL, or the absolute path of a unix socket. Undefined: it is neither. */
export function parseReceiptSource(text: string): ReceiptSource | undefined {
  if (isAbsolute(text)) return { at: { socket: text }, isTls: false, path: RECEIPTS_PATH };
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isTls = url.protocol === "https:";
  if ((!isTls && url.protocol !== "http:") || url.username !== "" || url.password !== "" || url.hash !== "")
    return undefined;
  const port = url.port === "" ? (isTls ? 443 : 80) : Number(url.port);
  const path = url.pathname === "/" && url.search === "" ? RECEIPTS_PATH : `${url.pathname}${url.search}`;
  return { at: { host: url.hostname.replace(/^\[|\]$/g, ""), port }, isTls, path };
}

const isNumeric = (host: string): boolean => host.includes(":") || /^[0-9.]+$/.test(host);

function authorityOf({ at }: ReceiptSource): string {
  if ("socket" in at) return "localhost";
  return `${at.host.includes(":") ? `[${at.host}]` : at.host}:${at.port}`;
}

export const receiptCall = (source: ReceiptSource): NonNullable<Configuration["receipt"]> => ({
  cluster: CLUSTER,
  path: source.path,
  authority: authorityOf(source),
});

const PROTOCOLS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

function transportSocket(host: string, { ca, certificate, key }: ReceiptTls): object {
  const own =
    certificate === undefined || key === undefined
      ? {}
      : { tls_certificates: [{ certificate_chain: { filename: certificate }, private_key: { filename: key } }] };
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      ...(isNumeric(host) ? {} : { sni: host }),
      common_tls_context: {
        alpn_protocols: ["h2", "http/1.1"],
        ...own,
        validation_context: {
          trusted_ca: { filename: ca },
          match_typed_subject_alt_names: [
            { san_type: isNumeric(host) ? "IP_ADDRESS" : "DNS", matcher: { exact: host } },
          ],
        },
      },
    },
  };
}

/** A cluster of Envoy's. What a request waits for is bounded by the filter; here, how many do, and that no dead connection is used. */
export function receiptCluster(source: ReceiptSource, tls: ReceiptTls | undefined): object {
  const { at } = source;
  const address =
    "socket" in at ? { pipe: { path: at.socket } } : { socket_address: { address: at.host, port_value: at.port } };
  const host = "socket" in at ? "" : at.host;
  return {
    name: CLUSTER,
    type: "socket" in at || isNumeric(host) ? "STATIC" : "STRICT_DNS",
    connect_timeout: "0.25s",
    circuit_breakers: { thresholds: [{ max_connections: 256, max_pending_requests: 1024, max_requests: 1024 }] },
    typed_extension_protocol_options: {
      [PROTOCOLS]: {
        "@type": `type.googleapis.com/${PROTOCOLS}`,
        // Sooner than the ledger's server closes it.
        common_http_protocol_options: { idle_timeout: "4s" },
        ...(tls === undefined ? { explicit_http_config: { http_protocol_options: {} } } : { auto_config: {} }),
      },
    },
    load_assignment: {
      cluster_name: CLUSTER,
      endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
    },
    ...(tls === undefined ? {} : { transport_socket: transportSocket(host, tls) }),
  };
}
