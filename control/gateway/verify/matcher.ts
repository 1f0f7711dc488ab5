/** Matching trees (xds_matcher): whether an action is taken only where the filter's verdict is exactly `allow`. */
import { GRANT_HEADER } from "./formats.js";
import { Message } from "./message.js";

export const VERDICT_STATE = "wasm.glassgate.verdict";
const STATE_INPUT = "envoy.extensions.matching.common_inputs.network.v3.FilterStateInput";
const HEADER_INPUT = "envoy.type.matcher.v3.HttpRequestHeaderMatchInput";

/** Any value: by bytes, or by characters, which for some versions of Envoy leaves out what is no UTF-8 and so no grant. */
const ANYTHING: ReadonlySet<string> = new Set(["\\C*", ".*"]);

/** An exact text, compared byte for byte. */
export function exactText(matcher: Message): string | undefined {
  const exact = matcher.text("exact");
  return matcher.flag("ignore_case") === true ? undefined : exact;
}

function readsVerdict(input: { type: string; message: Message }): boolean {
  return input.type === STATE_INPUT && input.message.text("key") === VERDICT_STATE;
}

/** Whether the predicate holds only where the verdict is `allow`. */
export function impliesAllow(predicate: Message): boolean {
  const single = predicate.message("single_predicate");
  if (single.exists) {
    return readsVerdict(single.extension("input")) && exactText(single.message("value_match")) === "allow";
  }
  const both = predicate.message("and_matcher").messages("predicate");
  if (both.length > 0) return both.some(impliesAllow);
  const either = predicate.message("or_matcher").messages("predicate");
  return either.length > 0 && either.every(impliesAllow);
}

/** Header names that a predicate looks at, in lower case. */
export function headersOfPredicate(predicate: Message): string[] {
  const single = predicate.message("single_predicate");
  const input = single.extension("input");
  const name =
    input.type === HEADER_INPUT ? (input.message.text("header_name")?.toLowerCase() ?? "unnamed") : undefined;
  const inner = ["and_matcher", "or_matcher"].flatMap((kind) => predicate.message(kind).messages("predicate"));
  const not = predicate.message("not_matcher");
  return [
    ...(name === undefined ? [] : [name]),
    ...inner.flatMap(headersOfPredicate),
    ...(not.exists ? headersOfPredicate(not) : []),
  ];
}

/** Whether the predicate is "x-break-glass is there", whatever its value, and nothing besides. */
function isGrantPresent(predicate: Message): boolean {
  const single = predicate.message("single_predicate");
  const input = single.extension("input");
  const match = single.message("value_match", "StringMatcher");
  const regex = match.message("safe_regex", "RegexMatcher");
  const isGrant = input.type === HEADER_INPUT && input.message.text("header_name")?.toLowerCase() === GRANT_HEADER;
  const isAnything = ANYTHING.has(regex.text("regex") ?? "");
  regex.harmless("google_re2");
  const isPresence = isGrant && isAnything;
  // Where it is another condition, that is told already; here, a field that nobody knows would make it another.
  if (isPresence) for (const message of [predicate, single, input.outer, input.message, match, regex]) message.done();
  return isPresence;
}

export interface Branch {
  /** The action's type; `matcher` where the branch goes on with another tree. */
  readonly type: string;
  readonly action: Message;
  readonly at: Message;
  readonly onlyOnAllow: boolean;
  readonly onGrantPresent: boolean;
  readonly headers: readonly string[];
}

function branch(onMatch: Message, rest: Omit<Branch, "type" | "action" | "at">): Branch {
  const action = onMatch.extension("action");
  const type = onMatch.take("matcher") !== undefined ? "matcher" : action.type;
  onMatch.done();
  return { type, action: action.message, at: onMatch, ...rest };
}

/** Every way through a tree, with what is known about it. */
export function branchesOf(tree: Message): Branch[] {
  const found: Branch[] = [];
  const list = tree.message("matcher_list", "MatcherList");
  for (const matcher of list.messages("matchers", "FieldMatcher")) {
    const predicate = matcher.message("predicate", "Predicate");
    found.push(
      branch(matcher.message("on_match"), {
        onlyOnAllow: impliesAllow(predicate),
        onGrantPresent: isGrantPresent(predicate),
        headers: headersOfPredicate(predicate),
      }),
    );
    matcher.done();
  }
  list.done();
  const table = tree.message("matcher_tree");
  if (table.exists) {
    const onVerdict = readsVerdict(table.extension("input"));
    for (const kind of ["exact_match_map", "prefix_match_map"]) {
      for (const [key, value] of table.message(kind).entries("map")) {
        const onlyOnAllow = onVerdict && kind === "exact_match_map" && key === "allow";
        found.push(
          branch(Message.of(value, "OnMatch", table.where), { onlyOnAllow, onGrantPresent: false, headers: [] }),
        );
      }
    }
    if (table.has("custom_match"))
      table.unknown("custom-match", "a custom matcher decides here, and nobody knows how", table.take("custom_match"));
  }
  const otherwise = tree.message("on_no_match");
  if (otherwise.exists) found.push(branch(otherwise, { onlyOnAllow: false, onGrantPresent: false, headers: [] }));
  return found;
}
