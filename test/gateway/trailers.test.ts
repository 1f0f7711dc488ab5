/** A client's trailers, which nobody judges: an upstream of HTTP/1.1 gets none, one of HTTP/2 all of them, unless a filter drops them. */
import { connect, createServer } from "node:http2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyGateway } from "../../control/gateway/verify/index.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { World } from "../kit/world.js";
import { all, type Edit, edited, FILTERS, filter, googleType, insert, set, texts } from "./verify/files.js";

const CLUSTER = ["static_resources", "clusters", 0];
const OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const protocol = (options: object): Edit =>
  set([...CLUSTER, "typed_extension_protocol_options"], { [OPTIONS]: { "@type": googleType(OPTIONS), ...options } });
const http2 = protocol({ explicit_http_config: { http2_protocol_options: {} } });
const trailers = (...mutations: readonly unknown[]): Edit =>
  insert(
    FILTERS,
    0,
    filter("no-trailers", "header_mutation.v3.HeaderMutation", {
      mutations: { request_trailers_mutations: mutations },
    }),
  );
const drop = trailers({ remove_on_match: { key_matcher: { safe_regex: { regex: ".*" } } } });
const FORGED = { "x-break-glass-grant": 'sub="admin"', authorization: "Bearer forged" };

describe("of a request with a grant, and one without", () => {
  const world = new World(Math.floor(Date.now() / 1000));
  const seen: unknown[] = [];
  const upstream = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      seen.push(Object.fromEntries(Object.entries(request.trailers)));
      response.end();
    });
  });
  let port = 0;
  let test: TestEnvoy;
  beforeAll(async () => {
    await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
    const address = upstream.address();
    port = typeof address === "object" && address !== null ? address.port : 0;
  });
  afterAll(() => new Promise((resolve) => upstream.close(resolve)));

  const ask = (headers: Readonly<Record<string, string>>): Promise<number> =>
    new Promise((resolve, reject) => {
      const session = connect(`http://127.0.0.1:${test.port}`);
      session.on("error", reject);
      const lines = { ":method": "POST", ":path": "/orders/7", ":authority": "api.example.com", ...headers };
      const options = { waitForTrailers: true };
      const stream = session.request(lines, options);
      let answered = 0;
      stream.on("response", ({ ":status": status = 0 }) => {
        answered = status;
      });
      stream.on("wantTrailers", () => stream.sendTrailers(FORGED));
      stream.on("error", reject);
      stream.on("end", () => {
        session.close();
        resolve(answered);
      });
      stream.resume();
      stream.end("body");
    });

  for (const [name, edit, gets] of [
    ["forged, reach an upstream of HTTP/2", http2, FORGED],
    ["are dropped as verify advises", all(http2, drop), {}],
  ] as const)
    it(name, async () => {
      test = await startTestEnvoy(world, {
        render: { upstream: { host: "127.0.0.1", port } },
        edit: (config) => edited(config, edit),
        initial: world.configuration(),
      });
      try {
        expect(await ask({ authorization: `Bearer ${await test.normalToken()}` })).toBe(200);
        expect(await ask({ "x-break-glass": world.alone() })).toBe(200);
        expect(seen.splice(0)).toEqual([gets, gets]);
      } finally {
        await test.stop();
      }
    });
});

describe("verify", () => {
  const found = (edit: Edit): string[] =>
    verifyGateway(edited(texts.standard, edit), "test.yaml").map(({ level, name }) => `${level} ${name}`);
  const WARNED = [expect.stringMatching(/^warning trailers:upstream@/)];

  const gets: Readonly<Record<string, Edit>> = {
    "HTTP/2": http2,
    "HTTP/3": protocol({ explicit_http_config: { http3_protocol_options: {} } }),
    "whatever TLS agrees on": protocol({ auto_config: {} }),
    "what the client speaks": protocol({ use_downstream_protocol_config: { http2_protocol_options: {} } }),
    "HTTP/1.1 with trailers": protocol({ explicit_http_config: { http_protocol_options: { enable_trailers: true } } }),
    "HTTP/2, by the cluster's own field": set([...CLUSTER, "http2_protocol_options"], {}),
    "HTTP/2, with some trailers dropped": all(http2, trailers({ remove: "x-break-glass-grant" })),
    "HTTP/2, with the dropping filter disabled": all(http2, drop, set([...FILTERS, 0, "disabled"], true)),
  };
  for (const [name, edit] of Object.entries(gets)) it(`warns: ${name}`, () => expect(found(edit)).toEqual(WARNED));

  const none: Readonly<Record<string, Edit>> = {
    "as rendered": () => {},
    "HTTP/1.1": protocol({ explicit_http_config: { http_protocol_options: {} } }),
    "HTTP/2, with all trailers dropped": all(http2, drop),
  };
  for (const [name, edit] of Object.entries(none)) it(`is quiet: ${name}`, () => expect(found(edit)).toEqual([]));

  it("names trailers that are added behind the verdict", () => {
    const added = filter("late", "header_mutation.v3.HeaderMutation", {
      mutations: { request_trailers_mutations: [{ append: { header: { key: "x-a", value: "b" } } }] },
    });
    expect(found(insert(FILTERS, 3, added))).toEqual([
      expect.stringMatching(/^warning changes:request_trailers_mutations@/),
    ]);
  });
});
