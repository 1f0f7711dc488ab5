/** Rate limits and tags: which headers they set, and what of a request they send to a service. */
import { GRANT_HEADER, grantLogged, judgeFormat } from "../formats.js";
import type { Message } from "../message.js";
import { everyValue } from "../value.js";
import { judgeOption, judgeSet, type Place } from "./headers.js";
import { http } from "./others.js";

/** Actions that say nothing of the request's headers, or only whether they match. */
const QUIET_ACTIONS = [
  ...["source_cluster", "destination_cluster", "remote_address", "masked_remote_address", "header_value_match"],
  ...["query_parameter_value_match", "query_parameters", "dynamic_metadata", "metadata", "remote_address_match"],
] as const;

/** `rate_limits` of routes, virtual hosts and filters: descriptors that go to the rate limit service. */
export function judgeRateLimits(message: Message): void {
  for (const limit of message.messages("rate_limits", "RateLimit")) {
    for (const action of limit.messages("actions", "RateLimit.Action")) {
      const header = action.message("request_headers");
      if (header.text("header_name")?.trim().toLowerCase() === GRANT_HEADER) grantLogged(action, header.value);
      const generic = action.message("generic_key");
      judgeFormat(generic, generic.text("descriptor_value") ?? "", generic.value);
      if (action.take("extension") !== undefined)
        action.unknown("rate-limit-extension", "an expression makes this descriptor: does it hold the grant?");
      action.harmless(...QUIET_ACTIONS);
      action.done();
    }
    limit.harmless("stage", "disable_key", "limit", "hits_addend", "apply_on_stream_done");
    limit.done();
  }
}

function judgeLocal(config: Message, place: Place): void {
  for (const option of config.messages("request_headers_to_add_when_not_enforced", "HeaderValueOption"))
    judgeOption(option, place, false);
  for (const option of config.messages("response_headers_to_add", "HeaderValueOption"))
    judgeOption(option, place, true);
  judgeRateLimits(config);
  config.harmless(
    ...["stat_prefix", "status", "token_bucket", "filter_enabled", "filter_enforced", "descriptors", "stage"],
    ...["local_rate_limit_per_downstream_connection", "local_cluster_rate_limit", "enable_x_ratelimit_headers"],
    ...["vh_rate_limits", "always_consume_default_token_bucket", "rate_limited_as_resource_exhausted"],
    ...["max_dynamic_descriptors", "rate_limited_status"],
  );
  config.done();
}

function judgeRemote(config: Message): void {
  for (const option of config.messages("response_headers_to_add", "HeaderValueOption"))
    judgeOption(option, "before", true);
  judgeRateLimits(config);
  config.harmless(
    ...["domain", "stage", "request_type", "timeout", "failure_mode_deny", "rate_limited_as_resource_exhausted"],
    ...["rate_limit_service", "enable_x_ratelimit_headers", "disable_x_envoy_ratelimited_header", "stat_prefix"],
    ...["rate_limited_status", "status_on_error", "filter_enabled", "filter_enforced", "failure_mode_deny_percent"],
    ...["vh_rate_limits", "override_option"],
  );
  config.done();
}

function judgeTagging(config: Message, place: Place): void {
  const header = config.message("ip_tag_header", "IpTagHeader");
  const name = header.text("header");
  if (name !== undefined) judgeSet(header, name, "", place);
  header.harmless("action");
  header.done();
  config.harmless("request_type", "ip_tags", "ip_tags_file_provider");
  config.done();
}

/** A filter, or its per-route form, that is good but for what it may set or send. @param name the filter's own */
export function judgeSettings(type: string, config: Message, place: Place, name: string): void {
  if (type === http("local_ratelimit.v3.LocalRateLimit")) judgeLocal(config, place);
  else if (type === http("ratelimit.v3.RateLimit") || type === http("ratelimit.v3.RateLimitPerRoute"))
    judgeRemote(config);
  else if (type === http("ip_tagging.v3.IPTagging")) judgeTagging(config, place);
  else {
    for (const { value } of config.value === undefined ? [] : everyValue(config.value)) {
      if (typeof value.data === "string" && value.data.trim().toLowerCase() === GRANT_HEADER)
        config.unknown(`reads-grant:${name}`, `${name} reads x-break-glass: where does the grant go?`, value);
    }
  }
}
