/** Every route of a gateway, without a credential, with an empty grant and with a forged one: what is open by mistake shows here. */
import { newKey } from "../../signer/jwk.js";
import type { Case, Outcome, Route, Stage } from "../model.js";
import { verdict } from "./kit.js";

/** The target's own first. */
const places = ({ target, gateway }: Stage): readonly Route[] => {
  const own = { host: target.host, path: target.path, name: target.path };
  return [own, ...gateway.routes.filter(({ host, path }) => host !== own.host || path !== own.path)];
};

const methods = ({ gateway }: Stage): readonly string[] =>
  gateway.isHarmless ? ["GET", "HEAD", "POST"] : ["GET", "HEAD"];

async function bare(stage: Stage): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  if (!stage.gateway.isHarmless)
    stage.notProbed(
      "methods other than GET and HEAD without a credential",
      "the drill file does not say of each gateway that its upstream is `harmless`",
    );
  for (const { host, path, name } of places(stage))
    for (const method of methods(stage)) {
      const call = await stage.send({ method, host, path });
      outcomes.push({
        what: `${method} without a credential`,
        route: name,
        expected: { kind: "unauthenticated" },
        call,
      });
    }
  return outcomes;
}

async function empty(stage: Stage): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { host, path, name } of places(stage)) {
    const call = await stage.send({ method: "GET", host, path, headers: { "x-break-glass": "" } });
    outcomes.push({ what: "an empty grant", route: name, expected: verdict("malformed"), call });
  }
  return outcomes;
}

async function forged(stage: Stage): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { host, path, name } of places(stage)) {
    const grant = await stage.grant({ forgedBy: newKey("Ed25519") });
    const call = await stage.send({ method: "GET", host, path, grant });
    outcomes.push({ what: "a forged grant", route: name, expected: verdict("signature"), call });
  }
  return outcomes;
}

export const routeCases: readonly Case[] = [
  { name: "no-credential", title: "No credential, on every route", promise: 4, where: "fleet", play: bare },
  { name: "empty-grant", title: "An empty grant, on every route", promise: 4, where: "fleet", play: empty },
  { name: "forged-grant", title: "A forged grant, on every route", promise: 1, where: "fleet", play: forged },
];
