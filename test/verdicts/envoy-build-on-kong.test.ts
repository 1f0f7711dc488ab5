/**
 * The build for Envoy on the Node host as Kong. It does not load there; were it made to, it would not stay closed by itself. So Kong
 * has a build of its own, and this says what each of its differences is for.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CALLBACKS } from "../../control/host/abi.js";
import { FilterHost, type Header, type HostOptions } from "../../control/host/host.js";
import { readModule } from "../../control/host/module.js";
import { NGX_RULES } from "../../control/host/ngx/abi.js";
import type { NgxProcess } from "../../control/host/ngx/process.js";
import { ngxProfile } from "../../control/host/ngx/profile.js";
import type { NgxOptions } from "../../control/host/ngx/surroundings.js";
import { wasmPath } from "../../control/host/wasm.js";
import { withExports } from "../kit/with-exports.js";
import { World } from "../kit/world.js";
import { kongGateway, upstreamOf } from "./kong-gateway.js";
import { enforceProfiles } from "./profiles.js";

const release = readFileSync(wasmPath);
const world = new World(Math.floor(Date.now() / 1000));

/** For what nginx calls itself. */
const forServer = world.alone({
  claims: { ent: "wide", authorization_details: [world.detail({ locations: ["kong:8000"] })] },
});

/** With what the host demands, and nothing else changed. */
async function adapted(): Promise<Uint8Array> {
  const { functions } = readModule(release);
  const missing = [...NGX_RULES.mandatory.keys()].filter((name) => !functions.has(name));
  return withExports(release, new Map(missing.map((name) => [name, CALLBACKS.get(name) ?? ""])));
}

async function hostOf(nginx: NgxOptions, options: HostOptions = {}): Promise<FilterHost<NgxProcess>> {
  return FilterHost.loadAs(ngxProfile(nginx), { wasm: await adapted(), ...options });
}

const ask = (host: FilterHost<NgxProcess>, grant: string, authority = "api.example.com") =>
  host.request({
    headers: [
      [":method", "GET"],
      [":path", "/orders/7"],
      ["host", authority],
      ["x-break-glass", grant],
    ],
  });

describe("the build for Envoy on Kong", () => {
  it("is refused: nginx would die of the exports that it lacks", async () => {
    await expect(kongGateway({ wasm: wasmPath })).rejects.toThrow(/without it the worker dies by SIGSEGV/);
  });

  it("with those exports, and without shm_kv: it traps when it is configured, and requests pass unjudged", async () => {
    const host = await hostOf({});
    const { accepted, log } = host.configure(world.configuration());
    expect(accepted).toBe(false);
    expect(log.join("\n")).toMatch(/there is no shm_kv/);
    expect(ask(host, "nonsense")).toMatchObject({ kind: "continue", isUnjudged: true });
  });

  it("with shm_kv too: a configuration that it refuses is no chain, and requests pass unjudged", async () => {
    const host = await hostOf({ hasSharedData: true });
    expect(host.configure("{}").accepted).toBe(false);
    expect(ask(host, "nonsense")).toMatchObject({ kind: "continue", isUnjudged: true });
  });

  it("with shm_kv too: it cannot leave a record, and so allows nothing", async () => {
    const host = await hostOf({ hasSharedData: true });
    expect(host.configure(world.configuration()).accepted).toBe(true);
    expect(ask(host, forServer).reply?.body).toContain("audit_unavailable");
  });
});

/** A gateway that takes its record: what would go wrong then. */
describe("the build for Envoy on Kong, were its record taken", () => {
  const OK = 0;
  const trusting = async (nginx: NgxOptions): Promise<FilterHost<NgxProcess>> => {
    const intercept: HostOptions["intercept"] = ({ name }) => (name === "proxy_set_property" ? OK : undefined);
    const host = await hostOf({ hasSharedData: true, ...nginx }, { intercept });
    expect(host.configure(world.configuration()).accepted).toBe(true);
    return host;
  };
  it("it judges the server's name in the place of the client's host: a grant for one opens every other", async () => {
    const host = await trusting({});
    expect(ask(host, world.grant()).reply?.status).toBe(403);
    expect(ask(host, forServer, "payroll.example.com").kind).toBe("continue");
  });

  it("the upstream gets the grant, which it took away", async () => {
    const host = await trusting({});
    expect(upstreamOf(ask(host, forServer))["x-break-glass"]).toBe(forServer);
  });
});

describe("the suite's cases by the build for Envoy on Kong", () => {
  for (const profile of enforceProfiles) {
    it(`${profile.name}: nothing is allowed, whatever the reference says`, async () => {
      const host = await hostOf({ hasSharedData: true, serverName: "api.example.com" });
      const configuration = profile.configuration(world);
      expect(host.configure(configuration).accepted).toBe(true);
      for (const item of profile.cases) {
        const made = item.grant(world);
        const grants = typeof made === "string" ? [made] : made;
        const { method = "GET", path = "/orders/7", host: authority = "api.example.com" } = item.request ?? {};
        const outcome = host.request({
          headers: [
            [":method", method],
            [":path", path],
            ["host", authority],
            ...grants.map((grant): Header => ["x-break-glass", grant]),
          ],
          sourceAddress: "127.0.0.1:50000",
        });
        expect(outcome.kind, item.name).toBe("reply");
        expect(outcome.isUnjudged && outcome.reply?.status !== 400, item.name).toBe(false);
      }
    });
  }
});
