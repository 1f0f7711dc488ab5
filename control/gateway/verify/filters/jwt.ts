/** jwt_authn: whether each request meets a requirement that only a valid token satisfies. */
import { VERDICT_STATE } from "../matcher.js";
import { Message } from "../message.js";
import type { Skipped } from "./skipped.js";

type Table = ReadonlyMap<string, Message>;

/** Says why a requirement is met without a token; undefined where it is not. */
function openBy(requirement: Message, table: Table, depth = 0): string | undefined {
  if (!requirement.exists || depth > 20) return "it demands nothing";
  for (const open of ["allow_missing", "allow_missing_or_failed", "extract_only_without_validation"])
    if (requirement.take(open) !== undefined) return open;
  const name = requirement.text("requirement_name");
  if (name !== undefined) {
    const named = table.get(name);
    return named === undefined ? `there is no requirement ${name}` : openBy(named, table, depth + 1);
  }
  requirement.harmless("provider_name", "provider_and_audiences");
  const any = requirement.message("requires_any");
  const all = requirement.message("requires_all");
  let why: string | undefined;
  if (any.exists) {
    const reasons = any.messages("requirements").map((inner) => openBy(inner, table, depth + 1));
    why = reasons.find((reason) => reason !== undefined) ?? (reasons.length === 0 ? "it demands nothing" : undefined);
  } else if (all.exists) {
    const reasons = all.messages("requirements").map((inner) => openBy(inner, table, depth + 1));
    why = reasons.every((reason) => reason !== undefined) ? (reasons[0] ?? "it demands nothing") : undefined;
  } else if (!requirement.has("provider_name") && !requirement.has("provider_and_audiences")) {
    why = "it demands nothing";
  }
  requirement.done();
  return why;
}

/** A match that each path fits, for every request. */
function isCatchAll(match: Message): boolean {
  const all =
    ["/", ""].includes(match.text("prefix") ?? "none") ||
    [".*", "/.*", "^/.*", "^/.*$"].includes(match.message("safe_regex").text("regex") ?? "");
  const narrower = ["headers", "query_parameters", "runtime_fraction", "grpc", "tls_context", "dynamic_metadata"];
  match.harmless("path", "path_separated_prefix", "case_sensitive", "connect_matcher", "path_match_policy");
  return all && !narrower.some((field) => match.take(field) !== undefined);
}

const tableOf = (config: Message): Table =>
  new Map(
    config
      .entries("requirement_map")
      .map(([name, value]) => [name, Message.of(value, "JwtRequirement", config.where)] as const),
  );

const OPEN_MEND = "name a provider: requires: { provider_name: ... }; take out what is met without a token";

/** @returns whether every request needs a valid token here, as far as this filter's own configuration says */
export function judgeJwt(config: Message): boolean {
  const table = tableOf(config);
  let isClosed = true;
  let isCovered = false;
  for (const rule of config.messages("rules", "RequirementRule")) {
    const match = rule.message("match", "RouteMatch");
    const what = match.text("prefix") ?? match.text("path") ?? match.text("path_separated_prefix") ?? "its match";
    const isAll = isCatchAll(match);
    const name = rule.text("requirement_name");
    const requirement = name === undefined ? rule.message("requires", "JwtRequirement") : table.get(name);
    const why = requirement === undefined ? `there is no requirement ${name}` : openBy(requirement, table);
    match.done();
    rule.done();
    if (why !== undefined && !isCovered) {
      isClosed = false;
      rule.danger(`jwt-open:${what}`, `jwt_authn lets ${what} pass without a valid token: ${why}`, OPEN_MEND);
    }
    isCovered ||= isAll;
  }
  if (!isCovered) {
    isClosed = false;
    config.danger(
      "jwt-uncovered",
      "jwt_authn has no rule for every path: what no rule matches passes without a token",
      "end the rules with { match: { prefix: / }, requires: { provider_name: ... } }",
      config.at("rules"),
    );
  }
  judgeStateRules(config);
  if (config.flag("bypass_cors_preflight") === true) {
    isClosed = false;
    config.danger(
      "jwt-preflight",
      "bypass_cors_preflight: an OPTIONS request that looks like a preflight passes without a token",
      "take it out; the cors filter in front answers preflights itself",
      config.at("bypass_cors_preflight"),
    );
  }
  config.harmless("providers", "requirement_map", "strip_failure_response", "stat_prefix");
  config.done();
  return isClosed;
}

function judgeStateRules(config: Message): void {
  const rules = config.message("filter_state_rules");
  if (!rules.exists) return;
  const key = rules.text("name") ?? "";
  if (key.startsWith("wasm."))
    config.danger(
      "jwt-state-rules",
      `jwt_authn's filter_state_rules cannot read ${key} and let everything pass`,
      `use ExtensionWithMatcher with FilterStateInput on ${VERDICT_STATE}, as in envoy.yaml`,
      rules.value,
    );
  else rules.unknown("jwt-state-rules", `filter state ${key} chooses what jwt_authn demands`);
}

/** A route's own configuration. @returns why requests pass there without a token */
export function jwtPerRoute(config: Message, filter: Message | undefined): string | undefined {
  const name = config.text("requirement_name");
  const isDisabled = config.flag("disabled") === true;
  config.done();
  if (isDisabled) return "it is disabled";
  if (name === undefined) return undefined;
  const named = filter === undefined ? undefined : tableOf(filter).get(name);
  return named === undefined ? `there is no requirement ${name}` : openBy(named, tableOf(filter ?? config));
}

/** What a skipped jwt_authn would have set, removed or judged. */
export function jwtSkipped(config: Message, skipped: Skipped): void {
  for (const [name, value] of config.entries("providers")) {
    const provider = Message.of(value, "JwtProvider", config.where);
    skipped.sets(provider, "jwt_authn", provider.text("forward_payload_header"), provider.at("forward_payload_header"));
    for (const claim of provider.messages("claim_to_headers")) {
      skipped.sets(claim, "jwt_authn", claim.text("header_name"));
      claim.harmless("claim_name");
      claim.done();
    }
    const headers = provider.messages("from_headers");
    for (const from of headers) {
      skipped.sets(from, "jwt_authn", from.text("name"));
      from.harmless("value_prefix");
      from.done();
    }
    for (const field of ["from_params", "from_cookies"]) {
      const names = provider.texts(field);
      if (names.length > 0 && skipped.isSkipped)
        provider.danger(
          `unstripped:${field}:${name}`,
          `jwt_authn reads tokens from ${field === "from_params" ? "the query" : "cookies"} (${names.join(", ")}): with a grant they reach the upstream unverified`,
          "read tokens from headers only",
          provider.at(field),
        );
    }
    if (skipped.isSkipped && headers.length === 0 && !provider.has("from_params") && !provider.has("from_cookies"))
      provider.warn(
        `unstripped:access_token:${name}`,
        "jwt_authn also reads ?access_token=: with a grant such a token reaches the upstream unverified",
        'add from_headers: [ { name: authorization, value_prefix: "Bearer " } ]',
      );
    if ((provider.text("issuer") ?? "") === "")
      provider.warn(`issuer:${name}`, "the provider has no issuer: its keys vouch for any", "set issuer");
    if (provider.values("audiences").length === 0)
      provider.warn(
        `audiences:${name}`,
        "the provider names no audiences: a token for anybody passes",
        "set audiences",
      );
    const skew = provider.number("clock_skew_seconds") ?? 0;
    if (skew > 600)
      provider.add(
        skew >= 3600 ? "danger" : "warning",
        `clock-skew:${name}`,
        `clock_skew_seconds is more than ten minutes: normal callers' tokens pass ${skew} seconds after they expire`,
        "take it out: 60 is the default",
        provider.at("clock_skew_seconds"),
      );
    provider.harmless(
      ...[
        "subjects",
        "require_expiration",
        "max_lifetime",
        "remote_jwks",
        "local_jwks",
        "forward",
        "clock_skew_seconds",
      ],
      ...["pad_forward_payload_header", "payload_in_metadata", "header_in_metadata", "failed_status_in_metadata"],
      ...["jwt_cache_config", "normalize_payload_in_metadata", "clear_route_cache"],
    );
    provider.done();
  }
}
