/** RBAC: as the guard that demands the verdict, and as an operator's own rules, which only take away. */
import { exactText, VERDICT_STATE } from "../matcher.js";
import { Message } from "../message.js";

const ACTIONS = ["ALLOW", "DENY", "LOG"] as const;

/** Whether the principal holds only for a request whose verdict is `allow`. */
function demandsVerdict(principal: Message): boolean {
  const state = principal.message("filter_state");
  if (state.exists) {
    const isExact = exactText(state.message("string_match")) === "allow";
    return state.text("key") === VERDICT_STATE && isExact;
  }
  const all = principal.message("and_ids").messages("ids");
  if (all.length > 0) return all.some(demandsVerdict);
  const any = principal.message("or_ids").messages("ids");
  return any.length > 0 && any.every(demandsVerdict);
}

/** Whether the principal holds for every request whose verdict is not `allow`. */
function holdsWithoutVerdict(principal: Message): boolean {
  if (principal.flag("any") === true) return true;
  const not = principal.message("not_id");
  if (not.exists) {
    const state = not.message("filter_state");
    return state.text("key") === VERDICT_STATE && exactText(state.message("string_match")) === "allow";
  }
  const any = principal.message("or_ids").messages("ids");
  return any.some(holdsWithoutVerdict);
}

/** What names any of the filter's own state is meant as the guard, and has to be one. */
const mentionsVerdict = (value: Message): boolean =>
  JSON.stringify(value.value?.toJson() ?? null).includes("wasm.glassgate.");

export type Guard = "demands the verdict" | "open" | "other rules";

/** @returns what the rules do for the guard, and why they are open */
export function judgeRules(rbac: Message): { guard: Guard; why: string } {
  const rules = rbac.message("rules", "RBAC.rules");
  const isMeant = mentionsVerdict(rbac);
  rbac.harmless(
    "shadow_rules",
    "shadow_rules_stat_prefix",
    "rules_stat_prefix",
    "track_per_rule_stats",
    "shadow_matcher",
  );
  if (rbac.has("matcher")) {
    rbac.unknown("rbac-matcher", "RBAC by a matcher tree is not read here", rbac.take("matcher"));
    return { guard: isMeant ? "open" : "other rules", why: "its matcher is not understood" };
  }
  if (!rules.exists) {
    const why = rbac.has("shadow_rules")
      ? "it has shadow_rules only, which are counted and never enforced"
      : "it has no rules";
    return { guard: isMeant ? "open" : "other rules", why };
  }
  const action = rules.choice("action", ACTIONS) ?? "ALLOW";
  const policies = rules.entries("policies").map(([name, value]) => {
    const policy = Message.of(value, "Policy", rules.where);
    policy.harmless("permissions", "principals", "condition", "checked_condition", "cel_config");
    policy.done();
    return { name, policy };
  });
  rules.harmless("audit_logging_options");
  rules.done();
  if (!isMeant) return { guard: "other rules", why: "its rules do not name the verdict" };
  if (action === "LOG") return { guard: "open", why: "its action is LOG" };
  if (action === "DENY") {
    const denies = policies.some(
      ({ policy }) =>
        policy.messages("permissions").some((permission) => permission.flag("any") === true) &&
        policy.messages("principals").some(holdsWithoutVerdict) &&
        !policy.has("condition") &&
        !policy.has("checked_condition"),
    );
    return denies
      ? { guard: "demands the verdict", why: "" }
      : { guard: "open", why: "its DENY does not cover every request without the verdict" };
  }
  for (const { name, policy } of policies) {
    const principals = policy.messages("principals");
    if (principals.length === 0 || !principals.every(demandsVerdict))
      return { guard: "open", why: `its policy ${name} also admits requests without the verdict` };
  }
  return { guard: "demands the verdict", why: "" };
}

export const RBAC_MEND = `one policy with one principal: filter_state { key: ${VERDICT_STATE}, string_match: { exact: allow } }, action ALLOW`;
