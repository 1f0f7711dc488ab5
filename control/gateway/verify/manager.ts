/** One HttpConnectionManager: how it reads requests (reading.ts), what it logs, where it routes, and the chain between. */
import type { Anchors } from "../../trust/anchors.js";
import { demandAnswers, demandFlush } from "./answers.js";
import { chainOf } from "./chain.js";
import { judgeFormat } from "./formats.js";
import { Chain, type Guarding } from "./guard.js";
import { demandAuditLog, judgeAccessLogs, judgeSubstitution, judgeTags } from "./logs.js";
import { Message } from "./message.js";
import { demandNormalisation, judgeAddress, judgeEarly, judgeProtocols } from "./reading.js";
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
