/** One HttpConnectionManager: how it reads requests, what it logs, where it routes, and the chain between. */
import type { Anchors } from "../../trust/anchors.js";
import { demandAnswers, demandFlush } from "./answers.js";
import { chainOf, type Entry } from "./chain.js";
import { judgeMutations } from "./filters/headers.js";
import { ATTESTATION_HEADER, judgeFormat } from "./formats.js";
import { Chain, type Guarding } from "./guard.js";
import { demandAuditLog, judgeAccessLogs, judgeSubstitution, judgeTags } from "./logs.js";
import { Message } from "./message.js";
import { judgeRoutes, judgeUpgrades, noReach, type Reach } from "./routes.js";
import type { World } from "./world.js";

export interface Manager {
  readonly message: Message;
  readonly chain: Chain;
  readonly guarding: Guarding;
  readonly reach: Reach;
  /** Whether a client's own attestation is removed before anything else, filter or not. */
  readonly removesAttestation: boolean;
}

const SLASHES = [
  ...["IMPLEMENTATION_SPECIFIC_DEFAULT", "KEEP_UNCHANGED", "REJECT_REQUEST", "UNESCAPE_AND_REDIRECT"],
  "UNESCAPE_AND_FORWARD",
] as const;

/** What the filter and the upstream must read alike. */
function demandNormalisation(manager: Message): void {
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
function judgeEarly(manager: Message, glassgate: Entry | undefined): boolean {
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
function judgeAddress(manager: Message): void {
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
function judgeProtocols(manager: Message, isGuarded: boolean): void {
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

const TRACERS =
  /^envoy\.config\.trace\.v3\.(?:OpenTelemetryConfig|ZipkinConfig|DatadogConfig|SkyWalkingConfig|XRayConfig|OpenCensusConfig)$/;

/** A record and its answer are matched by `request_id`: whoever chooses it can give two requests the same one. */
function judgeRequestId(manager: Message): void {
  const chosen = "chooses the request_id in the record, and so which answer seems to be whose";
  if (manager.flag("preserve_external_request_id") === true)
    manager.warn(
      "request-id",
      `the client ${chosen}`,
      "take preserve_external_request_id out",
      manager.at("preserve_external_request_id"),
    );
  if (manager.flag("generate_request_id") === false)
    manager.warn(
      "request-id",
      `with generate_request_id false the client ${chosen}`,
      "take generate_request_id out",
      manager.at("generate_request_id"),
    );
  const internal = manager.message("internal_address_config", "InternalAddressConfig");
  if (internal.values("cidr_ranges").length > 0 || internal.flag("unix_sockets") === true)
    manager.warn(
      "internal-addresses",
      `a client at an internal address ${chosen}; its x-envoy-* headers are believed as well`,
      "take internal_address_config out, or name in it nobody but proxies that set these headers themselves",
      internal.value,
    );
  internal.harmless("cidr_ranges", "unix_sockets");
  internal.done();
}

function judgeReplies(manager: Message): void {
  const local = manager.message("local_reply_config", "LocalReplyConfig");
  judgeSubstitution(local.message("body_format", "SubstitutionFormatString"));
  for (const mapper of local.messages("mappers", "ResponseMapper")) {
    if (mapper.take("status_code") !== undefined)
      mapper.warn("status-mapped", "a denial's status is changed: callers and probes cannot tell it", "take it out");
    judgeSubstitution(mapper.message("body_format_override", "SubstitutionFormatString"));
    for (const option of mapper.messages("headers_to_add"))
      judgeFormat(option, option.message("header").text("value") ?? "", option.value);
    mapper.harmless("filter", "body");
    mapper.done();
  }
  local.done();
  const tracing = manager.message("tracing", "Tracing");
  judgeTags(tracing.messages("custom_tags", "CustomTag"));
  for (const field of ["operation", "upstream_operation"]) judgeFormat(tracing, tracing.text(field) ?? "");
  const tracer = tracing.extension("provider");
  if (tracer.outer.exists && !TRACERS.test(tracer.type))
    tracer.outer.unknown(`tracer:${tracer.type || tracer.name}`, `the tracer ${tracer.name} is not known here`);
  tracing.harmless(
    ...["client_sampling", "random_sampling", "overall_sampling", "verbose", "max_path_tag_length"],
    ...["spawn_upstream_span", "no_context_propagation", "max_cache_size"],
  );
  tracing.done();
  judgeRequestId(manager);
  manager.harmless("request_id_extension");
  const uuid = manager.extension("request_id_extension");
  if (uuid.type !== "" && !uuid.type.endsWith("uuid.v3.UuidRequestIdConfig"))
    uuid.outer.unknown("request-id-extension", `request ids come from ${uuid.type}, which is not known here`);
}

const HARMLESS = [
  ...["codec_type", "stat_prefix", "add_user_agent", "server_name", "server_header_transformation", "via"],
  ...["scheme_header_transformation", "max_request_headers_kb", "stream_idle_timeout", "stream_flush_timeout"],
  ...[
    "request_timeout",
    "request_headers_timeout",
    "drain_timeout",
    "delayed_close_timeout",
    "access_log_flush_interval",
  ],
  ...["flush_access_log_on_new_request", "access_log_options", "skip_xff_append"],
  ...["always_set_request_id_in_response", "set_current_client_cert_details", "proxy_100_continue"],
  ...["represent_ipv4_remote_address_as_ipv4_mapped_ipv6", "strip_matching_host_port", "strip_any_host_port"],
  ...[
    "strip_trailing_host_dot",
    "stream_error_on_invalid_http_message",
    "append_x_forwarded_port",
    "append_local_overload",
  ],
  ...["proxy_status_config", "add_proxy_protocol_connection_state", "http1_safe_max_connection_duration"],
  ...["max_connection_duration_jitter", "drain_timeout_jitter", "forward_proto_config"],
] as const;

function routesOf(manager: Message, chain: Chain, world: World, isGuarded: boolean): Reach {
  const reach = noReach();
  const inline = manager.message("route_config", "RouteConfiguration");
  if (inline.exists) judgeRoutes(inline, chain, reach, isGuarded);
  const rds = manager.message("rds", "Rds");
  if (rds.exists) {
    const name = rds.text("route_config_name") ?? "";
    rds.harmless("config_source");
    rds.done();
    const seen = world.routes.get(name);
    if (seen !== undefined)
      judgeRoutes(Message.of(seen.value, "RouteConfiguration", manager.where), chain, reach, isGuarded);
    else {
      reach.isUnknown = true;
      rds.unknown(
        `routes:${name}`,
        `the routes (${name}) come by xDS and are not in this file; \`curl ADMIN/config_dump\` shows them`,
      );
    }
  }
  const scoped = manager.take("scoped_routes");
  if (scoped !== undefined) {
    reach.isUnknown = true;
    manager.unknown("scoped-routes", "scoped routes are not read here", scoped);
  }
  return reach;
}

export function walkManager(config: Message, world: World, anchors: Anchors | undefined): Manager {
  const entries = chainOf(config.messages("http_filters", "HttpFilter"), world);
  const chain = new Chain(entries, config, anchors);
  const isGuarded = chain.glassgate !== undefined;
  const guarding = chain.judge();
  if (isGuarded) demandNormalisation(config);
  else config.harmless("normalize_path", "merge_slashes", "path_with_escaped_slashes_action", "use_remote_address");
  const removesAttestation = judgeEarly(config, chain.glassgate);
  judgeAddress(config);
  judgeProtocols(config, isGuarded);
  judgeReplies(config);
  judgeUpgrades(config, isGuarded);
  const logs = judgeAccessLogs(config);
  if (isGuarded) {
    demandAuditLog(config, logs);
    demandFlush(config);
    demandAnswers(
      config,
      logs.some(({ hasAnswers }) => hasAnswers),
    );
  }
  const reach = routesOf(config, chain, world, isGuarded);
  for (const field of ["path_normalization_options", "typed_header_validation_config"])
    if (config.has(field) && isGuarded)
      config.unknown(field, `${field} changes how requests are read`, config.take(field));
  config.harmless(...HARMLESS, "path_normalization_options", "typed_header_validation_config");
  config.done();
  return { message: config, chain, guarding, reach, removesAttestation };
}
