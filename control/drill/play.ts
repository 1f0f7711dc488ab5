/** Plays the cases on every gateway: on one after the other, but those that wait; on all gateways at once. */
import { caseNames, cases } from "./cases/index.js";
import { playCase } from "./cases/kong.js";
import type { Case, FleetGateway, NotProbed, Outcome } from "./model.js";
import { type Gathered, makeStage, type Setting } from "./stage.js";

export interface PlayedOutcome {
  readonly case: Pick<Case, "name">;
  readonly gateway: FleetGateway;
  readonly outcome: Outcome;
}

export interface Played {
  readonly outcomes: readonly PlayedOutcome[];
  readonly samples: Gathered["samples"];
  readonly notProbed: readonly NotProbed[];
}

export interface Choice {
  readonly skip: readonly string[];
  /** All, where nothing is said. */
  readonly only: readonly string[] | undefined;
}

export const isChosen = ({ skip, only }: Choice, name: string): boolean =>
  only === undefined ? !skip.includes(name) : only.includes(name);

export const chosenCases = (choice: Choice, where: Case["where"] = "fleet"): readonly Case[] =>
  cases.filter((one) => one.where === where && isChosen(choice, one.name));

export async function playOn(
  gateway: FleetGateway,
  setting: Setting,
  chosen: readonly Case[],
  onCase: (name: string, gateway: string) => void,
): Promise<Played> {
  const { stage, gathered } = makeStage(gateway, setting);
  const begun: { readonly one: Case; readonly came: Promise<readonly Outcome[]> }[] = [];
  for (const one of chosen) {
    onCase(one.name, gateway.id);
    const came = playCase(one, stage);
    begun.push({ one, came });
    if (one.isPatient !== true) await came;
    else came.catch(() => {}); // It is thrown below, where its end is awaited.
  }
  const outcomes: PlayedOutcome[] = [];
  for (const { one, came } of begun) for (const outcome of await came) outcomes.push({ case: one, gateway, outcome });
  return { outcomes, samples: gathered.samples, notProbed: gathered.notProbed };
}

/** Of what several gateways do not have it is said once. */
function distinct(all: readonly NotProbed[]): NotProbed[] {
  const seen = new Map(all.map((one) => [`${one.what}\n${one.why}`, one]));
  return [...seen.values()];
}

export async function play(
  setting: Setting,
  choice: Choice,
  onCase: (name: string, gateway: string) => void = () => {},
): Promise<Played> {
  const { gateways, notProbed } = setting.prepared;
  const chosen = chosenCases(choice);
  const played = await Promise.all(gateways.map((gateway) => playOn(gateway, setting, chosen, onCase)));
  const skipped = caseNames.filter((name) => !isChosen(choice, name));
  return {
    outcomes: played.flatMap(({ outcomes }) => outcomes),
    samples: played.flatMap(({ samples }) => samples),
    notProbed: distinct([
      ...(choice.only === undefined
        ? skipped.map((what) => ({ what: `the case ${what}`, why: "the drill file skips it", member: "cases.skip" }))
        : [{ what: "all other cases", why: "this run was for some of them alone (--only)" }]),
      ...notProbed,
      ...played.flatMap((one) => one.notProbed),
    ]),
  };
}
