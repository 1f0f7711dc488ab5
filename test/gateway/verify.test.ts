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
    "upgrades",
    good.replace(
      "request_headers_timeout: 10s",
      "request_headers_timeout: 10s\n                upgrade_configs: [ { upgrade_type: websocket } ]",
    ),
    "warning",
    /tunnel/,
  ],
];

describe("gateway verify", () => {
  it("finds nothing in the project's own files", () => {
    expect(verifyGateway(good, "envoy.yaml")).toEqual([]);
    expect(verifyGateway(required, "envoy-require.yaml")).toEqual([]);
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

  it("says where a file is no YAML", () => {
    expect(() => verifyGateway("a: [1,\nb: {", "broken.yaml")).toThrow(/^broken\.yaml:\d+:\d+: /);
  });
});
