/** Grants bound to a key (`cnf`): stolen without it, shown with another one, or with a proof that was used. */
import { certificateThumbprint } from "../../caller/gateway.js";
import { newProofKey } from "../../caller/proof.js";
import { ownCertificate } from "../certificate.js";
import type { Call, Case, ClientCertificate, FleetGateway, Outcome, Stage } from "../model.js";
import { proofFor } from "../wire.js";
import { allow, shut, tries, verdict } from "./kit.js";

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

/** At a listener that asks for certificates of an authority, a strange one, or none, is refused before any grant is read. */
const orRefused = (call: Call, { certificate }: FleetGateway, code: "binding_missing" | "binding_mismatch") =>
  certificate !== undefined && call.seen.error !== undefined ? shut : verdict(code);

/** What opens there; undefined where nothing is known to. */
function shownAt({ certificate, takesAnyCertificate, kong }: FleetGateway): ClientCertificate | undefined {
  if (kong !== undefined) return undefined;
  return certificate ?? (takesAnyCertificate === true ? ownCertificate("glassgate-drill") : undefined);
}

/** RFC 8705: of a gateway that shows no certificate to its filter, only that such a grant opens nothing. */
async function certified(stage: Stage): Promise<readonly Outcome[]> {
  const { gateway } = stage;
  const own = shownAt(gateway);
  const other = ownCertificate("glassgate-drill-other");
  const thumbprint = certificateThumbprint((own ?? other).cert);
  const grant = await stage.grant({ isBound: false, claims: { cnf: { "x5t#S256": thumbprint } } });
  const outcomes: Outcome[] = [];
  const what = "a grant bound to a certificate, over a connection with it";
  if (own === undefined)
    stage.notProbed(
      what,
      gateway.kong === undefined
        ? `the drill file names no \`certificate\` of ${gateway.id}, and nothing says that it takes any`
        : `${gateway.id} is a Kong, which shows no client certificate to the filter: it denies every such grant`,
    );
  else outcomes.push({ what, expected: allow, call: await stage.send({ grant, certificate: own }) });
  const bare = await stage.send({ grant, certificate: "none" });
  outcomes.push({
    what: "a stolen grant, over a connection without its certificate",
    expected: orRefused(bare, gateway, "binding_missing"),
    call: bare,
  });
  if (own === undefined) return outcomes;
  const strange = await stage.send({ grant, certificate: other });
  outcomes.push({
    what: "a stolen grant, over a connection with another certificate",
    expected: orRefused(strange, gateway, "binding_mismatch"),
    call: strange,
  });
  return outcomes;
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
  {
    name: "certificate-bound",
    title: "A grant bound to a client certificate",
    promise: 1,
    where: "fleet",
    play: certified,
  },
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
