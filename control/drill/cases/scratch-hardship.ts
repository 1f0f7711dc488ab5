/** A night on which much is away or too much comes in: on the scratch gateway alone. */
import { setTimeout as sleep } from "node:timers/promises";
import { newKey } from "../../signer/jwk.js";
import type { Case, Flood, Outcome, Player, Scratch, Stage } from "../model.js";
import { FIVE, SCRATCH_HOST } from "../scratch-world.js";
import { allow, verdict } from "./kit.js";
import { onScratch } from "./scratch.js";

const FLOOD_MS = 1000;
const PAUSE_MS = 125;
/** What the filter says of a signature that does not hold, and once a network has sent too many. */
const REFUSALS: ReadonlySet<string> = new Set(["signature", "busy"]);

/** What was sent, answered and recorded must be the same number. */
function counted({ sent, answers, recorded, dropped }: Flood): Pick<Outcome, "notes" | "faults"> {
  const others = [...answers].filter(([answer]) => !REFUSALS.has(answer));
  const answered = [...answers.values()].reduce((sum, count) => sum + count, 0);
  const faults = [
    ...others.map(([answer, count]) => `${count} of them were not refused as forged: ${answer}`),
    ...(answered === sent && recorded + dropped === sent ? [] : ["these are not the same number"]),
  ];
  const said = [...answers].map(([answer, count]) => `${count} ${answer}`).join(", ");
  return {
    notes: [`${sent} sent, ${answered} answered (${said}), ${recorded} recorded and ${dropped} counted as left out`],
    ...(faults.length === 0 ? {} : { faults }),
  };
}

async function flood(stage: Stage, scratch: Scratch): Promise<readonly Outcome[]> {
  const like = await stage.grant({ forgedBy: newKey("Ed25519") });
  let isOver = false;
  const flooding = scratch.flood(like, FLOOD_MS).finally(() => {
    isOver = true;
  });
  const outcomes: Outcome[] = [];
  const headers = Object.fromEntries(stage.gateway.caller ?? []);
  for (; outcomes.length === 0 || !isOver; await sleep(PAUSE_MS)) {
    const [good, normal] = await Promise.all([
      stage.grant().then((grant) => stage.send({ grant })),
      stage.send({ headers }),
    ]);
    outcomes.push(
      { what: "a good grant while forged ones come in at full rate from elsewhere", expected: allow, call: good },
      { what: "a normal caller meanwhile", expected: { kind: "normal" }, call: normal },
    );
  }
  const came = await flooding;
  const what = "forged grants from elsewhere, as many as go in a second";
  return [{ what, expected: verdict("signature"), call: came.first, ...counted(came) }, ...outcomes];
}

/** Each choice of so many. */
function choices<T>(of: readonly T[], count: number): T[][] {
  if (count === 0) return [[]];
  return of.flatMap((one, i) => choices(of.slice(i + 1), count - 1).map((rest) => [one, ...rest]));
}

const nameOf = ({ sub }: Player): string => sub.replace(/^scratch-/, "");

async function unreachable(stage: Stage, { people: { five } }: Scratch): Promise<readonly Outcome[]> {
  const details = [{ type: "break_glass_http", locations: [SCRATCH_HOST], actions: ["GET"], paths: [FIVE.path] }];
  const claims = { ent: FIVE.ent, authorization_details: details };
  const tried = async (reached: readonly Player[], rest: Pick<Outcome, "what" | "expected">): Promise<Outcome> => {
    const grant = await stage.grant({ claims, approvals: reached.map((by) => ({ by })) });
    return { ...rest, call: await stage.send({ grant, path: FIVE.path }) };
  };
  const outcomes: Outcome[] = [];
  for (const reached of choices(five, 3)) {
    const away = five.filter((one) => !reached.includes(one)).map(nameOf);
    const what = `a grant with quorum 3 of 5, ${away.join(" and ")} out of reach`;
    outcomes.push(await tried(reached, { what, expected: allow }));
  }
  for (const reached of choices(five, 2)) {
    const what = `a grant with quorum 3 of 5, only ${reached.map(nameOf).join(" and ")} within reach`;
    outcomes.push(await tried(reached, { what, expected: verdict("quorum") }));
  }
  return outcomes;
}

async function offline(stage: Stage, scratch: Scratch): Promise<readonly Outcome[]> {
  const grant = await scratch.offline();
  if (typeof grant === "string") {
    stage.notProbed("a grant asked for, approved and made without any network", grant);
    return [];
  }
  const what = "a grant asked for, approved and made by the commands without any network, by files alone";
  return [{ what, expected: allow, call: await stage.send({ grant }) }];
}

export const scratchHardshipCases: readonly Case[] = [
  onScratch({ name: "flood", title: "Forged grants at full rate", promise: 2 }, flood),
  onScratch({ name: "approvers-unreachable", title: "Two of five approvers out of reach", promise: 2 }, unreachable),
  onScratch({ name: "channel-away", title: "No network between people", promise: 2 }, offline),
];
