/** What operators have beside the filter, and what a file that is too long gets: no false alarm, no endless reading. */
import { describe, expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { verifyGateway } from "../../control/gateway/verify/index.js";
import { all, type Edit, edited, FILTERS, filter, googleType, insert, ROUTE, set, texts } from "./verify/files.js";
import { goodTls } from "./verify/tls.js";

const CLUSTERS = ["static_resources", "clusters"];
const at = (name: string, port_value: number): object => ({
  name,
  type: "STATIC",
  load_assignment: {
    cluster_name: name,
    endpoints: [
      { lb_endpoints: [{ endpoint: { address: { socket_address: { address: "127.0.0.1", port_value } } } }] },
    ],
  },
});
const listener = (routes: readonly unknown[]): Edit =>
  insert(["static_resources", "listeners"], 1, {
    name: "side",
    address: { socket_address: { address: "0.0.0.0", port_value: 9902 } },
    filter_chains: [
      {
        filters: [
          {
            name: "side",
            typed_config: {
              "@type": googleType("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
              stat_prefix: "side",
              http_filters: [filter("envoy.filters.http.router", "router.v3.Router")],
              route_config: { virtual_hosts: [{ name: "side", domains: ["*"], routes }] },
            },
          },
        ],
      },
    ],
  });

const good: Readonly<Record<string, Edit>> = {
  ...goodTls,
  "metrics under another path": all(
    insert(CLUSTERS, 1, at("stats", 9901)),
    listener([{ match: { path: "/metrics" }, route: { cluster: "stats", prefix_rewrite: "/stats/prometheus" } }]),
  ),
  "a listener that leads to the guarded one": all(
    insert(CLUSTERS, 1, at("self", 10000)),
    listener([{ match: { prefix: "/" }, route: { cluster: "self" } }]),
  ),
  "runtime values in nested maps": set(["layered_runtime"], {
    layers: [
      { name: "s", static_layer: { envoy: { resource_limits: { listener: { api: { connection_limit: 9 } } } } } },
    ],
  }),
  "a DNS cluster by its type": all(
    set([...CLUSTERS, 0, "type"], null),
    set([...CLUSTERS, 0, "cluster_type"], {
      name: "envoy.clusters.dns",
      typed_config: { "@type": googleType("envoy.extensions.clusters.dns.v3.DnsCluster") },
    }),
  ),
  "rate limits by address and path": all(
    insert(FILTERS, 0, filter("limit", "ratelimit.v3.RateLimit", { domain: "api" })),
    set(
      [...ROUTE, "route", "rate_limits"],
      [{ actions: [{ remote_address: {} }, { request_headers: { header_name: ":path", descriptor_key: "path" } }] }],
    ),
  ),
};

describe("good configurations of operators", () => {
  for (const [name, edit] of Object.entries(good))
    it(name, () => {
      const found = verifyGateway(edited(texts.standard, edit), "test.yaml");
      expect(found.filter(({ level }) => level !== "warning")).toEqual([]);
    });
});

describe("a file that is too long", () => {
  for (const [name, text] of [
    ["maps", "- { a: 1, b: 2 }\n".repeat(200_000)],
    ["keys", "k: 1\n".repeat(300_000)],
    ["items", "- a\n".repeat(300_000)],
    ["quotes", '"'.repeat(2_000_000)],
  ] as const)
    it(name, () => {
      expect(() => verifyGateway(`a:\n${text}`, "long.yaml")).toThrow(UserError);
      expect(() => verifyGateway(`a:\n${text}`, "long.yaml")).toThrow(/takes too long to read/);
    });

  it("a format that is too long is not understood", () => {
    for (const text of ["%A(".repeat(100_000), "%".repeat(100_000), "%REQ(a)b".repeat(50_000)]) {
      const found = verifyGateway(edited(texts.standard, set([...ROUTE, "route", "host_rewrite"], text)), "long.yaml");
      expect(found.map(({ message }) => message)).toContainEqual(expect.stringMatching(/format of more than 4096/));
    }
  });
});
