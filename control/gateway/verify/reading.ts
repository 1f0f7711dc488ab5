/** How one HttpConnectionManager reads requests: what filter and upstream must read alike, and who the client is said to be. */
import type { Entry } from "./chain.js";
import { judgeMutations } from "./filters/headers.js";
import { ATTESTATION_HEADER } from "./formats.js";
import type { Message } from "./message.js";

const SLASHES = [
  ...["IMPLEMENTATION_SPECIFIC_DEFAULT", "KEEP_UNCHANGED", "REJECT_REQUEST", "UNESCAPE_AND_REDIRECT"],
  "UNESCAPE_AND_FORWARD",
] as const;

/** What the filter and the upstream must read alike. */
export function demandNormalisation(manager: Message): void {
  const demand = (key: string, ok: boolean, wanted: string, why: string): void => {
    if (!ok) manager.danger(key, `${key} is not ${wanted}: ${why}`, `add ${key}: ${wanted}`, manager.at(key));
  };
  const paths = "the filter and the upstream may read `/a/../b` differently";
  demand("normalize_path", manager.flag("normalize_path") === true, "true", paths);
  const slashes = "the filter and the upstream may read `//` differently";
  demand("merge_slashes", manager.flag("merge_slashes") === true, "true", slashes);
  const escaped = manager.choice("path_with_escaped_slashes_action", SLASHES);
  const slash = "`%2F` may be a slash to the upstream";
  demand("path_with_escaped_slashes_action", escaped === "REJECT_REQUEST", "REJECT_REQUEST", slash);
  const forwarded =
    "a client's X-Forwarded-For says where it is: grants bound to networks are open, and the record's `source` is its choice";
  demand("use_remote_address", manager.flag("use_remote_address") === true, "true", forwarded);
  const common = manager.message("common_http_protocol_options", "HttpProtocolOptions");
  const underscores = common.choice("headers_with_underscores_action", ["ALLOW", "REJECT_REQUEST", "DROP_HEADER"]);
  if (underscores === undefined || underscores === "ALLOW")
    manager.warn(
      "underscores",
      "headers with underscores pass: some upstreams read them as dashes",
      "add common_http_protocol_options: { headers_with_underscores_action: REJECT_REQUEST }",
      common.value ?? manager.value,
    );
}

/** @returns whether a client's attestation is removed */
export function judgeEarly(manager: Message, glassgate: Entry | undefined): boolean {
  const removed: string[] = [];
  for (const early of manager.extensions("early_header_mutation_extensions")) {
    early.outer.done();
    if (early.type === "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation") {
      removed.push(...judgeMutations(early.message.messages("mutations", "HeaderMutation"), "before"));
      early.message.done();
    } else {
      early.message.unknown(
        `early:${early.type}`,
        `the early mutation ${early.type} is not known here`,
        early.outer.value,
      );
    }
  }
  const removesAttestation = removed.includes(ATTESTATION_HEADER);
  if (glassgate !== undefined && !removesAttestation)
    manager.danger(
      "no-early-removal",
      glassgate.isComposite
        ? "x-break-glass-grant is not removed early: any request without a grant can forge it to the upstream, as the filter never sees it"
        : "x-break-glass-grant is not removed early: with the filter missing, a client can forge it to the upstream",
      "add early_header_mutation_extensions as in envoy.yaml",
      manager.at("early_header_mutation_extensions"),
    );
  return removesAttestation;
}

/** Who the client is said to be. */
export function judgeAddress(manager: Message): void {
  const hops = manager.number("xff_num_trusted_hops") ?? 0;
  if (hops > 0)
    manager.unknown(
      "trusted-hops",
      `the client's address is taken from X-Forwarded-For (${hops} trusted): who reaches this listener past those proxies chooses it, and that cannot be seen here`,
      manager.at("xff_num_trusted_hops"),
    );
  for (const { type, outer } of manager.extensions("original_ip_detection_extensions")) {
    if (type.endsWith(".custom_header.v3.CustomHeaderConfig"))
      outer.danger(
        "address-header",
        "a request header says where the client is: grants bound to networks are open",
        "take it out",
      );
    else if (type.endsWith(".xff.v3.XffConfig"))
      outer.warn("address-xff", "X-Forwarded-For says where the client is", "use_remote_address: true");
    else outer.unknown(`address:${type}`, `${type} says where the client is, and is not known here`);
  }
  const xfcc = manager.choice("forward_client_cert_details", [
    ...["SANITIZE", "FORWARD_ONLY", "APPEND_FORWARD", "SANITIZE_SET", "ALWAYS_FORWARD_ONLY"],
  ]);
  if (xfcc !== undefined && !xfcc.startsWith("SANITIZE"))
    manager.warn(
      "xfcc",
      "a client's own x-forwarded-client-cert reaches the upstream",
      "SANITIZE_SET",
      manager.at("forward_client_cert_details"),
    );
}

/** Protocols: what makes a tunnel, or two readings of one request. */
export function judgeProtocols(manager: Message, isGuarded: boolean): void {
  const common = manager.message("common_http_protocol_options", "HttpProtocolOptions");
  common.harmless(
    ...[
      "idle_timeout",
      "max_connection_duration",
      "max_headers_count",
      "max_response_headers_kb",
      "max_stream_duration",
    ],
    ...["headers_with_underscores_action", "max_requests_per_connection", "max_requests_per_connection_jitter"],
  );
  common.done();
  const tunnels: readonly (readonly [string, string])[] = [
    ["http2_protocol_options", "allow_connect"],
    ["http3_protocol_options", "allow_extended_connect"],
  ];
  for (const [field, flag] of tunnels) {
    const options = manager.message(field, field);
    if (options.flag(flag) === true && isGuarded)
      options.danger(
        flag,
        `${flag}: extended CONNECT opens tunnels, which are judged once`,
        "take it out",
        options.at(flag),
      );
    const metadata = options.flag("allow_metadata") === true;
    if (metadata && isGuarded) options.warn("allow-metadata", "metadata frames pass unjudged", "take it out");
  }
  const http1 = manager.message("http_protocol_options", "Http1ProtocolOptions");
  if (http1.flag("allow_chunked_length") === true && isGuarded)
    http1.danger(
      "chunked-length",
      "allow_chunked_length: two lengths in one request are where a second one hides",
      "take it out",
      http1.at("allow_chunked_length"),
    );
  if (http1.take("allow_custom_methods")?.text === "true" && isGuarded)
    http1.warn("custom-methods", "methods beyond the registered ones pass", "take allow_custom_methods out");
  http1.harmless(
    ...["allow_absolute_url", "accept_http_10", "default_host_for_http_10", "header_key_format", "enable_trailers"],
    ...["override_stream_error_on_invalid_http_message", "send_fully_qualified_url", "use_balsa_parser"],
    "ignore_http_11_upgrade",
  );
  http1.done();
}
