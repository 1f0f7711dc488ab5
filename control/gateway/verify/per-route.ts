/** `typed_per_filter_config`: what a route, virtual host or weighted cluster changes about the filters. */
import { type Entry, WITH_MATCHER } from "./chain.js";
import { extAuthzPerRoute } from "./filters/authz.js";
import { judgeHeaderMutation } from "./filters/headers.js";
import { jwtPerRoute } from "./filters/jwt.js";
import { judgeSettings } from "./filters/limits.js";
import { HARMLESS_PER_ROUTE } from "./filters/others.js";
import { judgeRules } from "./filters/rbac.js";
import { judgeState } from "./filters/state.js";
import { http, isGuardType, JWT, mentionsVerdict, placeOf, RBAC } from "./kinds.js";
import { branchesOf } from "./matcher.js";
import { type Message, openAny, type Typed } from "./message.js";

/** @param forwards whether requests reach an upstream there */
export function judgePerRoute(
  entries: readonly Entry[],
  key: string,
  typed: Typed,
  forwards: boolean,
  at: Message,
): void {
  const { type, message } = typed;
  // Envoy takes two filters of one name, and a route's configuration for that name is for both.
  const named = entries.filter(({ name, outer }) => name === key || outer.text("name") === key);
  const isOurs = named.some(({ isGlassgate }) => isGlassgate);
  const isGuard = isOurs || named.some(({ configs }) => configs.some((config) => isGuardType(config.type)));
  const place = named.every((entry) => placeOf(entries, entry) === "before") && named.length > 0 ? "before" : "behind";
  const opens = (why: string): void =>
    at.add(
      forwards ? "danger" : "warning",
      `route-opens:${key}`,
      forwards
        ? `${key} does not guard this route: ${why}`
        : `${key} does not guard this route (${why}), which reaches no upstream`,
      `take the ${key} entry out of typed_per_filter_config`,
      message.value ?? at.value,
    );
  switch (type) {
    case "envoy.config.route.v3.FilterConfig": {
      const isDisabled = message.flag("disabled") === true;
      const inner = message.take("config");
      message.harmless("is_optional");
      message.done();
      if (isDisabled && (isGuard || named.length === 0)) opens("it is disabled");
      if (inner !== undefined) judgePerRoute(entries, key, openAny(inner, message.where), forwards, at);
      return;
    }
    case http("jwt_authn.v3.PerRouteConfig"): {
      const isJwt = ({ type: its }: Entry): boolean => its === JWT;
      const filter = named.find(isJwt) ?? entries.find(isJwt);
      const why = jwtPerRoute(message, filter?.message);
      if (why !== undefined) opens(why);
      return;
    }
    case http("rbac.v3.RBACPerRoute"): {
      const inner = message.message("rbac", "RBAC");
      message.done();
      const ours = entries.find((entry) => entry.type === RBAC && mentionsVerdict(entry));
      if (!inner.exists) opens("it takes the guard's rules away");
      if (!inner.exists || ours === undefined || (named.length > 0 && !named.includes(ours))) return;
      const { guard, why } = judgeRules(inner);
      inner.done();
      if (guard !== "demands the verdict") opens(why);
      return;
    }
    case http("ext_authz.v3.ExtAuthzPerRoute"): {
      const why = extAuthzPerRoute(message);
      if (why !== undefined) opens(why);
      return;
    }
    case http("header_mutation.v3.HeaderMutationPerRoute"):
    case http("header_mutation.v3.HeaderMutation"):
      judgeHeaderMutation(message, place);
      return;
    case `${WITH_MATCHER}PerRoute`: {
      const branches = branchesOf(message.message("xds_matcher", "Matcher"));
      message.done();
      if (isOurs) opens("a matcher of the route's own decides whether the glassgate filter runs");
      else if (
        isGuard &&
        !branches.every(({ type: action, onlyOnAllow }) => action.endsWith(".SkipFilter") && onlyOnAllow)
      )
        opens("a matcher of the route's own skips it on more than the verdict");
      return;
    }
    default:
      if (judgeState(type, message)) return;
      if (HARMLESS_PER_ROUTE.has(type)) {
        judgeSettings(type, message, place, key);
        return;
      }
      at.unknown(
        `per-route:${type || key}`,
        `what the route changes about ${key} (${type || "without type"}) is not known here`,
        message.value ?? at.value,
      );
  }
}
