/** Weaknesses put in on purpose: the drill finds each, and names gateway and route. Where nothing was weakened it finds nothing. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import type { Report } from "../../control/drill/model.js";
import type { BundleClaims } from "../../control/trust/claims.js";
import { glassgate } from "../cli/run.js";
import { type Fleet, type FleetOptions, PASSPHRASE, startFleet } from "./fleet.js";

const MANAGER = ["static_resources", "listeners", 0, "filter_chains", 0, "filters", 0, "typed_config"] as const;
const http = (type: string): string => `type.googleapis.com/envoy.extensions.filters.http.${type}`;

const edited =
  (...changes: readonly (readonly [path: readonly (string | number)[], value: unknown])[]) =>
  (config: string): string => {
    // Written out first: what is replaced may hold the anchor of what stays.
    const whole: unknown = parseDocument(config, { merge: true }).toJS({ maxAliasCount: 1000 });
    const document = parseDocument(JSON.stringify(whole));
    for (const [path, value] of changes) document.setIn([...MANAGER, ...path], document.createNode(value));
    return document.toString({ lineWidth: 0 });
  };

const openRoute = [
  {
    match: { prefix: "/status" },
    route: { cluster: "upstream" },
    typed_per_filter_config: {
      "envoy.filters.http.jwt_authn": { "@type": http("jwt_authn.v3.PerRouteConfig"), disabled: true },
    },
  },
  { match: { prefix: "/" }, route: { cluster: "upstream" } },
];

/** In the place of the filter that only adds a header. */
const forgedVerdict = {
  name: "forge",
  typed_config: {
    "@type": http("set_filter_state.v3.Config"),
    on_request_headers: [
      {
        object_key: "wasm.glassgate.verdict",
        factory_key: "envoy.string",
        format_string: { text_format_source: { inline_string: "allow" } },
      },
    ],
  },
};

/** Twice as wide, by one approval less, and older than the project's. */
const weaker = (claims: BundleClaims): BundleClaims => ({
  ...claims,
  version: claims.version - 1,
  entitlements: claims.entitlements.map((one) =>
    one.drill === true
      ? {
          ...one,
          approvals: one.approvals.slice(0, 1),
          authorization_details: one.authorization_details.map((detail) => ({ ...detail, paths: ["/drill/*"] })),
        }
      : one,
  ),
});

const WEAK: Readonly<Record<number, ReturnType<NonNullable<FleetOptions["weaken"]>>>> = {
  2: { drift: edited([["http_filters", 0, "disabled"], true]), isOff: true },
  3: { render: { mode: "shadow" } },
  4: { render: { auditLogPath: "/dev/null" } },
  5: {
    render: { keep: ["x-original-url"] },
    edit: edited(
      [["route_config", "virtual_hosts", 0, "routes"], openRoute],
      [["early_header_mutation_extensions"], []],
    ),
  },
  6: { bundle: weaker },
  7: {
    drift: edited(
      [["access_log", 1, "typed_config", "log_format", "json_format", "grant"], "%REQ(X-BREAK-GLASS)%"],
      [["http_filters", 1], forgedVerdict],
    ),
  },
};

/** Gateway and case, and what is said. */
const FOUND: readonly (readonly [gateway: number, name: string, finding: RegExp])[] = [
  [2, "opens", /^gateway-2 did not judge .* on GET api\.example\.com\/drill\/orders: .*The filter is off there/],
  [2, "forged-grant", /^gateway-2 did not judge a forged grant on GET api\.example\.com\//],
  [3, "opens", /^gateway-3 runs in shadow mode/],
  [3, "forged", /^gateway-3 runs in shadow mode/],
  [4, "opens", /^gateway-4 judged requests and has no record of them|^gateway-4 .*no record/],
  [4, "expired", /^gateway-4 judged requests and has no record of them/],
  [5, "no-credential", /^gateway-5 serves GET api\.example\.com\/status to callers without a credential \(200\)/],
  [5, "override-headers-stripped", /^gateway-5, .*the upstream received x-original-url/],
  [5, "forged-attestation", /^gateway-5, .*the upstream received the forged attestation/],
  [7, "no-credential", /^gateway-7 serves GET api\.example\.com\/ to callers without a credential \(200\)/],
  [7, "configuration", /^The configuration that gateway-7 runs: this format prints the grant/],
  [7, "configuration", /^The configuration that gateway-7 runs: .*verdict/],
  [
    5,
    "configuration",
    /^The configuration that gateway-5 runs: envoy\.filters\.http\.jwt_authn does not guard this route/,
  ],
  [6, "gateway-state", /^gateway-6 serves trust bundle version 6, and the project has version 7/],
  [
    6,
    "one-approval-short",
    /^gateway-6 let a grant that drill-anna has not approved through on GET .*denied with quorum/,
  ],
  [
    6,
    "entitlement-scope",
    /^gateway-6 let a grant for more than the entitlement opens: a path beside it through on GET api\.example\.com\/drill\//,
  ],
];

let fleet: Fleet;
let report: Report;
beforeAll(async () => {
  fleet = await startFleet({ gateways: 7, weaken: (i) => WEAK[i] ?? {} });
  const [cwd, env] = [fleet.folder, { GLASSGATE_PASSPHRASE: PASSPHRASE }];
  expect(await glassgate(["drill", "init"], { cwd, env })).toMatchObject({ code: 0 });
  const file = join(cwd, "drill.yaml");
  writeFileSync(
    file,
    readFileSync(file, "utf8").replace("recorded: 30s", "recorded: 12s").replace("repeat: 3", "repeat: 1"),
  );
  const ran = await glassgate(["drill", "run", "drill.yaml", "--json"], { cwd, env });
  expect(ran.code, ran.stderr).toBe(1);
  report = JSON.parse(ran.stdout);
});
afterAll(() => fleet?.stop());

describe("the standard drill", () => {
  it.each(FOUND)("on gateway-%i, by %s, says %s", (gateway, name, finding) => {
    const failed = report.assertions.filter(
      (one) => !one.ok && one.gateway === `gateway-${gateway}` && one.case === name,
    );
    expect(failed.map((one) => one.finding)).toEqual(expect.arrayContaining([expect.stringMatching(finding)]));
  });

  it("finds nothing on the gateway that is as it should be", () => {
    expect(report.assertions.filter((one) => !one.ok && one.gateway === "gateway-1")).toEqual([]);
  });

  it.each([5, 6])("finds nothing else on gateway-%i", (gateway) => {
    const names = report.assertions
      .filter((one) => !one.ok && one.gateway === `gateway-${gateway}`)
      .map((one) => one.case);
    const wanted = FOUND.filter(([one]) => one === gateway).map(([, name]) => name);
    expect(names.filter((name) => !wanted.includes(name))).toEqual([]);
  });
});
