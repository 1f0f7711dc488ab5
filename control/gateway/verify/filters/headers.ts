/** Headers that something adds, changes or removes, before and behind the verdict. */
import { strippedHeaders } from "../../stripped.gen.js";
import { ATTESTATION_HEADER, GRANT_HEADER, headersOf, judgeFormat, operatorsOf } from "../formats.js";
import type { Message } from "../message.js";

/** What a request is: changed behind the verdict, another request reaches the upstream than the one judged. */
const TARGET = new Set([":path", ":method", ":authority", ":scheme", ":protocol", "host"]);
/** What some upstreams read instead of method, path or host, or as who calls; Envoy's own notes of what it rewrote. */
const OVERRIDES: ReadonlySet<string> = new Set([
  ...strippedHeaders.map(({ name }) => name),
  ...["x-envoy-original-path", "x-envoy-original-host"],
]);
/** Those that no gateway sets for another reason: with a fixed value, too, each request is another one. */
const REPLACES: ReadonlySet<string> = new Set(
  strippedHeaders.filter(({ replaces }) => replaces).map(({ name }) => name),
);

/** What leads from the record to the answer and to the upstream's own logs. */
const REQUEST_ID = "x-request-id";

export type Place = "before" | "behind";

/** One header that is set. @param value its format */
export function judgeSet(message: Message, header: string, value: string, place: Place): void {
  const name = header.toLowerCase();
  judgeFormat(message, value, message.value);
  const copies = operatorsOf(value).some(
    (operator) => headersOf(operator).length > 0 || operator.name === "QUERY_PARAM",
  );
  if (name === ATTESTATION_HEADER)
    message.danger(
      "forges-attestation",
      `${ATTESTATION_HEADER} is set here: the upstream takes it for the filter's attestation`,
      "only the filter sets it",
    );
  else if (name === REQUEST_ID)
    message.warn(
      "request-id-set",
      `${REQUEST_ID} is set here: the record's request_id and the one in other logs may be another, or the client's choice`,
      "leave it to Envoy",
    );
  else if (name === GRANT_HEADER)
    message.danger("sets-grant", `${GRANT_HEADER} is set here: a grant would be made up for the caller`, "take it out");
  else if (place === "behind" && TARGET.has(name))
    message.danger(
      `target-changed:${name}`,
      `${name} is changed behind the verdict: the upstream gets another request than the one judged`,
      "change it before the glassgate filter, or not at all",
    );
  else if (place === "behind" && OVERRIDES.has(name) && copies)
    message.danger(
      `override-copied:${name}`,
      `${name} is copied from the client's request behind the verdict, which had removed it`,
      "take it out",
    );
  else if (place === "behind" && REPLACES.has(name))
    message.danger(
      `override-set:${name}`,
      `${name} is set behind the verdict: an upstream that reads it gets another request than the one judged`,
      "take it out",
    );
  else if (place === "before" && TARGET.has(name) && copies)
    message.warn(
      `target-copied:${name}`,
      `${name} comes from another header of the client's before the filter judges`,
      "let clients send it as it is",
    );
}

export function judgeRemoved(message: Message, header: string, place: Place): void {
  const name = header.toLowerCase();
  if (name === GRANT_HEADER && place === "before")
    message.warn("removes-grant", "the grant is removed before the filter sees it: no grant works", "take it out");
  if (name === ATTESTATION_HEADER && place === "behind")
    message.warn("removes-attestation", "the upstream never sees who broke the glass", "take it out");
}

/** HeaderValueOption: `append_action` and what is set. */
export function judgeOption(option: Message, place: Place, isResponse: boolean): void {
  const header = option.message("header", "HeaderValue");
  const value = header.text("value") ?? "";
  const name = header.text("key") ?? "";
  header.harmless("raw_value");
  if (header.has("raw_value"))
    header.unknown("raw-value", "a raw header value is not read here", header.at("raw_value"));
  header.done();
  option.harmless("append_action", "append", "keep_empty_value");
  option.done();
  if (isResponse) judgeFormat(option, value, option.value);
  else judgeSet(option, name, value, place);
}

/** `request_headers_to_add`, `_remove` and their responses, at any level of the routes. */
export function judgeHeaderFields(message: Message, place: Place): void {
  for (const option of message.messages("request_headers_to_add", "HeaderValueOption"))
    judgeOption(option, place, false);
  for (const name of message.texts("request_headers_to_remove")) judgeRemoved(message, name, place);
  for (const option of message.messages("response_headers_to_add", "HeaderValueOption"))
    judgeOption(option, place, true);
  message.harmless("response_headers_to_remove");
}

/** Mutations as the header_mutation filter and early_header_mutation have them. @returns names removed from the request */
export function judgeMutations(mutations: readonly Message[], place: Place, isResponse = false): string[] {
  const removed: string[] = [];
  for (const mutation of mutations) {
    const name = mutation.text("remove");
    const option = mutation.message("append", "HeaderValueOption");
    if (option.exists) judgeOption(option, place, isResponse);
    if (name !== undefined) {
      removed.push(name.toLowerCase());
      if (!isResponse) judgeRemoved(mutation, name, place);
    }
    const matching = mutation.message("remove_on_match");
    if (matching.exists && !isResponse)
      matching.unknown("removes-by-pattern", "request headers are removed by a pattern: is the grant among them?");
    matching.harmless("key_matcher");
    mutation.done();
  }
  return removed;
}

/** Names are tokens: either takes all of them. */
const EVERY_NAME = new Set([".*", "\\C*"]);

/** Trailers are no part of what was decided about. @returns whether none of the client's is left */
function judgeTrailers(mutations: Message, place: Place): boolean {
  let dropsAll = false;
  for (const mutation of mutations.messages("request_trailers_mutations", "HeaderMutation")) {
    if (mutation.take("append") !== undefined && place === "behind")
      mutation.warn(
        "changes:request_trailers_mutations",
        "request_trailers_mutations: the upstream gets another request than the one on record",
        "change it before the glassgate filter",
      );
    const matcher = mutation.message("remove_on_match").message("key_matcher", "StringMatcher");
    if (EVERY_NAME.has(matcher.message("safe_regex").text("regex") ?? "")) dropsAll = true;
    mutation.harmless("remove");
    mutation.done();
  }
  return dropsAll;
}

/** The header_mutation filter, and its per-route form, which holds the same `mutations`. @returns whether it drops all trailers */
export function judgeHeaderMutation(config: Message, place: Place): boolean {
  const mutations = config.message("mutations", "Mutations");
  judgeMutations(mutations.messages("request_mutations", "HeaderMutation"), place);
  judgeMutations(mutations.messages("response_mutations", "HeaderMutation"), place, true);
  judgeMutations(mutations.messages("response_trailers_mutations", "HeaderMutation"), place, true);
  if (mutations.take("query_parameter_mutations") !== undefined && place === "behind")
    mutations.warn(
      "changes:query_parameter_mutations",
      "query_parameter_mutations: the upstream gets another request than the one on record",
      "change it before the glassgate filter",
      mutations.at("query_parameter_mutations"),
    );
  const dropsTrailers = judgeTrailers(mutations, place);
  config.harmless("most_specific_header_mutations_wins");
  mutations.done();
  config.done();
  return dropsTrailers;
}
