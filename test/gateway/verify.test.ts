/** `gateway verify`: what is wrong with an Envoy configuration, named with its line. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { verifyGateway } from "../../control/gateway/verify/index.js";

const file = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
const good = file("envoy.yaml").replace("GLASSGATE_CONFIGURATION", `'{"strip":["x-jwt-payload"]}'`);
const required = file("config/envoy-require.yaml").replace("GLASSGATE_CONFIGURATION", `'{"require":true}'`);

/** Removes the line that begins so, and its indented block. */
function without(text: string, start: string): string {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => line.trim().startsWith(start));
  if (at < 0) throw new Error(`no line ${start}`);
  const indent = (line: string): number => line.search(/\S/);
  let end = at + 1;
  while (end < lines.length && ((lines[end] ?? "").trim() === "" || indent(lines[end] ?? "") > indent(lines[at] ?? "")))
    end++;
  return [...lines.slice(0, at), ...lines.slice(end)].join("\n");
}

const broken: readonly (readonly [name: string, text: string, level: "danger" | "warning", message: RegExp])[] = [
  ["no normalize_path", without(good, "normalize_path"), "danger", /^normalize_path is not true/],
  ["no merge_slashes", without(good, "merge_slashes"), "danger", /^merge_slashes is not true/],
  [
    "escaped slashes pass",
    good.replace("REJECT_REQUEST\n                common", "KEEP_UNCHANGED\n                common"),
    "danger",
    /^path_with_escaped_slashes_action/,
  ],
  ["use_remote_address unset", without(good, "use_remote_address"), "danger", /^use_remote_address is not true/],
  [
    "open streams that are not written",
    without(good, "access_log_options"),
    "warning",
    /still open is not on record until it ends/,
  ],
  [
    "open streams that are written once in ten minutes",
    good.replace("access_log_flush_interval: 5s", "access_log_flush_interval: 600s"),
    "warning",
    /not on record for 600 seconds/,
  ],
  ["no answers' log", without(good, "- name: answers"), "warning", /no access log has the answer/],
  ...(
    [
      ["preserve_external_request_id: true", "the client"],
      ["generate_request_id: false", "with generate_request_id false the client"],
      [
        "internal_address_config: { cidr_ranges: [ { address_prefix: 10.0.0.0, prefix_len: 8 } ] }",
        "a client at an internal address",
      ],
      ["internal_address_config: { unix_sockets: true }", "a client at an internal address"],
    ] as const
  ).map(
    ([line, who]) =>
      [
        `a request id of the client's own: ${line}`,
        good.replace("use_remote_address: true", `use_remote_address: true\n                ${line}`),
        "warning",
        new RegExp(`^${who} chooses the request_id in the record`),
      ] as const,
  ),
  [
    "an answers' log of other requests",
    good.replace("name: x-break-glass-grant, present_match: true", "name: x-other, present_match: true"),
    "warning",
    /no access log has the answer/,
  ],
  [
    "an answers' log of all but the allowed",
    good.replace("present_match: true }", "present_match: true, invert_match: true }"),
    "warning",
    /no access log has the answer/,
  ],
  [
    "an answers' log of everything but ends",
    good.replace(
      "- log_type_filter: { types: [ DownstreamEnd ] }",
      '- log_type_filter: { types: [ "6" ], exclude: true }',
    ),
    "warning",
    /no access log has the answer/,
  ],
  [
    "an answers' log of failures",
    good.replace(
      "- header_filter: { header: { name: x-break-glass-grant",
      "- response_flag_filter: {}\n                          - header_filter: { header: { name: x-break-glass-grant",
    ),
    "warning",
    /no access log has the answer/,
  ],
  [
    "answers without the request's id, which leads to the record",
    good.replace(/(name: answers[\s\S]*?)"%REQ\(X-REQUEST-ID\)%"/, '$1"%PROTOCOL%"'),
    "warning",
    /no access log has the answer/,
  ],
  [
    "an answers' log of one thing or another, neither of them all that is allowed",
    good.replace(
      "header_filter: { header: { name: x-break-glass-grant, present_match: true } }",
      "or_filter: { filters: [ { response_flag_filter: {} }, { header_filter: { header: { name: x-other, present_match: true } } } ] }",
    ),
    "warning",
    /no access log has the answer/,
  ],
  [
    "answers without status",
    good.replace('status: "%RESPONSE_CODE%"', 'status: "%PROTOCOL%"'),
    "warning",
    /no access log has the answer/,
  ],
  ["headers with underscores", without(good, "headers_with_underscores_action"), "warning", /underscores/],
  [
    "no early removal",
    without(good, "early_header_mutation_extensions"),
    "danger",
    /x-break-glass-grant is not removed early/,
  ],
  ["FAIL_OPEN", good.replace("failure_policy: FAIL_RELOAD", "failure_policy: FAIL_OPEN"), "danger", /fails open/],
  ["no failure_policy", without(good, "failure_policy"), "warning", /failure_policy/],
  ["no vm_id", without(good, "vm_id"), "danger", /vm_id is not set/],
  ["no default_config", without(good, "default_config"), "warning", /default_config/],
  [
    "strip lacks a skipped filter's header",
    good.replace('{"strip":["x-jwt-payload"]}', "{}"),
    "danger",
    /x-jwt-payload; a client's own passes/,
  ],
  [
    "strip lacks a claim's header",
    good.replace(
      "forward_payload_header: x-jwt-payload",
      "forward_payload_header: x-jwt-payload\n                              claim_to_headers: [ { header_name: X-User, claim_name: sub } ]",
    ),
    "danger",
    /x-user; a client's own passes/,
  ],
  [
    "no audit record in the log",
    good.replace("%FILTER_STATE(wasm.glassgate.audit:PLAIN)%", "%REQ(:METHOD)%"),
    "danger",
    /no access log writes the audit record/,
  ],
  [
    "an audit record with something beside it",
    good.replace(
      "%FILTER_STATE(wasm.glassgate.audit:PLAIN)%",
      "%START_TIME% %FILTER_STATE(wasm.glassgate.audit:PLAIN)%",
    ),
    "danger",
    /as a line of its own/,
  ],
  [
    "dashes between the audit records",
    good.replace("omit_empty_values: true", "omit_empty_values: false"),
    "danger",
    /as a line of its own/,
  ],
  [
    "a log that prints the grant",
    good.replace('method: "%REQ(:METHOD)%"', 'grant: "%REQ(X-BREAK-GLASS)%"'),
    "danger",
    /prints the grant/,
  ],
  [
    "skipped on a header",
    good.replaceAll(
      "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.FilterStateInput",
      "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
    ),
    "danger",
    /any client can send it/,
  ],
  [
    "filter_state_rules on wasm",
    good.replace(
      "                          rules:\n",
      '                          filter_state_rules: { name: "wasm.glassgate.verdict", requires: {} }\n                          rules:\n',
    ),
    "danger",
    /let everything pass/,
  ],
  [
    "no filter at all",
    good.replace("- name: glassgate\n", "- name: other\n").replaceAll("filters.http.wasm", "filters.http.lua"),
    "danger",
    /no glassgate filter/,
  ],
  ["no node", without(good, "node:"), "danger", /node\.id is not set/],
  [
    "an open admin interface",
    good.replace("address: 127.0.0.1, port_value: 9901", "address: 0.0.0.0, port_value: 9901"),
    "danger",
    /admin interface listens on 0\.0\.0\.0/,
  ],
  [
    "`require` without a guard",
    without(required, "- name: envoy.filters.http.rbac"),
    "danger",
    /no RBAC filter demands the verdict/,
  ],
  [
    "a clock skew of ten minutes",
    good.replace(
      "forward_payload_header: x-jwt-payload",
      "forward_payload_header: x-jwt-payload\n                              clock_skew_seconds: 601",
    ),
    "warning",
    /normal callers' tokens pass 601 seconds after they expire/,
  ],
  [
    "a clock skew of nearly an hour",
    good.replace(
      "forward_payload_header: x-jwt-payload",
      "forward_payload_header: x-jwt-payload\n                              clock_skew_seconds: 3599",
    ),
    "warning",
    /normal callers' tokens pass 3599 seconds after they expire/,
  ],
  [
    "a clock skew of an hour",
    good.replace(
      "forward_payload_header: x-jwt-payload",
      "forward_payload_header: x-jwt-payload\n                              clock_skew_seconds: 3600",
    ),
    "danger",
    /normal callers' tokens pass 3600 seconds after they expire/,
  ],
  [
    "host_rewrite_literal",
    good.replace("timeout: 30s }", "timeout: 30s, host_rewrite_literal: orders.internal }"),
    "warning",
    /^host_rewrite_literal: grants and records name the host before it/,
  ],
  [
    "auto_host_rewrite",
    good.replace("timeout: 30s }", "timeout: 30s, auto_host_rewrite: true }"),
    "warning",
    /^auto_host_rewrite: grants and records name the host before it/,
  ],
  [
    "host_rewrite",
    good.replace("timeout: 30s }", "timeout: 30s, host_rewrite: orders.internal }"),
    "warning",
    /^host_rewrite: grants and records name the host before it/,
  ],
  [
    "a host rewritten for one of the weighted clusters",
    good.replace(
      "cluster: upstream, timeout: 30s }",
      "weighted_clusters: { clusters: [ { name: upstream, weight: 1, host_rewrite_literal: a } ] } }",
    ),
    "warning",
    /^host_rewrite_literal: grants/,
  ],
  [
    "an admin layer",
    `${good}\nlayered_runtime: { layers: [ { name: admin, admin_layer: {} } ] }\n`,
    "warning",
    /^admin_layer: whoever reaches the admin interface can switch off/,
  ],
  [
    "upgrades",
    good.replace(
      "request_headers_timeout: 10s",
      "request_headers_timeout: 10s\n                upgrade_configs: [ { upgrade_type: websocket } ]",
    ),
    "warning",
    /tunnel/,
  ],
];

/** What was missed once, each in a spelling that a search for words does not see. */
const missed: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  [
    "a route of its own without jwt_authn",
    good.replace(
      "routes:\n",
      `routes:
                        - match: { prefix: /internal }
                          route: { cluster: upstream }
                          typedPerFilterConfig:
                            envoy.filters.http.jwt_authn: { "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: yes }
`,
    ),
    /does not guard this route: it is disabled/,
  ],
  [
    "an empty RBACPerRoute on the virtual host",
    required.replace(
      'domains: [ "*" ]',
      `domains: [ "*" ]
                      typed_per_filter_config:
                        envoy.filters.http.rbac: { "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute }`,
    ),
    /takes the guard's rules away/,
  ],
  [
    "the matcher the other way round",
    good.replace(
      /single_predicate:(\s+)input: \*verdict\s+value_match: \{ exact: allow \}/,
      "not_matcher: { single_predicate: { input: *verdict, value_match: { exact: allow } } }",
    ),
    /skipped on more than the verdict/,
  ],
  [
    "a second reason to skip",
    good.replace(
      /single_predicate:(\s+)input: \*verdict\s+value_match: \{ exact: allow \}/,
      `or_matcher:
                                  predicate:
                                    - single_predicate: { input: *verdict, value_match: { exact: allow } }
                                    - single_predicate: { input: *verdict, value_match: { prefix: a } }`,
    ),
    /skipped on more than the verdict/,
  ],
  [
    "a verdict written by set_filter_state",
    good.replace(
      "                  # 2. ",
      `                  - name: state
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config
                      on_request_headers:
                        - { object_key: "wasm.glassgate.verdict", factory_key: envoy.string, format_string: { text_format: "%REQ(x-let)%" } }
                  # 2. `,
    ),
    /set_filter_state writes wasm\.glassgate\.verdict/,
  ],
  [
    "the header's name in two halves",
    good.replace('method: "%REQ(:METHOD)%"', `grant: "%CEL(request.headers['x-' + 'break-glass'])%"`),
    /reads request headers by an expression/,
  ],
  [
    "the header's name with escapes",
    good.replace('method: "%REQ(:METHOD)%"', 'grant: "%REQ(x-\\u0062reak\\x2dglass)%"'),
    /prints the grant/,
  ],
  [
    "an operator that nobody knows",
    good.replace('method: "%REQ(:METHOD)%"', 'grant: "%EVERYTHING(all)%"'),
    /%EVERYTHING% in this format is not known here/,
  ],
  ["failurePolicy", good.replace("failure_policy: FAIL_RELOAD", "failurePolicy: FAIL_OPEN"), /fails open/],
  ["a failure policy by number", good.replace("failure_policy: FAIL_RELOAD", 'failure_policy: "3"'), /fails open/],
  ["fail_open", good.replace("failure_policy: FAIL_RELOAD", "fail_open: on"), /fails open/],
  [
    "a merge that fails open",
    good
      .replace("cluster: api }", "cluster: api, metadata: { d: &d { failure_policy: FAIL_OPEN } } }")
      .replace("failure_policy: FAIL_RELOAD", "<<: *d"),
    /fails open/,
  ],
  [
    "a CONNECT upgrade on a route",
    good.replace(
      "timeout: 30s }",
      "timeout: 30s, upgrade_configs: [ { upgrade_type: CONNECT, connect_config: {} } ] }",
    ),
    /CONNECT is on/,
  ],
  [
    "extended CONNECT",
    good.replace(
      "normalize_path: true",
      "http2_protocol_options: { allowConnect: true }\n                normalize_path: true",
    ),
    /extended CONNECT opens tunnels/,
  ],
  [
    "a disabled guard",
    required.replace(
      "name: envoy.filters.http.rbac\n",
      "name: envoy.filters.http.rbac\n                    disabled: true\n",
    ),
    /rbac is disabled: it guards nothing/,
  ],
  [
    "a guard that anybody satisfies",
    required.replace("principals:\n", "principals:\n                              - any: true\n"),
    /also admits requests without the verdict/,
  ],
  [
    "a filter on the audit log",
    good.replace("- name: audit\n", "- name: audit\n                    filter: { not_health_check_filter: {} }\n"),
    /the audit log has a filter/,
  ],
  [
    "a token that may be missing",
    good.replace(
      "requires: { provider_name: idp }",
      "requires: { requires_any: { requirements: [ { allow_missing: {} }, { provider_name: idp } ] } }",
    ),
    /without a valid token: allow_missing/,
  ],
  [
    "a path rewritten behind the verdict",
    good.replace(
      "                  # 4. ",
      `                  - name: late
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
                      mutations: { request_mutations: [ { append: { header: { key: ":Path", value: "/x" } } } ] }
                  # 4. `,
    ),
    /:path is changed behind the verdict/,
  ],
  [
    "a cache in front",
    good.replace(
      "                  # 1. ",
      `                  - name: cache
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.cache.v3.CacheConfig }
                  # 1. `,
    ),
    /a cache answers from what it stored/,
  ],
  [
    "the filter behind its guard",
    (() => {
      const [head = "", filter = "", rest = ""] = good.split(/(?= {18}# [12]\. )/);
      return `${head}${rest.replace(/(?= {18}# 4\. )/, () => filter)}`;
    })(),
    /stands before the glassgate filter, which sets it/,
  ],
  [
    "statistics that meshes leave",
    good.replace(
      "stats_config:\n",
      "stats_config:\n  stats_matcher: { inclusion_list: { patterns: [ { prefix: server }, { prefix: cluster_manager } ] } }\n",
    ),
    /hides the filter's gauges/,
  ],
  [
    "a field that nobody knows",
    good.replace("stat_prefix: api", "stat_prefix: api\n                brand_new_option: true"),
    /brand_new_option of HttpConnectionManager is not known here/,
  ],
  [
    "request ids of a kind that nobody knows",
    good.replace(
      "stat_prefix: api",
      'stat_prefix: api\n                request_id_extension: { typed_config: { "@type": type.googleapis.com/envoy.brand_new.v3.Id } }',
    ),
    /request ids come from envoy\.brand_new\.v3\.Id, which is not known here/,
  ],
  ["a filter that nobody knows", good.replace("http.router.v3.Router", "http.brand_new.v3.Thing"), /is not known here/],
];

describe("gateway verify", () => {
  it("finds nothing in the project's own files", () => {
    expect(verifyGateway(good, "envoy.yaml")).toEqual([]);
    expect(verifyGateway(required, "envoy-require.yaml")).toEqual([]);
  });

  it("takes the flush interval by its older name, and answers that one of two filters lets through", () => {
    const older = good.replace(
      "access_log_options: { access_log_flush_interval: 5s }",
      "access_log_flush_interval: 5s",
    );
    const either = good.replace(
      /(?=header_filter: )(.*)/,
      "or_filter: { filters: [ { response_flag_filter: {} }, { $1 } ] }",
    );
    for (const text of [older, either]) {
      expect(text).not.toBe(good);
      expect(verifyGateway(text, "f")).toEqual([]);
    }
  });

  it("says nothing about hosts that stay, and no layer that is not there", () => {
    const same = good.replace("timeout: 30s }", "timeout: 30s, auto_host_rewrite: false }");
    expect(same).not.toBe(good);
    for (const text of [good, same])
      expect(verifyGateway(text, "f").map(({ message }) => message)).not.toContainEqual(
        expect.stringMatching(/_rewrite|admin_layer/),
      );
  });

  for (const [name, text, level, message] of broken) {
    it(name, () => {
      expect(text).not.toBe(good);
      const findings = verifyGateway(text, "test.yaml");
      expect(findings.map((finding) => finding.message)).toContainEqual(expect.stringMatching(message));
      const found = findings.find((finding) => message.test(finding.message));
      expect(found).toMatchObject({ level, line: expect.any(Number), mend: expect.stringMatching(/\S/) });
    });
  }

  for (const [name, text, message] of missed) {
    it(name, () => {
      expect([good, required]).not.toContain(text);
      const bad = verifyGateway(text, "test.yaml").filter(({ level }) => level !== "warning");
      expect(bad.map((finding) => finding.message)).toContainEqual(expect.stringMatching(message));
    });
  }

  it("says where a file is no YAML", () => {
    expect(() => verifyGateway("a: [1,\nb: {", "broken.yaml")).toThrow(/^broken\.yaml:\d+:\d+: /);
  });
});
