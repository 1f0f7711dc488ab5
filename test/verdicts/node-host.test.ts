import { describe, expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { FAILING, filterThatCalls } from "../kit/failing-host.js";
import { World } from "../kit/world.js";
import { referenceDecision } from "../reference/decide.js";
import { nodeGateway } from "./node-gateway.js";
import { rawPaths } from "./scopes.js";
import { AS_ENVOY, runSuite } from "./suite.js";

runSuite({
  name: "the Node host",
  ...AS_ENVOY,
  start: (_, { failing }) => nodeGateway(failing === undefined ? undefined : filterThatCalls(...FAILING[failing])),
});

describe("paths that Envoy itself refuses or normalises", () => {
  const world = new World(Math.floor(Date.now() / 1000));
  for (const path of rawPaths) {
    it(`${JSON.stringify(path)} is ambiguous`, async () => {
      const gateway = await nodeGateway();
      const configuration = world.configuration();
      await gateway.configure(configuration);
      const grants = [
        world.alone({ claims: { ent: "wide", authorization_details: [world.detail({ paths: ["/**"] })] } }),
      ];
      const bytes = Buffer.from(path, "utf8").toString("latin1");
      const [seen] = await gateway.send([{ grants, path: bytes }]);
      expect(seen?.verdict).toBe("path_ambiguous");
      const request = { method: "GET", host: "api.example.com", path: bytes, isUpgrade: false };
      expect(await referenceDecision({ configuration, grants, request, now: world.now })).toBe("path_ambiguous");
    });
  }
});

describe("when the gateway itself fails", () => {
  const world = new World(Math.floor(Date.now() / 1000));
  const ask = (host: FilterHost) =>
    host.request({
      headers: [
        [":method", "GET"],
        [":path", "/orders/7"],
        [":authority", "api.example.com"],
        ["x-break-glass", world.alone()],
      ],
    });
  const failing = async (name: string, only = 1): Promise<FilterHost> => {
    let calls = 0;
    const host = await FilterHost.load({
      intercept: (call) => {
        if (call.name !== name) return undefined;
        calls += 1;
        return calls === only ? 10 : undefined;
      },
    });
    expect(host.configure(world.configuration()).accepted).toBe(true);
    calls = 0;
    return host;
  };
  const code = (outcome: ReturnType<typeof ask>): unknown => JSON.parse(outcome.reply?.body ?? "{}").code;

  it("no record and evidence, which come together, no access: audit_unavailable", async () => {
    const outcome = ask(await failing("proxy_set_property", 1));
    expect(outcome.reply?.status).toBe(503);
    expect(code(outcome)).toBe("audit_unavailable");
    expect(outcome.filterState.get("wasm.glassgate.verdict")).toBe("audit_unavailable");
  });

  it("a verdict that cannot be said is internal", async () => {
    const outcome = ask(await failing("proxy_set_property", 2));
    expect(code(outcome)).toBe("internal");
    expect(outcome.filterState.get("wasm.glassgate.verdict")).not.toBe("allow");
  });

  it("headers that cannot be read, a clock that is missing, a grant that cannot be removed: internal", async () => {
    for (const name of [
      "proxy_get_header_map_pairs",
      "proxy_get_current_time_nanoseconds",
      "proxy_remove_header_map_value",
      "proxy_replace_header_map_value",
    ]) {
      const outcome = ask(await failing(name));
      expect(code(outcome), name).toBe("internal");
      expect(outcome.filterState.get("wasm.glassgate.verdict"), name).toBe("internal");
    }
  });

  it("headers that cannot be read are no second use of what was allowed before", async () => {
    const host = await failing("proxy_get_header_map_pairs", 2);
    expect(ask(host).kind).toBe("continue");
    const outcome = ask(host);
    expect(code(outcome)).toBe("internal");
    expect(outcome.filterState.get("wasm.glassgate.verdict")).toBe("internal");
    expect(ask(host).kind).toBe("continue");
  });

  it("a grant header that cannot be read is judged, not passed", async () => {
    const outcome = ask(await failing("proxy_get_header_map_value"));
    expect(outcome.filterState.get("wasm.glassgate.verdict")).toBe("allow");
  });

  it("a client's attestation is removed by the filter itself, where nothing before it does", async () => {
    const host = await FilterHost.load();
    host.configure(world.configuration());
    const forged = [
      [":method", "GET"],
      [":path", "/"],
      [":authority", "a"],
      ["x-break-glass-grant", 'sub="admin"'],
    ] as const;
    const outcome = host.request({ headers: forged });
    expect(outcome.reply).toBeUndefined();
    expect(outcome.headers.map(([name]) => name)).not.toContain("x-break-glass-grant");
    expect(outcome.filterState.size).toBe(0);
  });
});
