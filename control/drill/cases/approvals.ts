/** Grants whose approvals are not those of the quorum. */
import { newKey } from "../../signer/jwk.js";
import type { Case, Outcome, Stage } from "../model.js";
import { tries, verdict } from "./kit.js";

/** As in assembly/limits.ts. */
const MOST = 8;
const NO_QUORUM = "the entitlement needs no approval";
const none = ({ players }: Stage): string | undefined => (players.approvers.length === 0 ? NO_QUORUM : undefined);
const others = ({ players }: Stage) => players.approvers.slice(1).map((by) => ({ by }));

/** Each approver left out in turn: whoever is not needed shows here. */
async function short(stage: Stage): Promise<readonly Outcome[]> {
  const { approvers } = stage.players;
  if (approvers.length === 0) stage.notProbed("one approval short", NO_QUORUM);
  const outcomes: Outcome[] = [];
  for (const missing of approvers) {
    const approvals = approvers.filter((one) => one !== missing).map((by) => ({ by }));
    const call = await stage.send({ grant: await stage.grant({ approvals }) });
    outcomes.push({ what: `a grant that ${missing.sub} has not approved`, expected: verdict("quorum"), call });
  }
  return outcomes;
}

export const approvalCases: readonly Case[] = [
  { name: "one-approval-short", title: "One approval short", promise: 1, where: "fleet", play: short },
  tries({ name: "self-approval", title: "The requester approves himself", promise: 1 }, [
    {
      what: "a grant that its requester approved",
      expected: verdict("self_approval"),
      grant: (stage) => ({ approvals: [{ by: stage.players.requester }, ...others(stage)] }),
      unless: none,
    },
  ]),
  tries({ name: "duplicate-approval", title: "One person approves twice", promise: 1 }, [
    {
      what: "a grant with one approval twice",
      expected: verdict("duplicate_approval"),
      grant: ({ players: { approvers } }) => ({
        approvals: [...approvers, ...approvers.slice(0, 1)].map((by) => ({ by })),
      }),
      unless: (stage) =>
        stage.players.approvers.length === MOST ? "the quorum has all approvals that a grant can hold" : none(stage),
    },
  ]),
  tries({ name: "forged-approval", title: "A forged approval", promise: 1 }, [
    {
      what: "a grant with an approval under an approver's name, signed by another key",
      expected: verdict("approval_signature"),
      grant: (stage) => ({
        approvals: [
          ...stage.players.approvers.slice(0, 1).map((by) => ({ by, forgedBy: newKey("Ed25519") })),
          ...others(stage),
        ],
      }),
      unless: none,
    },
    {
      what: "a grant with an approval by a key of nobody",
      expected: verdict("key_unknown", "key_unknown"),
      grant: (stage) => ({ approvals: [{ by: { sub: "nobody", key: newKey("Ed25519") } }, ...others(stage)] }),
      unless: none,
    },
  ]),
];
