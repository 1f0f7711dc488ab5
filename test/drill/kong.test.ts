/** The drill on Kongs: green where all is well; each weakness is found, with gateway and route. The filter runs as test/kit/kong-road.ts says. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cases } from "../../control/drill/cases/index.js";
import type { Assertion, Report } from "../../control/drill/model.js";
import { inside } from "../cli/inside.js";
import { glassgate, type Ran } from "../cli/run.js";
import { nodeRoad } from "../kit/kong-road.js";
import { nginx } from "../kong-module/process.js";
import { nginxRoad } from "../kong-module/road.js";
import { PASSPHRASE } from "./fleet.js";
import { expectFound } from "./found.js";
import { type KongFleet, type KongWeakness, routeIn, startKongFleet } from "./kong-fleet.js";

const TARGET = "GET api\\.example\\.com/drill/orders";

interface Weak extends KongWeakness {
  readonly name: string;
  /** Which case finds it, and its finding behind the gateway's name. */
  readonly found: readonly (readonly [name: string, finding: RegExp])[];
  readonly also?: readonly string[] | "anything";
}

const without = (list: { readonly name: string }[], name: string): void => {
  list.splice(0, list.length, ...list.filter((one) => one.name !== name));
};

const GOOD: readonly KongWeakness[] = [{}];
const WEAK: readonly Weak[] = [
  {
    name: "the filter chain disabled",
    stored: ({ filter_chains: chains }) => {
      for (const chain of chains) chain.enabled = false;
    },
    found: [
      ["gateway-state", /^GATEWAY lets nobody in with a grant: a filter chain there is disabled/],
      ["opens", new RegExp(`^GATEWAY did not judge .* on ${TARGET}: .*The filter is off there`)],
      ["configuration", /^The configuration that GATEWAY runs: the filter chain break-glass is disabled/],
    ],
    also: "anything",
  },
  {
    name: "key-auth and acl gone from the second route",
    database: "postgres",
    stored: (kong) => {
      for (const name of ["key-auth", "acl"]) without(routeIn(kong, "break-glass-upstream").plugins, name);
    },
    found: [
      [
        "second-route",
        /^GATEWAY serves GET break-glass-upstream\.internal\/drill\/orders .*to callers without a credential \(200\)/,
      ],
      ["configuration", /^The configuration that GATEWAY runs: .*break-glass-upstream.*key-auth/],
    ],
    also: "anything",
  },
  {
    // With a database: what the Admin API lists is judged, and nothing else is found in it.
    name: "an old bundle",
    database: "postgres",
    bundle: (claims) => ({ ...claims, version: claims.version - 1 }),
    found: [
      ["gateway-state", /^GATEWAY holds trust bundle version 6, and the project has version 7/],
      ["gateway-state", /^A worker of GATEWAY judges by trust bundle version 6, and the project has version 7/],
    ],
  },
  {
    name: "the log plugin gone",
    stored: (kong) => without(routeIn(kong, "break-glass").plugins, "file-log"),
    found: [
      ["opens", new RegExp(`^GATEWAY judged requests and has no record of them, of ${TARGET}`)],
      ["configuration", /^The configuration that GATEWAY runs: nothing writes the filter's records of break-glass/],
    ],
    also: "anything",
  },
  {
    name: "ip-restriction gone, the key shown to the API, attestations let through, and every address trusted",
    stored: (kong) => {
      without(routeIn(kong, "api").plugins, "request-transformer");
      const { plugins } = routeIn(kong, "break-glass-upstream");
      without(plugins, "ip-restriction");
      for (const { name, config } of plugins)
        if (name === "key-auth" && config !== undefined) config.hide_credentials = false;
    },
    settings: { trusted_ips: ["0.0.0.0/0"] },
    found: [
      ["configuration", /^The configuration that GATEWAY runs: .*ip-restriction/],
      ["configuration", /^The configuration that GATEWAY runs: .*hide_credentials/],
      ["configuration", /^The configuration that GATEWAY runs: trusted_ips holds every address/],
      ["second-route", new RegExp(`^GATEWAY, .* on ${TARGET}: the upstream received the upstream key`)],
      ["forged-attestation", /^GATEWAY, .*the upstream received the forged attestation/],
    ],
  },
];

const env = { GLASSGATE_PASSPHRASE: PASSPHRASE };
const scratch = cases.flatMap(({ name, where }) => (where === "scratch" ? [name] : []));
let fleet: KongFleet;
let report: Report;
let ran: Ran;
const drill = (...args: string[]): Promise<Ran> => glassgate(["drill", ...args], { cwd: fleet.folder, env });
const file = (): string => join(fleet.folder, "drill.yaml");
const idOf = (i: number): string => fleet.kongs[i]?.nodeId ?? "";

/** As a person does: each gateway's id and Admin API, where they are not the usual ones. */
function fillIn(text: string): string {
  let [ids, admins] = [0, 0];
  return text
    .replace(/^( {2}- id: )"[^"]*".*$/gm, (_, start: string) => `${start}${idOf(ids++)}`)
    .replace(/"http:\/\/127\.0\.0\.1:8001"/g, () => `"${fleet.kongs[admins++]?.url}"`);
}

beforeAll(async () => {
  fleet = await startKongFleet([...GOOD, ...WEAK], (kong) =>
    nginx === undefined ? nodeRoad(kong.nodeId) : nginxRoad(kong),
  );
  expect(await drill("init")).toMatchObject({ code: 0, stdout: "drill.yaml\n" });
  writeFileSync(
    file(),
    fillIn(readFileSync(file(), "utf8"))
      .replace("recorded: 30s", "recorded: 3s")
      .replace("repeat: 3", "repeat: 1")
      .concat(`cases: { skip: [${scratch.join(", ")}] }\nfaults: [gateway-restarted, ecds-corrupted]\n`),
  );
  ran = await drill("run", "drill.yaml", "--json");
  report = JSON.parse(ran.stdout);
});
afterAll(() => fleet?.stop());

const failed = (gateway: string): readonly Assertion[] =>
  report.assertions.filter((one) => !one.ok && one.gateway === gateway);

describe("a drill on Kongs", () => {
  it.each(GOOD.map((_, i) => ({ i })))("finds nothing where all is well, in each case", ({ i }) => {
    expect(failed(idOf(i)).map(({ finding }) => finding)).toEqual([]);
    const played = new Set(report.assertions.flatMap((one) => (one.gateway === idOf(i) ? [one.case] : [])));
    const fleetCases = cases.flatMap(({ name, where }) => (where === "fleet" ? [name] : []));
    for (const name of fleetCases.filter((one) => !["plain-bearer", "former-key"].includes(one)))
      expect(played, name).toContain(name);
  });

  it.each(WEAK.map((one, i) => ({ ...one, i: GOOD.length + i })))("finds $name", ({ i, ...weak }) => {
    expectFound(failed(idOf(i)), idOf(i), weak);
  });

  it("says what a Kong cannot do or tell as not probed, each with its reason", () => {
    const said = report.notProbed.map(({ what, why }) => `${what}: ${why}`);
    for (const one of [
      /which trust bundle each worker serves: a Kong does not tell/,
      /whether .* ends a stream with its grant: a Kong gives the filter no way/,
      /whether .* takes a proof twice: a Kong's workers share no memory/,
      /whether the upstream key opens .* to others than itself: a drill never sends that key/,
      /the fault gateway-restarted on .*: it is a Kong/,
      /the fault ecds-corrupted on .*: it is a Kong/,
    ])
      expect(said).toEqual(expect.arrayContaining([expect.stringMatching(one)]));
  });

  it("shows the upstream key nowhere", () => {
    const [folder = ""] = readdirSync(join(fleet.folder, "drills"));
    const written = readdirSync(join(fleet.folder, "drills", folder)).map((name) =>
      readFileSync(join(fleet.folder, "drills", folder, name), "utf8"),
    );
    for (const kong of fleet.kongs)
      for (const key of kong.keys.filter((one) => one.length > 32))
        for (const text of [ran.stdout, ran.stderr, ...written]) expect(text).not.toContain(key);
  });
});

describe("before the first request", () => {
  const refusedBy = async (change: (text: string) => string): Promise<string> => {
    const good = readFileSync(file(), "utf8");
    writeFileSync(join(fleet.folder, "bad.yaml"), change(good));
    const { code, stderr } = await inside(["drill", "run", "bad.yaml"], { cwd: fleet.folder, env });
    expect(code, stderr).toBe(2);
    return stderr;
  };

  it.each([
    [
      "another node's id",
      (text: string) => text.replace(idOf(0), "kong-1"),
      /gateways\[0\]\.id.*has the node_id [0-9a-f-]{36}.*write that/s,
    ],
    [
      "an Admin API that is elsewhere",
      (text: string) => text.replace(/"http:\/\/127\.0\.0\.1:\d+"( +# its Admin)/, '"http://192.0.2.1:8001"$1'),
      /gateways\[0\]\.kong.*would travel in clear/s,
    ],
    [
      "no declarative file",
      (text: string) => text.replace('config: "kong-01/kong.yaml"', 'config: "anchors.json"'),
      /gateways\[0\]\.config.*is no declarative file of a Kong/s,
    ],
  ])("refuses %s, with its line and what to do", async (_, change, said) => {
    expect(await refusedBy(change)).toMatch(said);
  });

  it("refuses a file of another environment, and a Kong that holds another's configuration", async () => {
    const kong = join(fleet.folder, "kong-01", "kong.yaml");
    const other = readFileSync(kong, "utf8").replace("audience: production", "audience: staging");
    writeFileSync(join(fleet.folder, "kong-01", "other.yaml"), other);
    const named = (text: string): string => text.replace("kong-01/kong.yaml", "kong-01/other.yaml");
    expect(await refusedBy(named)).toMatch(/gateways\[0\]\.config.*is for the audience staging/s);
    const [first] = fleet.kongs;
    first?.boot(other);
    expect(await refusedBy((text) => text)).toMatch(
      /gateways\[0\]\.kong.*holds a configuration of the filter that is for the audience staging/s,
    );
  });
});
