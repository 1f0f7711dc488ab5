/** Ways in which the composite round the glassgate filter is another one than "x-break-glass is there: judge". */
import type { Change } from "./changes.js";
import {
  ACTION,
  all,
  BRANCH,
  DISCOVERY,
  FILTERS,
  filter,
  googleType,
  http,
  insert,
  MANAGER,
  MATCHER,
  ROUTE,
  remove,
  set,
  skip,
} from "./files.js";

const PREDICATE = [...BRANCH, "predicate"];
const INPUT = [...PREDICATE, "single_predicate", "input", "typed_config"];
const VALUE = [...PREDICATE, "single_predicate", "value_match"];
const present = (header_name: string): object => ({
  single_predicate: {
    input: {
      name: "h",
      typed_config: { "@type": googleType("envoy.type.matcher.v3.HttpRequestHeaderMatchInput"), header_name },
    },
    value_match: { safe_regex: { google_re2: {}, regex: ".*" } },
  },
});
const executes = (config: object): object => ({
  action: { name: "run", typed_config: { "@type": http("composite.v3.ExecuteFilterAction"), ...config } },
});
const lua = filter("script", "lua.v3.Lua", { default_source_code: { inline_string: "" } });
const CONDITION = /runs on another condition than the presence/;
const UNKNOWN = "not understood" as const;

const conditions: readonly Change[] = (
  [
    ["another header", set([...INPUT, "header_name"], "x-breakglass")],
    ["another of the filter's headers", set([...INPUT, "header_name"], "x-break-glass-grant")],
    [
      "a header of the response",
      set([...INPUT, "@type"], googleType("envoy.type.matcher.v3.HttpResponseHeaderMatchInput")),
    ],
    ["values that are not empty", set([...VALUE, "safe_regex", "regex"], ".+")],
    ["a prefix", set(VALUE, { prefix: "ey" })],
    ["an exact value", set(VALUE, { exact: "" })],
    ["the inverse", set(PREDICATE, { not_matcher: present("x-break-glass") })],
    ["one header more", set(PREDICATE, { and_matcher: { predicate: [present("x-break-glass"), present("x-go")] } })],
    [
      "one header or another",
      set(PREDICATE, { or_matcher: { predicate: [present("x-break-glass"), present("x-go")] } }),
    ],
    ["a custom match", set([...PREDICATE, "single_predicate"], { custom_match: { name: "x" } })],
    ["what no branch matches", set([...MATCHER, "on_no_match"], executes({ dynamic_config: { name: "glassgate" } }))],
    [
      "a table over the header",
      set(MATCHER, {
        matcher_tree: {
          input: {
            name: "h",
            typed_config: {
              "@type": googleType("envoy.type.matcher.v3.HttpRequestHeaderMatchInput"),
              header_name: "x-break-glass",
            },
          },
          prefix_match_map: { map: { "": executes({ dynamic_config: { name: "glassgate" } }) } },
        },
      }),
    ],
  ] as const
).map(([name, edit]) => ({ name: `the composite's condition: ${name}`, edit, says: CONDITION }));

const actions: readonly Change[] = [
  {
    name: "a sample of grants is judged",
    edit: set([...ACTION, "sample_percent"], { default_value: { numerator: 50 } }),
    says: /runs for a sample of requests only/,
  },
  {
    name: "a SkipFilter in place of the composite's action",
    edit: set([...BRANCH, "on_match"], skip),
    says: /the glassgate filter itself is skipped on a condition/,
  },
  {
    name: "a branch before it that skips the filter on a header",
    edit: insert([...MATCHER, "matcher_list", "matchers"], 0, { predicate: present("x-go"), on_match: skip }),
    says: /the glassgate filter itself is skipped on a condition/,
  },
  {
    name: "nothing where nothing matches, by a SkipFilter",
    edit: set([...MATCHER, "on_no_match"], skip),
    says: /the glassgate filter itself is skipped on a condition/,
  },
  {
    name: "a matcher inside the composite's matcher",
    edit: set([...BRANCH, "on_match"], {
      matcher: { matcher_list: { matchers: [{ predicate: present("x-go"), on_match: skip }] } },
    }),
    says: /a matcher decides about the glassgate filter/,
    level: UNKNOWN,
  },
  {
    name: "another filter in the composite",
    edit: insert([...MATCHER, "matcher_list", "matchers"], 1, {
      predicate: present("x-go"),
      on_match: executes({ typed_config: lua }),
    }),
    says: /beside the glassgate filter this composite runs script/,
    level: UNKNOWN,
  },
  {
    name: "another filter instead of ours",
    edit: set([...BRANCH, "on_match"], executes({ typed_config: lua })),
    says: /no glassgate filter was found/,
  },
  {
    name: "a filter chain in the action",
    edit: set([...ACTION, "filter_chain"], { typed_config: [lua] }),
    says: /the field filter_chain of ExecuteFilterAction is not known here/,
    level: UNKNOWN,
  },
  {
    name: "a named filter chain in the action",
    edit: set([...ACTION, "filter_chain_name"], "other"),
    says: /the field filter_chain_name of ExecuteFilterAction is not known here/,
    level: UNKNOWN,
  },
  {
    name: "filter chains in the composite",
    edit: set([...FILTERS, 0, "typed_config", "extension_config", "typed_config", "named_filter_chains"], { a: {} }),
    says: /the field named_filter_chains of Composite is not known here/,
    level: UNKNOWN,
  },
  {
    name: "two filters in one action",
    edit: set([...ACTION, "typed_config"], lua),
    says: /this action names two filters/,
    level: UNKNOWN,
  },
  {
    name: "a match that goes on after it matched",
    edit: set([...BRANCH, "on_match", "keep_matching"], true),
    says: /the field keep_matching/,
    level: UNKNOWN,
  },
  {
    name: "a field of the predicate that nobody knows",
    edit: set([...PREDICATE, "single_predicate", "value_match", "invert"], true),
    says: /the field invert of StringMatcher is not known here/,
    level: UNKNOWN,
  },
  {
    name: "a composite that may become another filter by discovery",
    edit: set([...DISCOVERY, "type_urls"], [http("wasm.v3.Wasm"), http("lua.v3.Lua")]),
    says: /by discovery, glassgate may become a .*Lua/,
    level: UNKNOWN,
  },
  {
    name: "a composite whose filter fails open",
    edit: set([...DISCOVERY, "default_config", "config", "failure_policy"], "FAIL_OPEN"),
    says: /the filter fails open/,
  },
];

const around: readonly Change[] = [
  {
    name: "require behind composite",
    edit: set(
      [...DISCOVERY, "default_config", "config", "configuration", "value"],
      '{"require":true,"strip":["x-jwt-payload"]}',
    ),
    says: /`require` is on, but behind composite/,
  },
  {
    name: "composite without early removal",
    edit: remove([...MANAGER, "early_header_mutation_extensions"]),
    says: /any request without a grant can forge it to the upstream/,
  },
  {
    name: "composite with early removal of another header",
    edit: set(
      [...MANAGER, "early_header_mutation_extensions", 0, "typed_config", "mutations", 0, "remove"],
      "x-break-glass-grants",
    ),
    says: /any request without a grant can forge it to the upstream/,
  },
  {
    name: "a composite that is disabled",
    edit: set([...FILTERS, 0, "disabled"], true),
    says: /the glassgate filter is disabled/,
  },
  {
    name: "a route with a matcher of its own for the composite",
    edit: set([...ROUTE, "typed_per_filter_config"], {
      glassgate: {
        "@type": googleType("envoy.extensions.common.matching.v3.ExtensionWithMatcherPerRoute"),
        xds_matcher: { matcher_list: { matchers: [{ predicate: present("x-go"), on_match: skip }] } },
      },
    }),
    says: /glassgate does not guard this route: a matcher of the route's own/,
  },
  {
    name: "a route that switches the composite off",
    edit: set([...ROUTE, "typed_per_filter_config"], {
      glassgate: { "@type": googleType("envoy.config.route.v3.FilterConfig"), disabled: true },
    }),
    says: /glassgate does not guard this route: it is disabled/,
  },
  {
    name: "the filter in the chain as well",
    edit: all(insert(FILTERS, 1, filter("glassgate-2", "wasm.v3.Wasm", { config: { name: "glassgate" } }))),
    says: /a second glassgate filter stands in the chain/,
  },
];

export const composite: readonly Change[] = [...conditions, ...actions, ...around];
