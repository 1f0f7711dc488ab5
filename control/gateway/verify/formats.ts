/** Format strings: `%OPERATOR(argument):length%`. Which ones print the grant, and which nobody here knows. */
import type { Message } from "./message.js";
import { everyValue, type Value } from "./value.js";

export const GRANT_HEADER = "x-break-glass";
export const ATTESTATION_HEADER = "x-break-glass-grant";

/** Operators that read a header of the request: the argument is `NAME?ALTERNATIVE`. */
const HEADER_OPERATORS = new Set(["REQ", "REQ_WITHOUT_QUERY", "REQUEST_HEADER", "START_REQ"]);
/** Operators that cannot print a header of the request. */
const HARMLESS = new Set(
  `START_TIME START_TIME_LOCAL EMIT_TIME BYTES_RECEIVED BYTES_SENT PROTOCOL UPSTREAM_PROTOCOL RESPONSE_CODE RESPONSE_CODE_DETAILS
  CONNECTION_TERMINATION_DETAILS RESPONSE_FLAGS RESPONSE_FLAGS_LONG DURATION COMMON_DURATION REQUEST_DURATION REQUEST_TX_DURATION
  RESPONSE_DURATION RESPONSE_TX_DURATION ROUNDTRIP_DURATION DOWNSTREAM_HANDSHAKE_DURATION UPSTREAM_CONNECTION_POOL_READY_DURATION
  UPSTREAM_REMOTE_ADDRESS UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT UPSTREAM_REMOTE_PORT UPSTREAM_LOCAL_ADDRESS UPSTREAM_HOST
  UPSTREAM_HOST_NAME UPSTREAM_HOST_NAME_WITHOUT_PORT UPSTREAM_HOSTS_ATTEMPTED UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT
  UPSTREAM_HOST_NAMES_ATTEMPTED UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT UPSTREAM_CONNECTION_IDS_ATTEMPTED UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT
  UPSTREAM_LOCAL_PORT UPSTREAM_CLUSTER UPSTREAM_CLUSTER_RAW UPSTREAM_TRANSPORT_FAILURE_REASON UPSTREAM_REQUEST_ATTEMPT_COUNT
  UPSTREAM_TLS_CIPHER UPSTREAM_TLS_VERSION UPSTREAM_TLS_SESSION_ID UPSTREAM_PEER_SUBJECT UPSTREAM_PEER_ISSUER UPSTREAM_PEER_CERT_V_START
  UPSTREAM_PEER_CERT_V_END UPSTREAM_PEER_URI_SAN UPSTREAM_PEER_DNS_SAN UPSTREAM_PEER_IP_SAN UPSTREAM_LOCAL_SUBJECT UPSTREAM_LOCAL_URI_SAN
  UPSTREAM_LOCAL_DNS_SAN UPSTREAM_CONNECTION_ID UPSTREAM_WIRE_BYTES_SENT UPSTREAM_WIRE_BYTES_RECEIVED UPSTREAM_HEADER_BYTES_SENT
  UPSTREAM_HEADER_BYTES_RECEIVED UPSTREAM_SERVER_NAME UPSTREAM_DETECTED_CLOSE_TYPE DOWNSTREAM_DETECTED_CLOSE_TYPE
  DOWNSTREAM_REMOTE_ADDRESS DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_REMOTE_PORT DOWNSTREAM_DIRECT_REMOTE_ADDRESS
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_DIRECT_REMOTE_PORT DOWNSTREAM_LOCAL_ADDRESS DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT
  DOWNSTREAM_LOCAL_PORT DOWNSTREAM_DIRECT_LOCAL_ADDRESS DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_DIRECT_LOCAL_PORT
  DOWNSTREAM_WIRE_BYTES_SENT DOWNSTREAM_WIRE_BYTES_RECEIVED DOWNSTREAM_HEADER_BYTES_SENT DOWNSTREAM_HEADER_BYTES_RECEIVED
  DOWNSTREAM_PEER_URI_SAN DOWNSTREAM_PEER_DNS_SAN DOWNSTREAM_PEER_IP_SAN DOWNSTREAM_PEER_EMAIL_SAN DOWNSTREAM_PEER_OTHERNAME_SAN
  DOWNSTREAM_LOCAL_URI_SAN DOWNSTREAM_LOCAL_DNS_SAN DOWNSTREAM_LOCAL_IP_SAN DOWNSTREAM_LOCAL_EMAIL_SAN DOWNSTREAM_PEER_SUBJECT
  DOWNSTREAM_LOCAL_SUBJECT DOWNSTREAM_TLS_SESSION_ID DOWNSTREAM_TLS_CIPHER DOWNSTREAM_TLS_VERSION DOWNSTREAM_PEER_FINGERPRINT_256
  DOWNSTREAM_PEER_FINGERPRINT_1 DOWNSTREAM_PEER_SERIAL DOWNSTREAM_PEER_CERT DOWNSTREAM_PEER_CERT_V_START DOWNSTREAM_PEER_CERT_V_END
  DOWNSTREAM_PEER_ISSUER DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256 DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1 DOWNSTREAM_PEER_CHAIN_SERIALS
  DOWNSTREAM_TRANSPORT_FAILURE_REASON TLS_JA3_FINGERPRINT TLS_JA4_FINGERPRINT CONNECTION_ID REQUESTED_SERVER_NAME ROUTE_NAME VIRTUAL_CLUSTER_NAME
  HOSTNAME STREAM_ID GRPC_STATUS GRPC_STATUS_NUMBER UNIQUE_ID ACCESS_LOG_TYPE RESP RESPONSE_HEADER TRAILER RESPONSE_TRAILER REQUEST_HEADERS_BYTES
  REQUEST_TRAILERS_BYTES RESPONSE_HEADERS_BYTES RESPONSE_TRAILERS_BYTES CLUSTER_METADATA UPSTREAM_METADATA ENVIRONMENT PATH QUERY_PARAM
  TRACE_ID SPAN_ID FILTER_CHAIN_NAME LISTENER_METADATA LOCAL_REPLY_BODY QUERY_PARAMS`.split(/\s+/),
);
/** What another filter put there: known only when the key is the filter's own. */
const STATE_OPERATORS = new Set(["FILTER_STATE", "DYNAMIC_METADATA", "UPSTREAM_FILTER_STATE", "METADATA"]);

export interface Operator {
  readonly name: string;
  readonly argument: string;
}

/** No format is longer, and a longer one takes its reader minutes. */
export const MAX_FORMAT = 4096;

/** The operators of a format, in order. As for Envoy, an argument ends at the first `)` before the closing `%`. */
export function operatorsOf(format: string): Operator[] {
  if (format.length > MAX_FORMAT) return [];
  const found: Operator[] = [];
  const pattern = /%%|%([A-Z][A-Z0-9_]*)(?:\(([\s\S]*?)\)(?=:[^%)]*%|%))?[^%]*?%/g;
  for (const [, name, argument = ""] of format.matchAll(pattern)) {
    if (name !== undefined) found.push({ name, argument });
  }
  return found;
}

/** Header names that an operator may print, in lower case. */
export function headersOf({ name, argument }: Operator): string[] {
  return HEADER_OPERATORS.has(name) ? argument.split("?").map((part) => part.trim().toLowerCase()) : [];
}

/** A format that is written somewhere: into a log, a trace, a header. */
export function judgeFormat(message: Message, format: string, at?: Value): void {
  if (format.length > MAX_FORMAT)
    message.unknown("format-long", `a format of more than ${MAX_FORMAT} characters is not read here`, at);
  for (const operator of operatorsOf(format)) {
    const { name, argument } = operator;
    if (headersOf(operator).includes(GRANT_HEADER)) grantPrinted(message, at);
    else if (name === "CEL" && /request|headers/.test(argument))
      message.danger(
        "cel-reads-headers",
        `%CEL(${argument})% reads request headers by an expression: it may print the grant`,
        "print single headers with %REQ(NAME)%",
        at,
      );
    else if (HEADER_OPERATORS.has(name) || HARMLESS.has(name)) continue;
    else if (STATE_OPERATORS.has(name)) continue;
    else
      message.unknown(`operator:${name}`, `%${name}% in this format is not known here: does it print the grant?`, at);
  }
}

export function grantPrinted(message: Message, at?: Value): void {
  message.danger(
    "prints-grant",
    "this format prints the grant, a credential while it is valid",
    "remove it; the audit record names the grant by jti and hash",
    at,
  );
}

/** Every text below, as a format: for parts whose shape is free, such as a JSON log. */
export function judgeFormats(message: Message, root: Value | undefined): void {
  if (root === undefined) return;
  for (const { value } of everyValue(root)) {
    if (typeof value.data === "string") judgeFormat(message, value.data, value);
  }
}

export function grantLogged(message: Message, at?: Value): void {
  message.danger(
    "logs-grant",
    "this sends the grant, a credential while it is valid, to a log or trace",
    "remove x-break-glass from the list",
    at,
  );
}
