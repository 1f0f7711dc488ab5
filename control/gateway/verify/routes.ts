/** Route configurations: virtual hosts, routes and their clusters, with what each level changes about the filters. */
import { judgeHeaderFields, judgeRemoved } from "./filters/headers.js";
import { judgeRateLimits } from "./filters/limits.js";
import { judgeFormat } from "./formats.js";
import type { Chain } from "./guard.js";
import { judgeSubstitution, judgeTags } from "./logs.js";
import { inside, Message, openAny } from "./message.js";
import { judgePerRoute } from "./per-route.js";

const MIRROR = "a copy of each request, attestation and credentials included, goes to another cluster: who reads it?";

export interface Reach {
  /** Names of clusters that requests can reach, with a route that leads there. */
  readonly clusters: Map<string, Message>;
  /** Clusters that more than a page of statistics leads to. */
  readonly wide: Set<string>;
  /** Whether requests can reach clusters that this file does not name. */
  isUnknown: boolean;
}

export const noReach = (isUnknown = false): Reach => ({ clusters: new Map(), wide: new Set(), isUnknown });

/** What an exact path becomes; another rewrite may lead anywhere. */
function reachedPath(shown: string, action: Message): string {
  const rewrites = REWRITES.filter((field) => action.has(field));
  if (rewrites.length === 0) return shown;
  const isPlain = rewrites.join() === "prefix_rewrite" && shown.startsWith("path:");
  return isPlain ? `path:${action.text("prefix_rewrite") ?? ""}` : "";
}

/** Pages of the admin interface that only tell. */
const TELLING = /^path:\/(?:stats(?:\/prometheus)?|ready)$/;

function judgeFilters(message: Message, chain: Chain, forwards: boolean): void {
  for (const [key, value] of message.entries("typed_per_filter_config"))
    judgePerRoute(chain.entries, key, openAny(value, message.where), forwards, message);
}

export function judgeUpgrades(message: Message, isGuarded: boolean): void {
  for (const upgrade of message.messages("upgrade_configs", "UpgradeConfig")) {
    const kind = upgrade.text("upgrade_type") ?? "";
    const isOff = upgrade.take("enabled")?.text === "false";
    const ownChain = upgrade.values("filters").length > 0;
    if (ownChain && isGuarded)
      upgrade.danger(
        `upgrade-filters:${kind}`,
        `${kind} has a filter chain of its own: the guards of http_filters do not stand in it`,
        "take its filters out, so that http_filters count; a route may switch on what is off here",
      );
    const isConnect = upgrade.take("connect_config") !== undefined || /^connect/i.test(kind);
    upgrade.done();
    if (isOff || !isGuarded) continue;
    if (isConnect)
      upgrade.danger(
        `upgrade:${kind}`,
        `${kind} is on: whoever opens a tunnel sends what he likes through it, unjudged and unrecorded`,
        "take it out",
      );
    else
      upgrade.warn(
        `upgrade:${kind}`,
        "upgrades are on: a tunnel is judged once, when it opens",
        "grant the action CONNECT only where you mean it",
      );
  }
}

function judgeMatch(match: Message, isGuarded: boolean): string {
  if (match.take("connect_matcher") !== undefined && isGuarded)
    match.danger("connect-matcher", "a route takes CONNECT: a tunnel is judged once, by its host alone", "take it out");
  if (match.has("filter_state") && isGuarded)
    match.unknown("match-state", "filter state chooses the route", match.take("filter_state"));
  const kinds = ["prefix", "path", "path_separated_prefix"] as const;
  const kind = kinds.find((name) => match.has(name));
  const regex = match.message("safe_regex").text("regex");
  const shown = kind === undefined ? (regex ?? "match") : `${kind}:${match.text(kind) ?? ""}`;
  match.harmless("path_match_policy", "case_sensitive", "runtime_fraction", "headers", "query_parameters", "cookies");
  match.harmless("grpc", "tls_context", "dynamic_metadata", "filter_state");
  match.done();
  return shown;
}

function clusterBy(action: Message, reach: Reach): void {
  const name = action.text("cluster");
  if (name !== undefined) reach.clusters.set(name, action);
  const header = action.text("cluster_header");
  if (header !== undefined) {
    reach.isUnknown = true;
    action.danger(
      "cluster-header",
      `the request header ${header} chooses the upstream: any client can send it`,
      "name the cluster",
      action.at("cluster_header"),
    );
  }
}

const URI_TEMPLATE = "envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig";
const REWRITES = ["prefix_rewrite", "regex_rewrite", "path_rewrite", "path_rewrite_policy"] as const;

function warnOfHost(action: Message, field: string): void {
  action.warn(
    `rewrite:${field}`,
    `${field}: grants and records name the host before it, the upstream gets the one behind it`,
    "let approvers know which host is which",
    action.at(field),
  );
}

function judgeRewrites(action: Message): void {
  for (const field of REWRITES)
    if (action.has(field))
      action.warn(
        `rewrite:${field}`,
        `${field}: grants and records name the path before it, the upstream gets the one behind it`,
        "let approvers know which path is which",
        action.at(field),
      );
  const hosts = [
    ["host_rewrite_header", "another header says"],
    ["host_rewrite_path_regex", "the client's path says"],
  ] as const;
  for (const [field, says] of hosts) {
    if (action.take(field) === undefined) continue;
    action.danger(
      `rewrite:${field}`,
      `${field}: behind the verdict the host becomes what ${says}`,
      "name the host with host_rewrite_literal",
      action.at(field),
    );
  }
  for (const field of ["path_rewrite", "host_rewrite"]) {
    const value = action.take(field);
    if (value === undefined) continue;
    judgeFormat(action, value.text ?? "", value);
    if (value.text === undefined || /%[A-Z]/.test(value.text))
      action.danger(
        `rewrite:${field}`,
        `${field} is made of the request's parts behind the verdict`,
        "write it out",
        value,
      );
    else if (field === "host_rewrite") warnOfHost(action, field);
  }
  if (action.has("host_rewrite_literal")) warnOfHost(action, "host_rewrite_literal");
  if (action.flag("auto_host_rewrite") === true) warnOfHost(action, "auto_host_rewrite");
  const policy = action.extension("path_rewrite_policy");
  if (policy.outer.exists && policy.type !== URI_TEMPLATE)
    policy.outer.unknown("rewrite:path_rewrite_policy", `the rewrite ${policy.type} is not known here`);
}

function judgeAction(action: Message, chain: Chain, reach: Reach, isGuarded: boolean): void {
  clusterBy(action, reach);
  const weighted = action.message("weighted_clusters", "WeightedCluster");
  for (const cluster of weighted.messages("clusters", "ClusterWeight")) {
    const name = cluster.text("name");
    if (name !== undefined) reach.clusters.set(name, cluster);
    clusterBy(cluster, reach);
    if (cluster.has("host_rewrite_literal")) warnOfHost(cluster, "host_rewrite_literal");
    judgeHeaderFields(cluster, "behind");
    judgeFilters(cluster, chain, true);
    cluster.harmless("weight", "metadata_match", "host_rewrite_literal");
    cluster.done();
  }
  weighted.harmless("total_weight", "runtime_key_prefix", "random_value", "header_name", "use_hash_policy");
  weighted.done();
  for (const field of ["cluster_specifier_plugin", "inline_cluster_specifier_plugin"]) {
    const value = action.take(field);
    if (value === undefined) continue;
    reach.isUnknown = true;
    action.unknown(field, "a plugin chooses the upstream", value);
  }
  judgeRewrites(action);
  judgeRateLimits(action);
  judgeUpgrades(action, isGuarded);
  const redirects = action.take("internal_redirect_policy") ?? action.take("internal_redirect_action");
  if (redirects !== undefined && redirects.text !== "PASS_THROUGH_INTERNAL_REDIRECT")
    action.danger(
      "internal-redirect",
      "internal redirects: the upstream's answer makes the gateway send another request, which nobody asked for and no grant covers",
      "take internal_redirect_policy out; let the client follow",
      redirects,
    );
  for (const mirror of action.messages("request_mirror_policies", "RequestMirrorPolicy")) {
    mirror.unknown("mirror", MIRROR);
    clusterBy(mirror, noReach());
    mirror.harmless("runtime_fraction", "trace_sampled", "disable_shadow_host_suffix_append", "host_rewrite_literal");
    judgeMirrorHeaders(mirror);
    mirror.done();
  }
  action.harmless(
    ...["cluster_not_found_response_code", "metadata_match", "prefix_rewrite", "regex_rewrite", "host_rewrite_literal"],
    ...["auto_host_rewrite", "append_x_forwarded_host", "timeout", "idle_timeout", "early_data_policy", "retry_policy"],
    ...["retry_policy_typed_config", "priority", "include_vh_rate_limits", "hash_policy", "cors"],
    ...["max_grpc_timeout", "grpc_timeout_offset", "max_internal_redirects", "hedge_policy", "max_stream_duration"],
    "flush_timeout",
  );
  action.done();
}

function judgeMirrorHeaders(mirror: Message): void {
  mirror.harmless("request_headers_mutations");
}

function judgeRoute(value: Message, chain: Chain, reach: Reach, isGuarded: boolean): void {
  const shown = judgeMatch(value.message("match", "RouteMatch"), isGuarded);
  const route = value.inScope(value.text("name") || shown);
  const action = route.message("route", "RouteAction");
  route.harmless("name", "match");
  if (action.exists) {
    const own = noReach();
    judgeAction(action, chain, own, isGuarded);
    for (const [name, at] of own.clusters) {
      reach.clusters.set(name, at);
      if (!TELLING.test(reachedPath(shown, action))) reach.wide.add(name);
    }
    reach.isUnknown ||= own.isUnknown;
  }
  const answer = route.message("direct_response", "DirectResponse");
  const format = answer.message("body_format", "SubstitutionFormatString");
  if (format.exists) judgeSubstitution(format);
  answer.harmless("status", "body");
  answer.done();
  route.harmless("redirect", "non_forwarding_action", "metadata", "decorator", "stat_prefix");
  if (route.take("filter_action") !== undefined)
    route.unknown("filter-action", "a filter decides what this route does");
  route.harmless("per_request_buffer_limit_bytes", "request_body_buffer_limit");
  const tracing = route.message("tracing", "Tracing");
  judgeTags(tracing.messages("custom_tags", "CustomTag"));
  tracing.harmless("client_sampling", "random_sampling", "overall_sampling", "operation", "upstream_operation");
  tracing.done();
  judgeHeaderFields(route, "behind");
  judgeFilters(route, chain, action.exists);
  route.done();
}

function judgeHost(host: Message, chain: Chain, reach: Reach, isGuarded: boolean): void {
  for (const route of host.messages("routes", "Route")) judgeRoute(route, chain, reach, isGuarded);
  if (host.take("matcher") !== undefined) {
    reach.isUnknown = true;
    host.unknown("route-matcher", "routes by a matcher tree are not read here", host.at("matcher"));
  }
  for (const mirror of host.messages("request_mirror_policies")) mirror.unknown("mirror", MIRROR);
  judgeRateLimits(host);
  judgeHeaderFields(host, "behind");
  judgeFilters(host, chain, true);
  host.harmless(
    ...["name", "domains", "require_tls", "virtual_clusters", "cors", "include_request_attempt_count"],
    ...["include_attempt_count_in_response", "retry_policy", "retry_policy_typed_config", "hedge_policy", "metadata"],
    ...["include_is_timeout_retry_header", "per_request_buffer_limit_bytes", "request_body_buffer_limit"],
  );
  host.done();
}

export function judgeRoutes(config: Message, chain: Chain, reach: Reach, isGuarded: boolean): void {
  for (const host of config.values("virtual_hosts")) {
    const name = host.map?.get("name")?.text ?? "";
    judgeHost(Message.of(host, "VirtualHost", inside(config.where, name)), chain, reach, isGuarded);
  }
  for (const field of ["vhds", "cluster_specifier_plugins"]) {
    const value = config.take(field);
    if (value === undefined) continue;
    reach.isUnknown = true;
    config.unknown(field, `${field}: what comes by it is not in this file`, value);
  }
  for (const mirror of config.messages("request_mirror_policies")) mirror.unknown("mirror", MIRROR);
  judgeHeaderFields(config, "behind");
  judgeFilters(config, chain, true);
  if (isGuarded) for (const name of config.texts("internal_only_headers")) judgeRemoved(config, name, "before");
  config.harmless(
    ...["name", "internal_only_headers", "most_specific_header_mutations_wins", "validate_clusters", "metadata"],
    ...[
      "max_direct_response_body_size_bytes",
      "ignore_port_in_host_matching",
      "ignore_path_parameters_in_path_matching",
    ],
  );
  config.done();
}
