/** A gateway's file read back: whatever it is, a filter or one clear sentence. */
import { describe, expect, it } from "vitest";
import { parse, parseDocument, visit } from "yaml";
import { UserError } from "../../control/base/errors.js";
import { renderKong } from "../../control/gateway/kong/render.js";
import { renderGateway } from "../../control/gateway/render.js";
import { readRenderedFilter } from "../../control/gateway/rendered.js";
import { newKey, publicPart } from "../../control/signer/jwk.js";
import { anchorsSchema } from "../../control/trust/anchors.js";

const listener = (filters: string): string => `
node: { id: edge-7, cluster: api }
admin: { address: { socketAddress: { address: "::", portValue: 9901 } } }
static_resources:
  listeners:
    - name: api
      filter_chains: [ { filters: [ { typed_config: { http_filters: ${filters} } } ] } ]
`;
const filter = (name: string, value: string): string =>
  `{
  name: ${name},
  config_discovery: {
    config_source: { path_config_source: { path: /var/${name}.json } },
    default_config: {
      "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm,
      config: { configuration: { value: '${value}' } } } } }`.replaceAll("\n", " ");

it("finds node, listener, admin address and ECDS path, also in the JSON way of writing", () => {
  const other = filter("other", "{}");
  expect(readRenderedFilter(listener(`[ ${other}, ${filter("glass", '{"audience":"x"}')} ]`), "f.yaml")).toMatchObject({
    name: "glass",
    ecdsPath: "/var/glass.json",
    nodeId: "edge-7",
    adminAddress: "[::1]:9901",
    listeners: ["api"],
  });
});

it("finds the filter inside a matcher's action", () => {
  const inside = `[ { name: guard, typed_config: { xds_matcher: { on_match: { dynamic_config: ${filter("glass", '{"audience":"x"}')} } } } } ]`;
  expect(readRenderedFilter(listener(inside), "f.yaml").name).toBe("glass");
});

describe("values of somebody's that YAML 1.1 reads as no texts, as Envoy and Kong do", () => {
  const anchors = anchorsSchema.parse({ audience: "no", threshold: 1, roots: [publicPart(newKey("Ed25519"))] });
  const words = ["n", "Y", "no", "on", "off", "1e3", "0x10", "010", "12:30", "null", "~", "1_0", "2026-11-27"];
  it.each(words)("%s is quoted", (word) => {
    const text = renderGateway({
      ...{
        anchors,
        wasmPath: word,
        ecdsPath: "/var/e.json",
        nodeId: word,
        issuer: word,
        accessLogPath: word,
        vmId: word,
      },
      ...{ upstream: { host: word, port: 1 }, listen: { host: word, port: 2 }, tls: { certificate: word, key: word } },
      jwks: { file: word },
    });
    const kong = renderKong({ anchors, host: word, upstream: { host: word, port: 1 }, port: 2, auditLogPath: word });
    for (const [written, least] of [
      [text, 10],
      [kong.text, 3],
    ] as const) {
      const values: unknown[] = [];
      visit(parseDocument(written, { version: "1.1" }), { Scalar: (_, { value }) => void values.push(value) });
      expect(values.filter((one) => one === word).length).toBeGreaterThanOrEqual(least);
    }
    expect(parse(text, { version: "1.1" })).toMatchObject({ node: { id: word } });
  });
});

describe("anything else is one sentence", () => {
  const bomb = Array.from({ length: 12 }, (_, i) =>
    i === 0
      ? "a0: &a0 [x]"
      : `a${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(", ")}]`,
  ).join("\n");
  const inputs: Record<string, string> = {
    nothing: "",
    "a number": "7",
    "a list": "[]",
    "no YAML": "a: [b",
    "a page": "<!doctype html>",
    binary: "\u0000\u0001\u0002\ufffd",
    "an alias of nothing": "static_resources: *nobody",
    "a list that holds itself": "static_resources: &a [ *a ]",
    "a list that holds itself often": "static_resources: &a [ *a, *a, { b: *a } ]",
    "an alias bomb": `${bomb}\nstatic_resources: *a11`,
    deep: `static_resources: ${"[".repeat(3000)}${"]".repeat(3000)}`,
    "other types": "static_resources: { listeners: [ { name: 7, config_discovery: 1 }, null, 3 ] }",
    "a merge of a scalar": "static_resources: { <<: 7 }",
  };
  for (const [name, text] of Object.entries(inputs)) {
    it(name, () => {
      expect(() => readRenderedFilter(text, "f.yaml")).toThrow(UserError);
    });
  }
});
