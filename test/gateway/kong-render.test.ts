/** `gateway render --for kong`: a file with a key of its own, for its owner alone, that says what Kong cannot keep. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { Ran } from "../cli/run.js";
import { draft4Fault } from "../kit/draft4.js";
import { entitlement, Party } from "../kit/party.js";

const meta = JSON.parse(
  readFileSync(fileURLToPath(new URL("../../config/kong/glassgate.meta.json", import.meta.url)), "utf8"),
);

let party: Party;
beforeAll(async () => {
  party = await Party.make();
});
afterAll(() => party.end());

const render = (...args: string[]): Promise<Ran> => party.run(["gateway", "render", "--for", "kong", ...args]);
const read = (file: string) => parse(readFileSync(join(party.folder, file), "utf8"));

describe("gateway render --for kong", () => {
  it("draws a key for both sides, writes 0600, shows no key, and names the promises", async () => {
    const args = ["--host", "API.example.com", "--upstream", "orders.internal:9000", "--port", "8010"];
    const { code, stdout, stderr } = await render(...args, "--output", "kong.yaml");
    expect(code, stderr).toBe(0);
    const root = read("kong.yaml");
    const { value } = root.filter_chains[0].filters[0].config.upstream_header;
    expect(value).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(root.consumers[0].keyauth_credentials).toEqual([{ key: value }]);
    expect(root.services.map((one: { host: string; port: number }) => `${one.host}:${one.port}`)).toEqual([
      "break-glass-upstream.internal:8010",
      "orders.internal:9000",
    ]);
    expect(root.upstreams[0].targets[0].target).toBe("127.0.0.1:8010");
    expect(root.services[0].routes[0].hosts).toEqual(["api.example.com"]);
    expect(statSync(join(party.folder, "kong.yaml")).mode & 0o777).toBe(0o600);
    expect(stdout + stderr).not.toContain(value);
    for (const promise of [
      "No single key opens anything",
      "It dies by itself",
      "bound to its holder's key",
      "Everything leaves a record",
    ])
      expect(stderr).toContain(promise);
    expect((await party.run(["gateway", "verify", "kong.yaml", "--anchors", "anchors.json"])).code).toBe(0);
    expect(draft4Fault(meta.config_schema, root.filter_chains[0].filters[0].config)).toBeUndefined();
    expect(draft4Fault(meta.config_schema, { ...root.filter_chains[0].filters[0].config, strp: [] })).toMatch(/strp/);
  });

  it("never writes over a file, which holds a key and what was pushed", async () => {
    await render("--host", "api.example.com", "--output", "there.yaml");
    const before = readFileSync(join(party.folder, "there.yaml"), "utf8");
    const { code, stderr } = await render("--host", "api.example.com", "--output", "there.yaml");
    expect(code).toBe(2);
    expect(stderr).toMatch(/is there already: it holds a key/);
    expect(readFileSync(join(party.folder, "there.yaml"), "utf8")).toBe(before);
  });

  it("draws another key each time", async () => {
    await render("--host", "api.example.com", "--output", "one.yaml");
    await render("--host", "api.example.com", "--output", "two.yaml", "--config-as-text");
    const [one, two] = [read("one.yaml"), read("two.yaml")].map((root) => root.consumers[0].keyauth_credentials[0].key);
    expect(one).not.toBe(two);
    expect(typeof read("two.yaml").filter_chains[0].filters[0].config).toBe("string");
  });

  it("refuses a terminal for the key, and what says nothing of a Kong", async () => {
    expect((await render("--host", "api.example.com")).stderr).toMatch(/holds a key, which is for no terminal/);
    expect((await render("--output", "x.yaml")).stderr).toMatch(/Which host do callers name/);
    expect((await render("--host", "https://api.example.com/", "--output", "x.yaml")).code).toBe(2);
    for (const [flag, ...value] of [
      ["--jwks", "x"],
      ["--demo-idp"],
      ["--mode", "shadow"],
      ["--ecds", "x"],
      ["--tls-cert", "x"],
    ])
      expect((await render(flag ?? "", ...value, "--host", "a.example.com", "--output", "x.yaml")).stderr).toContain(
        `${flag} says nothing of a Kong gateway`,
      );
    const envoy = await party.run(["gateway", "render", "--require", "--host", "a.example.com"]);
    expect(envoy.stderr).toContain("--host says nothing of an Envoy gateway");
  });

  it("names entitlements that this gateway cannot serve, and refuses where it could serve none", async () => {
    const entitlements = [entitlement(), entitlement({ id: "bound", require: ["cnf"] })];
    await party.pin({ entitlements });
    const some = await render("--host", "api.example.com", "--bundle", "bundle.jws", "--output", "some.yaml");
    expect(some.code).toBe(0);
    expect(some.stderr).toMatch(/cannot serve bound: .*binding_missing/);
    await party.pin({ entitlements: entitlements.slice(1) });
    const none = await render("--host", "api.example.com", "--bundle", "bundle.jws", "--output", "none.yaml");
    expect(none.code).toBe(1);
    expect(none.stderr).toMatch(/can serve no entitlement of this bundle/);
  });
});
