/** ext_authz and the filters that check a password or a key: what lets a request pass, and which headers they set. */
import { GRANT_HEADER } from "../formats.js";
import type { Message } from "../message.js";
import type { Skipped } from "./skipped.js";

/** A RuntimeFractionalPercent below everything. */
function isPart(fraction: Message): boolean {
  if (!fraction.exists) return false;
  const share = fraction.message("default_value");
  const base = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 }[
    share.choice("denominator", ["HUNDRED", "TEN_THOUSAND", "MILLION"]) ?? "HUNDRED"
  ];
  return (share.number("numerator") ?? 0) < (base ?? Number.POSITIVE_INFINITY);
}

/** @returns whether every request is put to the authorization service */
export function judgeExtAuthz(config: Message, skipped: Skipped, isBeforeGlassgate: boolean): boolean {
  let isClosed = true;
  const open = (field: string, why: string, mend: string): void => {
    isClosed = false;
    config.danger(`ext-authz-open:${field}`, `ext_authz: ${why}`, mend, config.at(field));
  };
  if (config.flag("failure_mode_allow") === true)
    open(
      "failure_mode_allow",
      "where the authorization service fails, everybody passes",
      "take failure_mode_allow out",
    );
  if (isPart(config.message("filter_enabled")))
    open("filter_enabled", "a share of the requests is not asked about", "take filter_enabled out");
  if (config.take("filter_enabled_metadata") !== undefined)
    open("filter_enabled_metadata", "metadata decides which requests are asked about", "take it out");
  const http = config.message("http_service");
  if (http.exists) {
    const answer = http.message("authorization_response");
    for (const field of ["allowed_upstream_headers", "allowed_upstream_headers_to_append"])
      skipped.setsMatching(answer.message(field, "ListStringMatcher"), "ext_authz");
    answer.harmless("allowed_client_headers", "allowed_client_headers_on_success", "dynamic_metadata_from_headers");
    answer.done();
    http.harmless("server_uri", "path_prefix", "authorization_request", "retry_policy", "path_override");
    http.done();
  } else if (skipped.isSkipped) {
    const rules = config.message("decoder_header_mutation_rules");
    if (rules.flag("disallow_all") !== true)
      config.unknown(
        "ext-authz-headers",
        "the skipped ext_authz may set or remove any header: those that the upstream trusts must stand in strip",
        config.at("grpc_service"),
      );
  }
  const disallowed = config
    .message("disallowed_headers")
    .messages("patterns")
    .map((pattern) => pattern.text("exact"));
  if (isBeforeGlassgate && !disallowed.includes(GRANT_HEADER))
    config.warn(
      "ext-authz-sees-grant",
      "ext_authz stands before the glassgate filter and may send the grant to the authorization service",
      "move it behind, or add x-break-glass to disallowed_headers",
    );
  config.harmless(
    ...[
      "grpc_service",
      "transport_api_version",
      "failure_mode_allow_header_add",
      "with_request_body",
      "status_on_error",
    ],
    ...["clear_route_cache", "metadata_context_namespaces", "typed_metadata_context_namespaces", "deny_at_disable"],
    ...[
      "include_peer_certificate",
      "stat_prefix",
      "bootstrap_metadata_labels_key",
      "allowed_headers",
      "disallowed_headers",
    ],
    ...["include_tls_session", "charge_cluster_response_stats", "encode_raw_headers", "validate_mutations"],
    ...["route_metadata_context_namespaces", "route_typed_metadata_context_namespaces", "filter_metadata"],
    ...["decoder_header_mutation_rules", "enable_dynamic_metadata_ingestion", "emit_filter_state_stats"],
    ...["max_denied_response_body_bytes", "enforce_response_header_limits"],
  );
  config.done();
  return isClosed;
}

/** A route's own. @returns why requests pass there unasked */
export function extAuthzPerRoute(config: Message): string | undefined {
  const isDisabled = config.flag("disabled") === true;
  const settings = config.message("check_settings", "CheckSettings");
  settings.harmless("context_extensions", "disable_request_body_buffering", "with_request_body");
  settings.done();
  config.done();
  return isDisabled ? "it is disabled" : undefined;
}

export function judgeBasicAuth(config: Message, skipped: Skipped): boolean {
  skipped.sets(config, "basic_auth", config.text("forward_username_header"), config.at("forward_username_header"));
  skipped.sets(config, "basic_auth", config.text("authentication_header"), config.at("authentication_header"));
  config.harmless("users");
  config.done();
  return true;
}

export function judgeApiKeyAuth(config: Message, skipped: Skipped): boolean {
  for (const source of config.messages("key_sources", "KeySource")) {
    skipped.sets(source, "api_key_auth", source.text("header"));
    for (const field of ["query", "cookie"]) {
      const name = source.text(field);
      if (name !== undefined) skipped.unstrippable(source, "api_key_auth", `the ${field} (${name})`);
    }
    source.done();
  }
  const forwarding = config.message("forwarding");
  skipped.sets(forwarding, "api_key_auth", forwarding.text("header"));
  forwarding.harmless("hide_credentials");
  forwarding.done();
  config.harmless("credentials");
  config.done();
  return true;
}

export function judgeOAuth2(config: Message, skipped: Skipped): boolean {
  const inner = config.message("config", "OAuth2Config");
  let isClosed = true;
  for (const field of ["pass_through_matcher", "allow_failed_matcher"]) {
    if (inner.values(field).length === 0) continue;
    isClosed = false;
    inner.danger(
      `oauth2-open:${field}`,
      `oauth2: ${field} lets requests pass by headers that any client can send`,
      `take ${field} out`,
      inner.at(field),
    );
  }
  skipped.unstrippable(inner, "oauth2", "cookies");
  inner.harmless(
    ...["token_endpoint", "authorization_endpoint", "credentials", "redirect_uri", "redirect_path_matcher"],
    ...["signout_path", "forward_bearer_token", "auth_scopes", "resources", "auth_type", "use_refresh_token"],
    ...[
      "default_expires_in",
      "deny_redirect_matcher",
      "default_refresh_token_expires_in",
      "disable_id_token_set_cookie",
    ],
    ...["preserve_authorization_header", "disable_access_token_set_cookie", "disable_refresh_token_set_cookie"],
    ...["retry_policy", "cookie_configs", "stat_prefix", "csrf_token_expires_in", "code_verifier_token_expires_in"],
    ...["end_session_endpoint", "disable_token_encryption"],
  );
  inner.done();
  config.done();
  return isClosed;
}
