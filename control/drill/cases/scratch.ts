/** What takes root keys, revokers or a flood: on the scratch gateway alone. */
import { newKey } from "../../signer/jwk.js";
import type { BadBundle, Case, MadeGrant, Outcome, Scratch, Stage } from "../model.js";
import { allow, verdict } from "./kit.js";

export const onScratch = (
  about: Omit<Case, "play" | "where">,
  play: (stage: Stage, scratch: Scratch) => Promise<readonly Outcome[]>,
): Case => ({
  ...about,
  where: "scratch",
  play: async (stage) => {
    if (stage.scratch === undefined) throw new Error(`${about.name} is played on a scratch gateway`);
    return play(stage, stage.scratch);
  },
});

async function approverRemoved(stage: Stage, scratch: Scratch): Promise<readonly Outcome[]> {
  const [first] = stage.players.approvers;
  const grant = await stage.grant();
  const before = await stage.send({ grant });
  await scratch.without(first?.sub ?? "");
  const after = await stage.send({ grant });
  const fresh = await stage.send({ grant: await stage.grant() });
  await scratch.restore();
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
    await scratch.revoke(kind, REVOKED[kind](grant, scratch));
    outcomes.push(
      { what: `a grant before its ${kind} is revoked`, expected: allow, call: before },
      {
        what: `the same grant when its ${kind} is revoked`,
        expected: verdict("revoked"),
        call: await stage.send({ grant }),
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

/** More than a source may fail with in ten seconds, many times over. */
const FORGED = 300;
const AT_ONCE = 50;

async function flood(stage: Stage, scratch: Scratch): Promise<readonly Outcome[]> {
  const forger = newKey("Ed25519");
  const forged: MadeGrant[] = [];
  for (let i = 0; i < FORGED; i++) forged.push(await stage.grant({ forgedBy: forger }));
  const good = await Promise.all(Array.from({ length: FORGED / AT_ONCE }, () => stage.grant()));
  const outcomes: Outcome[] = [];
  let opened = 0;
  for (const [i, grant] of good.entries()) {
    const batch = forged.slice(i * AT_ONCE, (i + 1) * AT_ONCE).map((one) => ({ grant: one }));
    const [answers, call] = await Promise.all([scratch.flood(batch), stage.send({ grant })]);
    opened += answers.filter(({ seen }) => seen.code !== "signature" && seen.code !== "busy").length;
    outcomes.push({
      what: "a good grant while forged ones come in at full rate from elsewhere",
      expected: allow,
      call,
    });
  }
  const faults = opened === 0 ? {} : { faults: [`${opened} of ${FORGED} forged grants were not refused as such`] };
  return outcomes.map((one, i) => (i === 0 ? { ...one, ...faults } : one));
}

export const scratchCases: readonly Case[] = [
  onScratch({ name: "approver-removed", title: "An approver who was removed", promise: 1 }, approverRemoved),
  onScratch({ name: "second-account", title: "The requester approves by another account", promise: 1 }, secondAccount),
  onScratch({ name: "other-environment", title: "A grant of another environment", promise: 4 }, otherEnvironment),
  onScratch({ name: "flood", title: "Forged grants at full rate", promise: 2 }, flood),
  onScratch({ name: "revoked", title: "A grant used again after its revocation", promise: 3 }, revoked),
  onScratch({ name: "bad-bundle", title: "Trust bundles that no gateway may take", promise: 1 }, badBundles),
];
