/** `gateway verify` of a declarative Kong file: what `render` writes is clean, and each mistake has a finding of its own. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { isKongFile, kongTextIn } from "../../control/gateway/kong/configuration.js";
import { renderKong } from "../../control/gateway/kong/render.js";
import { verifyKong } from "../../control/gateway/kong/verify/index.js";
import { newKey, publicPart } from "../../control/signer/jwk.js";
import { anchorsSchema } from "../../control/trust/anchors.js";

const anchors = anchorsSchema.parse({ audience: "production", threshold: 1, roots: [publicPart(newKey("Ed25519"))] });
const { text } = renderKong({
  anchors,
  host: "api.example.com",
  upstream: { host: "api.internal", port: 8080 },
  port: 8000,
});

// biome-ignore lint/suspicious/noExplicitAny: a configuration of any shape, wrong ones above all
type Root = any;
const namesOf = async (root: Root): Promise<string[]> =>
  (await verifyKong(typeof root === "string" ? root : stringify(root), "kong.yaml", { anchors })).findings.map(
    ({ level, name }) => `${level[0]} ${name}`,
  );
const changed = (change: (root: Root) => void): Root => {
  const root: Root = parse(text);
  change(root);
  return root;
};
const front = (root: Root): Root => root.services[0].routes[0];
const back = (root: Root): Root => root.services[1].routes[0];
const plugin = (route: Root, name: string): Root => route.plugins.find((one: Root) => one.name === name);
const without = (route: Root, name: string): void => {
  route.plugins = route.plugins.filter((one: Root) => one.name !== name);
};
const filter = (root: Root): Root => root.filter_chains[0].filters[0];

describe("what render writes", () => {
  it("is clean, in YAML, in JSON, flat and as one text", async () => {
    expect(await namesOf(text)).toEqual([]);
    expect(await namesOf(JSON.stringify(parse(text)))).toEqual([]);
    expect(await namesOf(changed((root) => (filter(root).config = JSON.stringify(filter(root).config))))).toEqual([]);
    expect(await namesOf(changed(flatten))).toEqual([]);
  });

  it("is clean with the health checks that Kong exports, all off", async () => {
    const off = {
      active: { healthy: { interval: 0, successes: 0 }, unhealthy: { interval: 0, http_failures: 0 } },
      passive: { healthy: { successes: 0 }, unhealthy: { http_failures: 0, tcp_failures: 0, timeouts: 0 } },
      threshold: 0,
    };
    expect(await namesOf(changed((root) => (root.upstreams[0].healthchecks = off)))).toEqual([]);
  });

  it("is told from an Envoy's", () => {
    const envoy = readFileSync(fileURLToPath(new URL("../../envoy.yaml", import.meta.url)), "utf8");
    expect(kongTextIn(JSON.stringify({ config: text }))).toBe(text);
    expect(kongTextIn(envoy)).toBeUndefined();
    expect([isKongFile(text), isKongFile('{"_format_version": "3.0"}'), isKongFile(envoy)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("stays clean beside an API's own services, with their own authentication and log", async () => {
    const beside = changed((root) => {
      root.services.push({
        name: "api",
        url: "http://api.internal:8080",
        routes: [
          {
            name: "api",
            hosts: ["api.example.com"],
            paths: ["/"],
            plugins: [
              { name: "jwt" },
              { name: "http-log", config: { http_endpoint: "http://x" } },
              { name: "request-transformer", config: { remove: { headers: ["X-Break-Glass-Grant"] } } },
            ],
          },
        ],
      });
      root.plugins = [{ name: "prometheus" }, { name: "correlation-id" }];
      root.consumers.push({ username: "app", jwt_secrets: [{ key: "x" }] });
    });
    expect(await namesOf(beside)).toEqual([]);
  });
});

it("stays clean with a second API on the same Kong, by parts of its own and one key", async () => {
  const two = changed((root) => {
    const rename = (value: Root): Root =>
      JSON.parse(
        JSON.stringify(value).replaceAll('"break-glass', '"two-break-glass').replace("api.example", "two.example"),
      );
    root.services.push(...rename(root.services));
    root.upstreams.push(...rename(root.upstreams));
    root.filter_chains.push(rename(root.filter_chains[0]));
    const acl = plugin(root.services[3].routes[0], "acl");
    acl.config.allow = ["break-glass-upstream"];
    root.filter_chains[1].filters = structuredClone(root.filter_chains[0].filters);
    root.services[3].host = "two.internal";
  });
  expect(await namesOf(two)).toEqual([]);
});

/** Entities at the top, which name their owners. */
function flatten(root: Root): void {
  for (const [list, child, by] of [
    ["services", "routes", "service"],
    ["routes", "plugins", "route"],
    ["consumers", "keyauth_credentials", "consumer"],
    ["consumers", "acls", "consumer"],
    ["upstreams", "targets", "upstream"],
  ] as const)
    for (const owner of root[list]) {
      root[child] = [
        ...(root[child] ?? []),
        ...(owner[child] ?? []).map((one: Root) => ({ ...one, [by]: owner.name ?? owner.username })),
      ];
      delete owner[child];
    }
}

/** Both sides have it. */
const sameKey = (root: Root, key: string): void => {
  root.consumers[0].keyauth_credentials = [{ key }];
  filter(root).config.upstream_header.value = key;
};

const transformer = (more: object = {}): Root => ({
  ...{ name: "request-transformer", config: { remove: { headers: ["x-break-glass-grant"] }, ...more } },
});
/** The API's own way, with its own authentication. */
const api = (plugins: readonly Root[]): Root => ({
  ...{ name: "api", host: "api.internal", port: 8080 },
  routes: [{ name: "api", hosts: ["api.example.com"], paths: ["/"], plugins: [{ name: "jwt" }, ...plugins] }],
});

/** What is done to the file -> the finding that must be there. */
const mistakes: Readonly<Record<string, readonly [change: (root: Root) => void, finding: string]>> = {
  "no chain": [(root) => delete root.filter_chains, "d no-filter@file"],
  "another filter's chain": [(root) => (filter(root).name = "other"), "d no-filter@file"],
  "the chain disabled": [(root) => (root.filter_chains[0].enabled = false), "d chain-disabled@break-glass"],
  "the filter disabled": [(root) => (filter(root).enabled = false), "d chain-disabled@break-glass"],
  "a filter before ours": [
    (root) => root.filter_chains[0].filters.unshift({ name: "x" }),
    "d chain-shared@break-glass",
  ],
  "the chain on the service": [
    (root) => {
      delete root.filter_chains[0].route;
      root.filter_chains[0].service = "break-glass";
    },
    "d chain-on-service@break-glass",
  ],
  "a second chain on the service": [
    (root) => root.filter_chains.push({ name: "two", service: "break-glass", filters: [{ name: "x" }] }),
    "d chain-twice@two",
  ],
  "the filter as a plugin": [(root) => (root.plugins = [{ name: "glassgate" }]), "d as-plugin@glassgate@global"],
  "a chain on a route that is not there": [
    (root) => (root.filter_chains[0].route = "x"),
    "d dangling:break-glass.route@",
  ],
  "no configuration": [(root) => (filter(root).config = "x"), "d no-configuration@break-glass"],
  "require left out": [(root) => delete filter(root).config.require, "d refused-by-filter@break-glass"],
  shadow: [(root) => (filter(root).config.mode = "shadow"), "d refused-by-filter@break-glass"],
  "an unknown member": [(root) => (filter(root).config.strp = []), "d refused-by-filter@break-glass"],
  "a broken bundle": [(root) => (filter(root).config.bundle = "x"), "d refused-by-filter@break-glass"],
  "no upstream_header": [(root) => delete filter(root).config.upstream_header, "d no-upstream-header@break-glass"],
  "other anchors": [(root) => (filter(root).config.audience = "staging"), "d other-anchors@break-glass"],
  "strip_path below a path": [
    (root) => Object.assign(front(root), { paths: ["/api"], strip_path: true }),
    "d strip-path@break-glass",
  ],
  "strip_path by default": [
    (root) => {
      back(root).paths = ["/api"];
      delete back(root).strip_path;
    },
    "d strip-path@break-glass-upstream",
  ],
  "a regular expression as path": [(root) => (front(root).paths = ["~/api/[^/]+$"]), "w paths-regex@break-glass"],
  "path_handling v1": [(root) => (front(root).path_handling = "v1"), "d path-handling@break-glass"],
  grpc: [(root) => (front(root).protocols = ["grpc"]), "d protocols@break-glass"],
  websockets: [(root) => (front(root).protocols = ["ws", "wss"]), "d protocols@break-glass"],
  unbuffered: [(root) => (front(root).request_buffering = false), "n request_buffering@break-glass"],
  "any host": [(root) => delete front(root).hosts, "d hosts@break-glass"],
  "a wildcard host": [(root) => (front(root).hosts = ["*.example.com"]), "d hosts@break-glass"],
  "the hop's own host in front": [
    (root) => front(root).hosts.push("break-glass-upstream.internal"),
    "d loop@break-glass",
  ],
  preserve_host: [(root) => (front(root).preserve_host = true), "d preserve-host@break-glass"],
  "no condition on the header": [(root) => delete front(root).headers, "w takes-all@break-glass"],
  "an expression": [(root) => (front(root).expression = "true"), "n member:expression@break-glass"],
  "a hop to elsewhere": [
    (root) => (root.upstreams[0].targets[0].target = "10.0.0.1:8000"),
    "d hop-elsewhere@break-glass",
  ],
  "a hop by another name": [(root) => (root.services[0].host = "api.internal"), "d hop-elsewhere@break-glass"],
  "a path before each path": [(root) => (root.services[0].path = "/v1"), "d hop-path@break-glass"],
  retries: [(root) => delete root.services[0].retries, "w retries@break-glass"],
  "the hop's service disabled": [(root) => (root.services[0].enabled = false), "d service-disabled@break-glass"],
  "the API's service disabled": [
    (root) => (root.services[1].enabled = false),
    "d service-disabled@break-glass-upstream",
  ],
  "the API's errors counted against this Kong": [
    (root) => (root.upstreams[0].healthchecks = { passive: { unhealthy: { http_failures: 3 } } }),
    "w health-checked@break-glass-upstream.internal",
  ],
  "the API's timeouts counted against this Kong": [
    (root) => (root.upstreams[0].healthchecks = { passive: { unhealthy: { timeouts: 1 } } }),
    "w health-checked@break-glass-upstream.internal",
  ],
  "this Kong asked for its health": [
    (root) => (root.upstreams[0].healthchecks = { active: { unhealthy: { interval: 5, http_failures: 1 } } }),
    "w health-checked@break-glass-upstream.internal",
  ],
  "another route on the hop": [
    (root) => root.services[0].routes.push({ name: "x", hosts: ["x.example.com"], plugins: [{ name: "jwt" }] }),
    "d hop-shared@x",
  ],
  "no second route": [(root) => (back(root).hosts = ["other.internal"]), "d no-second-route@break-glass"],
  "two second routes": [
    (root) => root.services[1].routes.push({ name: "x", hosts: ["break-glass-upstream.internal"] }),
    "d two-second-routes@break-glass",
  ],
  "no key-auth": [(root) => without(back(root), "key-auth"), "d no-key-auth@break-glass-upstream"],
  "key-auth disabled": [
    (root) => (plugin(back(root), "key-auth").enabled = false),
    "d no-key-auth@break-glass-upstream",
  ],
  "key-auth for https alone": [
    (root) => (plugin(back(root), "key-auth").protocols = ["https"]),
    "d plugin-protocols@key-auth@break-glass-upstream",
  ],
  "no acl": [(root) => without(back(root), "acl"), "d no-acl@break-glass-upstream"],
  "no ip-restriction": [(root) => without(back(root), "ip-restriction"), "d no-ip-restriction@break-glass-upstream"],
  "ip-restriction for a network": [
    (root) => (plugin(back(root), "ip-restriction").config.allow = ["127.0.0.1", "10.0.0.0/8"]),
    "d not-loopback@ip-restriction@break-glass-upstream",
  ],
  "ip-restriction that denies": [
    (root) => (plugin(back(root), "ip-restriction").config = { deny: ["10.0.0.1"] }),
    "d not-loopback@ip-restriction@break-glass-upstream",
  ],
  "a key in the query": [
    (root) => delete plugin(back(root), "key-auth").config.key_in_query,
    "d key-in-query@key-auth@break-glass-upstream",
  ],
  "a key in the body": [
    (root) => (plugin(back(root), "key-auth").config.key_in_body = true),
    "d key-in-body@key-auth@break-glass-upstream",
  ],
  "the key goes on": [
    (root) => delete plugin(back(root), "key-auth").config.hide_credentials,
    "d hide-credentials@key-auth@break-glass-upstream",
  ],
  "OPTIONS without a key": [
    (root) => (plugin(back(root), "key-auth").config.run_on_preflight = false),
    "d run-on-preflight@key-auth@break-glass-upstream",
  ],
  "an anonymous consumer": [
    (root) => (plugin(back(root), "key-auth").config.anonymous = "guest"),
    "d anonymous@key-auth@break-glass-upstream",
  ],
  "another header": [
    (root) => (plugin(back(root), "key-auth").config.key_names = ["apikey", "x-break-glass-key"]),
    "d key-names@key-auth@break-glass-upstream",
  ],
  "two groups": [(root) => plugin(back(root), "acl").config.allow.push("users"), "d groups@acl@break-glass-upstream"],
  "a second consumer in the group": [
    (root) => root.consumers.push({ username: "eve", acls: [{ group: "break-glass-upstream" }] }),
    "d consumers@acl@break-glass-upstream",
  ],
  "nobody in the group": [(root) => delete root.consumers[0].acls, "d consumers@acl@break-glass-upstream"],
  "a plugin of the consumer": [
    (root) => (root.consumers[0].plugins = [{ name: "ip-restriction", config: { allow: ["0.0.0.0/0"] } }]),
    "d consumer-plugin@ip-restriction@break-glass-upstream",
  ],
  "a weak key": [
    (root) => {
      root.consumers[0].keyauth_credentials = [{ key: "secret" }];
      filter(root).config.upstream_header.value = "secret";
    },
    "d weak-key@break-glass-upstream",
  ],
  "another key than the filter's": [
    (root) => (root.consumers[0].keyauth_credentials[0].key = "x".repeat(43)),
    "d other-key@break-glass-upstream",
  ],
  "an old key": [
    (root) => root.consumers[0].keyauth_credentials.push({ key: "y".repeat(43) }),
    "w old-key@break-glass-upstream",
  ],
  "a key that ends by itself": [
    (root) => (root.consumers[0].keyauth_credentials[0].ttl = 3600),
    "n member:ttl@keyauth_credentials",
  ],
  "a log in another order": [
    (root) => (plugin(front(root), "file-log").ordering = { before: { access: ["x"] } }),
    "n member:ordering@file-log@break-glass",
  ],
  "no record": [(root) => without(front(root), "file-log"), "d no-record@break-glass"],
  "a record that goes nowhere": [
    (root) => (plugin(front(root), "file-log").config.path = "/dev/null"),
    "d no-record@break-glass",
  ],
  "a log with the key in it": [
    (root) => delete plugin(front(root), "file-log").config.custom_fields_by_lua["request.headers"],
    "d log-prints-key@file-log@break-glass",
  ],
  "a global log": [
    (root) => (root.plugins = [{ name: "http-log", config: { http_endpoint: "http://x" } }]),
    "d log-prints-key@http-log@global",
  ],
  "a global cache": [(root) => (root.plugins = [{ name: "proxy-cache" }]), "d cache@proxy-cache@global"],
  "a global transformer": [
    (root) => (root.plugins = [{ name: "request-transformer" }]),
    "d changes@request-transformer@global",
  ],
  "code of anybody's making": [(root) => (root.plugins = [{ name: "pre-function" }]), "d changes@pre-function@global"],
  "global authentication": [(root) => (root.plugins = [{ name: "jwt" }]), "w asks-first@jwt@global"],
  "an unknown plugin": [(root) => (root.plugins = [{ name: "acme" }]), "n plugin:acme@acme@global"],
  "no no-store": [(root) => without(front(root), "response-transformer"), "w stored@break-glass"],
  "a route as heavy": [
    (root) =>
      root.services[1].routes.push({
        ...{ name: "x", hosts: ["api.example.com"], paths: ["/"], methods: ["GET"], headers: { x: ["1"] } },
        plugins: [{ name: "jwt" }],
      }),
    "w rival@x",
  ],
  "the same upstream, asking nobody": [
    (root) =>
      root.services.push({
        ...{ name: "open", host: "api.internal", port: 8080 },
        routes: [{ name: "open", hosts: ["api.example.com"] }],
      }),
    "w asks-nobody@open",
  ],
  "a caller's own attestation, let through": [(root) => root.services.push(api([])), "d forges@api"],
  "a caller's own attestation, written anew": [
    (root) => root.services.push(api([transformer({ rename: { headers: ["x-mine:x-break-glass-grant"] } })])),
    "d forges@api",
  ],
  "a caller's own attestation, taken away over https alone": [
    (root) => root.services.push(api([{ ...transformer(), protocols: ["https"] }])),
    "d forges@api",
  ],
  "a caller's own attestation, by a consumer with a transformer of its own": [
    (root) =>
      root.services.push(api([transformer(), { name: "request-transformer", consumer: "break-glass-upstream" }])),
    "d forges@api",
  ],
  "a url beside the hop's host, which Kong lets win": [
    (root) => (root.services[0].url = "http://collector.example.com:80/"),
    "d two-places@break-glass",
  ],
  "a url beside the upstream's host": [
    (root) => (root.services[1].url = "http://other.internal:8080/"),
    "d two-places@break-glass-upstream",
  ],
  "a hop that is one url to elsewhere": [
    (root) => {
      const { name, retries, routes } = root.services[0];
      root.services[0] = { name, retries, routes, url: "http://127.0.0.1:8000@collector.example.com/" };
    },
    "d hop-elsewhere@break-glass",
  ],
  "a second target of the hop": [
    (root) => root.upstreams[0].targets.push({ target: "127.0.0.1:9999" }),
    "d several-targets@break-glass",
  ],
  "another service by the hop's name": [
    (root) =>
      root.services.push({
        ...{ name: "by", host: "break-glass-upstream.internal", port: 8000 },
        routes: [{ name: "by", hosts: ["by.example.com"], plugins: [{ name: "jwt" }] }],
      }),
    "d hop-shared@by",
  ],
  "another service to Kong's own port on loopback": [
    (root) =>
      root.services.push({
        ...{ name: "by", url: "http://localhost:8000" },
        routes: [{ name: "by", hosts: ["by.example.com"], preserve_host: true, plugins: [{ name: "jwt" }] }],
      }),
    "d hop-shared@by",
  ],
  "another upstream to Kong's own port on loopback": [
    (root) => {
      root.upstreams.push({ name: "by.internal", targets: [{ target: "127.0.0.2:8000" }] });
      root.services.push({
        ...{ name: "by", host: "by.internal" },
        routes: [{ name: "by", hosts: ["by.example.com"], plugins: [{ name: "jwt" }] }],
      });
    },
    "d hop-shared@by",
  ],
  "a method that the second route does not take": [
    (root) => front(root).methods.push("PROPFIND"),
    "d narrow@break-glass-upstream",
  ],
  "any method in front alone": [(root) => delete front(root).methods, "d narrow@break-glass-upstream"],
  "paths that the second route does not take": [
    (root) => (back(root).paths = ["/orders"]),
    "d narrow@break-glass-upstream",
  ],
  "a path of the second route that fits in part": [
    (root) => {
      front(root).paths = ["/orders", "/users"];
      back(root).paths = ["/orders"];
    },
    "d narrow@break-glass-upstream",
  ],
  "a header that the second route asks for": [
    (root) => (back(root).headers = { "x-tenant": ["1"] }),
    "d narrow@break-glass-upstream",
  ],
  "a protocol that the second route does not take": [
    (root) => (back(root).protocols = ["https"]),
    "d narrow@break-glass-upstream",
  ],
  "a route that outweighs the second one": [
    (root) =>
      root.services[1].routes.push({
        ...{ name: "x", paths: ["/"], methods: ["GET"], headers: { "x-y": ["1"] }, snis: ["a.example.com"] },
        plugins: [{ name: "jwt" }],
      }),
    "d hop-rival@x",
  ],
  "a route that may weigh as much as the second one": [
    (root) =>
      root.services[1].routes.push({
        ...{ name: "x", paths: ["/"], methods: ["GET"], headers: { "x-y": ["1"] } },
        plugins: [{ name: "jwt" }],
      }),
    "w hop-rival@x",
  ],
  "the upstream's own path": [(root) => (root.services[1].path = "/v2"), "w path-before@break-glass-upstream"],
  "the upstream's own path in a url": [
    (root) => {
      const { name, retries, routes } = root.services[1];
      root.services[1] = { name, retries, routes, url: "http://api.internal:8080/v2" };
    },
    "w path-before@break-glass-upstream",
  ],
  "code before the second route's key-auth": [
    (root) => back(root).plugins.push({ name: "pre-function", config: { access: ["kong.service.x()"] } }),
    "d behind@pre-function@break-glass-upstream",
  ],
  "a transformer on the second route": [
    (root) => back(root).plugins.push({ name: "request-transformer" }),
    "w behind@request-transformer@break-glass-upstream",
  ],
  "a long key that is a reference, which Kong takes as it is written": [
    (root) => sameKey(root, "{vault://env/break-glass-upstream-key}"),
    "d weak-key@break-glass-upstream",
  ],
  "a long key of few letters": [(root) => sameKey(root, "x".repeat(43)), "d weak-key@break-glass-upstream"],
  "a long placeholder": [
    (root) => sameKey(root, "CHANGE-ME-CHANGE-ME-CHANGE-ME-CHANGE-ME-NOW"),
    "d weak-key@break-glass-upstream",
  ],
  "an unknown member of the file": [(root) => (root.consumer_groups = []), "n member:consumer_groups@file"],
  "another format": [(root) => (root._format_version = "1.1"), "n format@file"],
  "a plugin in another order": [
    (root) => (plugin(back(root), "key-auth").ordering = { after: { access: ["x"] } }),
    "n member:ordering@key-auth@break-glass-upstream",
  ],
};

describe("each mistake has a finding, with a next step", () => {
  for (const [what, [change, finding]] of Object.entries(mistakes))
    it(what, async () => {
      const names = await namesOf(changed(change));
      expect(
        names.filter((name) => name.startsWith(finding)),
        names.join("\n"),
      ).not.toEqual([]);
    });
});

it("shows no key in a finding", async () => {
  const key = "z".repeat(31);
  const root = changed((one) => {
    one.consumers[0].keyauth_credentials = [{ key }];
    filter(one).config.upstream_header.value = `${key}${key}`;
  });
  const { findings } = await verifyKong(stringify(root), "kong.yaml");
  expect(findings.length).toBeGreaterThan(0);
  expect(JSON.stringify(findings)).not.toContain(key);
});
