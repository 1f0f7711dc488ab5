/**
 * What is other on a Kong (docs/gateways/kong-differences.md): what comes of the cases there, and the case of its own, of the second
 * route and the key that opens it. The drill never sends that key.
 */
import { meetsFilter } from "../kong-way.js";
import type { Case, Expectation, FleetGateway, Outcome, Stage } from "../model.js";
import { allow, shut, verdict } from "./kit.js";

type Play = (stage: Stage, play: Case["play"]) => Promise<readonly Outcome[]>;

/** Played as ever, and something else must come of it. */
const expecting =
  (change: (expected: Expectation) => Expectation): Play =>
  async (stage, play) =>
    (await play(stage)).map((outcome) => ({ ...outcome, expected: change(outcome.expected) }));

const unbound = (): Expectation => verdict("binding_missing");

async function replayed(stage: Stage, play: Case["play"]): Promise<readonly Outcome[]> {
  stage.notProbed(
    `whether ${stage.gateway.id} takes a proof twice`,
    "a Kong's workers share no memory of proofs: it denies every grant that is bound to a key",
  );
  return expecting(unbound)(stage, play);
}

/** Nothing can be cut there, so nothing may be opened that goes on by itself. */
async function upgraded(stage: Stage): Promise<readonly Outcome[]> {
  stage.notProbed(
    `whether ${stage.gateway.id} ends a stream with its grant`,
    "a Kong gives the filter no way to end an answer that goes on: it denies upgrades, which is tried",
  );
  const headers = { connection: "Upgrade", upgrade: "websocket" };
  const call = await stage.send({ grant: await stage.grant(), headers });
  return [{ what: "an upgrade under a good grant", expected: verdict("scope_method"), call }];
}

/** By the name of the case. */
const OTHERWISE: Readonly<Partial<Record<string, Play>>> = {
  // The break-glass route takes a header with a value: an empty one is any caller's, on the API's own route.
  "empty-grant": expecting(() => shut),
  "stolen-grant": expecting(unbound),
  "proof-replayed": replayed,
  "stream-cut": upgraded,
  // nginx itself refuses a line over 8 KiB.
  "header-tricks": expecting((one) => (one.kind === "verdict" && one.verdict === "too_large" ? shut : one)),
};

/** Where the filter does not stand nothing is judged, and nobody must be let in by a grant. */
function asMet({ kong }: FleetGateway, outcome: Outcome): Outcome {
  const isJudged = kong === undefined || outcome.expected.kind !== "verdict" || meetsFilter(kong, outcome.call);
  return isJudged ? outcome : { ...outcome, expected: shut };
}

export async function playCase(one: Case, stage: Stage): Promise<readonly Outcome[]> {
  if (stage.gateway.kong === undefined) return one.play(stage);
  const other = OTHERWISE[one.name];
  const outcomes = await (other === undefined ? one.play(stage) : other(stage, one.play));
  return outcomes.map((outcome) => asMet(stage.gateway, outcome));
}

const GUESS = "glassgate-drill-guessed-upstream-key";
const LOOPBACK = { "x-real-ip": "127.0.0.1", "x-forwarded-for": "127.0.0.1" };

/** What the API gets of an allowed request. */
function shown({ gateway: { kong } }: Stage, { call }: Outcome): string[] {
  const { upstream } = call.seen;
  if (kong === undefined || upstream === undefined) return [];
  const value = upstream.headers[kong.keyHeader];
  const isThere = (value !== undefined && value !== "") || kong.isShownIn(JSON.stringify(upstream));
  return isThere
    ? [`the upstream received the upstream key (${kong.keyHeader}): \`hide_credentials: true\` belongs on key-auth`]
    : [];
}

async function around(stage: Stage, host: string): Promise<Outcome[]> {
  const { keyHeader = "" } = stage.gateway.kong ?? {};
  const method = "GET";
  const expected: Expectation = { kind: "unauthenticated" };
  const tried = [
    { what: "the second route without a key", headers: {} },
    { what: "the second route with a guessed key", headers: { [keyHeader]: GUESS } },
    { what: "the second route, as from loopback, with a guessed key", headers: { ...LOOPBACK, [keyHeader]: GUESS } },
    { what: "the second route with a guessed key in Authorization", headers: { authorization: `Bearer ${GUESS}` } },
  ];
  const outcomes: Outcome[] = [];
  for (const { what, headers } of tried)
    outcomes.push({ what, route: host, expected, call: await stage.send({ method, host, headers }) });
  const grant = await stage.grant();
  const call = await stage.send({ method, host, grant });
  outcomes.push({ what: "the second route with a good grant and no filter", route: host, expected: shut, call });
  if (stage.gateway.isHarmless) {
    const options = await stage.send({ method: "OPTIONS", host });
    outcomes.push({ what: "OPTIONS on the second route without a key", route: host, expected, call: options });
  }
  return outcomes;
}

async function secondRoute(stage: Stage): Promise<readonly Outcome[]> {
  const { kong, id, isHarmless } = stage.gateway;
  if (kong === undefined) return [];
  stage.notProbed(
    `whether the upstream key opens ${id} to others than itself`,
    "a drill never sends that key: `configuration` looks at who must have it, and from where",
  );
  if (!isHarmless)
    stage.notProbed(
      `OPTIONS on the second route of ${id}`,
      "GET and HEAD only: the drill file does not say that its upstream is `harmless`",
    );
  const outcomes: Outcome[] = [];
  for (const host of kong.backHosts) outcomes.push(...(await around(stage, host)));
  const own = { [kong.keyHeader]: GUESS };
  const call = await stage.send({ grant: await stage.grant(), headers: own });
  const allowed: Outcome = { what: "a good grant with an upstream key of the caller's", expected: allow, call };
  const faults = shown(stage, allowed);
  if (call.seen.upstream === undefined && call.seen.code === undefined)
    stage.notProbed(
      "whether the upstream key reaches the upstream",
      `the upstream of ${id} does not say what it received`,
    );
  outcomes.push(
    faults.length === 0 ? allowed : { ...allowed, faults },
    {
      what: "a good grant with an upstream key in two lines",
      expected: verdict("duplicate_header"),
      call: await stage.send({ grant: await stage.grant(), headers: { [kong.keyHeader]: [GUESS, GUESS] } }),
    },
    {
      what: "an upstream key of the caller's and no grant",
      expected: { kind: "unauthenticated" },
      call: await stage.send({ headers: own }),
    },
  );
  return outcomes;
}

export const kongCases: readonly Case[] = [
  { name: "second-route", title: "A Kong's second route and its key", promise: 1, where: "fleet", play: secondRoute },
];
