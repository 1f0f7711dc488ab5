/** Grants bound to a key (`cnf`): stolen without it, shown with another one, or with a proof that was used. */
import { newProofKey } from "../../caller/proof.js";
import type { Case, Outcome, Stage } from "../model.js";
import { proofFor } from "../wire.js";
import { allow, tries, verdict } from "./kit.js";

const bound = () => ({ isBound: true });

async function replayed(stage: Stage): Promise<readonly Outcome[]> {
  const grant = await stage.grant(bound());
  if (grant.proofKey === undefined) return [];
  const proof = proofFor(grant.text, grant.proofKey, stage.target);
  const first = await stage.send({ grant, proof });
  const second = await stage.send({ grant, proof });
  return [
    { what: "a bound grant with its proof", expected: allow, call: first },
    { what: "the same proof once more", expected: verdict("proof"), call: second },
  ];
}

export const bindingCases: readonly Case[] = [
  tries({ name: "stolen-grant", title: "A stolen grant without its key", promise: 1 }, [
    {
      what: "a bound grant without a proof",
      expected: verdict("binding_missing"),
      grant: bound,
      call: () => ({ proof: "none" }),
    },
    {
      what: "a bound grant with a proof by another key",
      expected: verdict("binding_mismatch"),
      grant: bound,
      call: () => ({ proof: newProofKey() }),
    },
  ]),
  { name: "proof-replayed", title: "A proof used twice", promise: 1, where: "fleet", play: replayed },
  tries({ name: "plain-bearer", title: "A plain grant where a bound one is demanded", promise: 1 }, [
    {
      what: "a grant bound to no key",
      expected: verdict("claim_required"),
      grant: () => ({ isBound: false }),
      unless: ({ entitlement }) =>
        entitlement.require?.includes("cnf") === true ? undefined : "the entitlement does not demand `cnf`",
    },
  ]),
];
