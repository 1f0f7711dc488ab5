/** What takes root keys or revokers: on the scratch gateway alone. */
import { UserError } from "../../base/errors.js";
import { newKey } from "../../signer/jwk.js";
import type {
  BadBundle,
  Case,
  Expectation,
  GrantSpec,
  MadeGrant,
  MeasureName,
  Outcome,
  Scratch,
  Stage,
} from "../model.js";
import { allow, verdict } from "./kit.js";

/** What goes wrong with the gateway itself is a finding, and not the end of the drill. */
export const onScratch = (
  about: Omit<Case, "play" | "where">,
  play: (stage: Stage, scratch: Scratch) => Promise<readonly Outcome[]>,
): Case => ({
  ...about,
  where: "scratch",
  play: async (stage) => {
    if (stage.scratch === undefined) throw new Error(`${about.name} is played on a scratch gateway`);
    try {
      return await play(stage, stage.scratch);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const call = await stage.send({ grant: await stage.grant() });
      return [
        { what: `a good grant after this went wrong: ${about.title}`, expected: allow, call, faults: [error.message] },
      ];
    }
  },
});

async function timed<T>(stage: Stage, name: MeasureName, act: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const made = await act();
  stage.measured(name, performance.now() - began);
  return made;
}

async function approverRemoved(stage: Stage, scratch: Scratch): Promise<readonly Outcome[]> {
  const [first] = stage.players.approvers;
  const grant = await stage.grant();
  const before = await stage.send({ grant });
  await timed(stage, "scratch_pushed", () => scratch.without(first?.sub ?? ""));
  const after = await stage.send({ grant });
  const fresh = await stage.send({ grant: await stage.grant() });
  await timed(stage, "scratch_pushed", () => scratch.restore());
  return [
    { what: "a grant while its approver is in the trust bundle", expected: allow, call: before },
    {
      what: "the same grant when its approver was removed",
      expected: verdict("key_unknown", "key_unknown"),
      call: after,
    },
    { what: "a new grant by a removed approver", expected: verdict("key_unknown", "key_unknown"), call: fresh },
  ];
}

/** What of a grant is taken back, and by which value. */
const REVOKED = {
  jti: (grant: MadeGrant) => grant.jti,
  sub: (_: MadeGrant, stage: Scratch) => stage.people.revocable.sub.sub,
  kid: (_: MadeGrant, stage: Scratch) => stage.people.revocable.kid.key.kid,
  incident: () => "DRILL-SCRATCH",
} as const;

async function revoked(stage: Stage, scratch: Scratch): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const kind of ["jti", "sub", "kid", "incident"] as const) {
    const by = scratch.people.revocable[kind];
    const grant = await stage.grant({ by, ...(kind === "incident" ? { claims: { incident: "DRILL-SCRATCH" } } : {}) });
    const before = await stage.send({ grant });
    const after = await timed(stage, "scratch_revoked", async () => {
      await scratch.revoke(kind, REVOKED[kind](grant, scratch));
      return stage.send({ grant });
    });
    outcomes.push(
      { what: `a grant before its ${kind} is revoked`, expected: allow, call: before },
      {
        what: `the same grant when its ${kind} is revoked`,
        expected: verdict("revoked"),
        call: after,
      },
    );
  }
  const call = await stage.send({ grant: await stage.grant({ by: scratch.people.revocable.kid }) });
  outcomes.push({ what: "a new grant by a revoked key", expected: verdict("revoked"), call });
  return outcomes;
}

async function secondAccount(stage: Stage, scratch: Scratch): Promise<readonly Outcome[]> {
  const { approvers } = stage.players;
  const approvals = [scratch.people.secondAccount, ...approvers.slice(1)].map((by) => ({ by }));
  const call = await stage.send({ grant: await stage.grant({ approvals }) });
  return [{ what: "a grant that its requester approved by another account", expected: verdict("self_approval"), call }];
}

const BAD: Readonly<Record<BadBundle, string>> = {
  old: "an old trust bundle",
  foreign: "a trust bundle by other roots",
  one_root_short: "a trust bundle that one root too few has signed",
  other_environment: "a trust bundle of another environment",
};

async function badBundles(stage: Stage, scratch: Scratch): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const kind of ["foreign", "one_root_short", "other_environment", "old"] as const) {
    const taken = await scratch.offer(kind);
    const call = await stage.send({ grant: await stage.grant() });
    const faults =
      taken === "refused"
        ? {}
        : { faults: [`${BAD[kind]} was offered, and the filter ${taken === "serves" ? "took" : "did not refuse"} it`] };
    outcomes.push({ what: `a good grant after ${BAD[kind]} was offered`, expected: allow, call, ...faults });
  }
  return outcomes;
}

async function otherEnvironment(stage: Stage): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const aud of ["production", "glassgate-drill-scratch-2"]) {
    const call = await stage.send({ grant: await stage.grant({ claims: { aud } }) });
    outcomes.push({ what: `a grant for ${aud} by people of both environments`, expected: verdict("audience"), call });
  }
  return outcomes;
}

const REFUSED: readonly (readonly [
  what: string,
  expected: Expectation,
  spec: (stage: Stage) => GrantSpec,
  path?: string,
])[] = [
  [
    "a grant that has expired",
    verdict("expired"),
    (stage) => ({ claims: { iat: stage.now() - 100, exp: stage.now() - 1 } }),
  ],
  ["a grant that nobody approved", verdict("quorum"), () => ({ approvals: [] })],
  ["a forged grant", verdict("signature"), () => ({ forgedBy: newKey("Ed25519") })],
  ["a good grant for another path", verdict("scope_path"), () => ({}), "/drill/elsewhere"],
];

/** What each build must do, where nothing else could have done it. */
async function filterBuild(stage: Stage): Promise<readonly Outcome[]> {
  const good = await stage.send({ grant: await stage.grant() });
  const outcomes: Outcome[] = [{ what: "a good grant", expected: allow, call: good }];
  for (const [what, expected, spec, path] of REFUSED) {
    const grant = await stage.grant(spec(stage));
    outcomes.push({ what, expected, call: await stage.send({ grant, ...(path === undefined ? {} : { path }) }) });
  }
  return outcomes;
}

export const scratchCases: readonly Case[] = [
  onScratch({ name: "filter-build", title: "The build of the filter alone", promise: 1 }, filterBuild),
  onScratch({ name: "approver-removed", title: "An approver who was removed", promise: 1 }, approverRemoved),
  onScratch({ name: "second-account", title: "The requester approves by another account", promise: 1 }, secondAccount),
  onScratch({ name: "other-environment", title: "A grant of another environment", promise: 4 }, otherEnvironment),
  onScratch({ name: "revoked", title: "A grant used again after its revocation", promise: 3 }, revoked),
  onScratch({ name: "bad-bundle", title: "Trust bundles that no gateway may take", promise: 1 }, badBundles),
];
