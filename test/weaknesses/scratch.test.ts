/** Builds of the filter that skip one check each: the drill's own gateways run the user's build, so each is found there, and named. */
import { afterEach, expect, it } from "vitest";
import type { Report } from "../../control/drill/model.js";
import { glassgate } from "../cli/run.js";
import { type Fleet, PASSPHRASE, startFleet } from "../drill/fleet.js";
import { compileWeakened, type Weakening } from "../kit/weak-filter.js";

interface WeakBuild {
  readonly name: string;
  readonly weakenings: readonly Weakening[];
  /** Case, and its finding. */
  readonly found: readonly (readonly [name: string, finding: RegExp])[];
}

const DECIDE = "assembly/decide/decide.ts";
const builds: readonly WeakBuild[] = [
  {
    name: "quorum",
    weakenings: [
      {
        file: DECIDE,
        from: "if (began == NEVER) return Verdict.Quorum;",
        to: "if (began == NEVER) { decision.endsAt = claims.expiresAt; return Verdict.Allow; }",
      },
    ],
    found: [
      ["filter-build", /scratch let a grant that nobody approved through on .* denied with quorum/],
      [
        "approvers-unreachable",
        /scratch let a grant with quorum 3 of 5, only crisis-1 and crisis-2 within reach through on .* denied with quorum/,
      ],
    ],
  },
  {
    name: "expiry",
    weakenings: [
      { file: DECIDE, from: "if (question.now >= claims.expiresAt) return Verdict.Expired;", to: "" },
      {
        file: DECIDE,
        from: "return now >= decision.endsAt ? Verdict.Expired : Verdict.Allow;",
        to: "return Verdict.Allow;",
      },
    ],
    found: [["filter-build", /scratch let a grant that has expired through on .* denied with expired/]],
  },
  {
    name: "scope",
    weakenings: [
      {
        file: "assembly/decide/scope.ts",
        from: "if (reached == 3) return Verdict.Allow;",
        to: "if (reached >= 0) return Verdict.Allow;",
      },
    ],
    found: [["filter-build", /scratch let a good grant for another path through on .* denied with scope_path/]],
  },
  {
    name: "the bundle's end",
    weakenings: [{ file: DECIDE, from: "if (!question.bundleHolds) return Verdict.BundleExpired;", to: "" }],
    found: [
      [
        "bundle-near-expiry",
        /scratch-2 let the same grant when the trust bundle has ended through on .* denied with bundle_expired/,
      ],
    ],
  },
  {
    name: "the count of what is left out",
    weakenings: [
      { file: "assembly/filter/metrics.ts", from: "newRecordsDropped += 1;", to: "newRecordsDropped += 0;" },
    ],
    found: [["flood", /scratch, forged grants from elsewhere, .*: these are not the same number/]],
  },
];

let fleet: Fleet | undefined;
afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});

it.each(builds)("the drill finds a build that skips $name", async ({ name, weakenings, found }) => {
  const wasmPath = await compileWeakened(name.replaceAll(/\W+/g, "-"), weakenings);
  fleet = await startFleet({ gateways: 1, weaken: () => ({ render: { wasmPath } }) });
  const [cwd, env] = [fleet.folder, { GLASSGATE_PASSPHRASE: PASSPHRASE }];
  expect(await glassgate(["drill", "init"], { cwd, env })).toMatchObject({ code: 0 });
  const only = found.flatMap(([one]) => ["--only", one]);
  const ran = await glassgate(["drill", "run", "drill.yaml", "--json", ...only], { cwd, env });
  const report: Report = JSON.parse(ran.stdout);
  for (const [one, finding] of found)
    expect(report.assertions.flatMap((each) => (each.case === one ? (each.finding ?? []) : []))).toEqual(
      expect.arrayContaining([expect.stringMatching(finding)]),
    );
  expect(ran.code).toBe(1);
});
