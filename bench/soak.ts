/**
 * `npm run soak`: millions of requests and a thousand rotations on a real Envoy, then the same traffic in the Node host. A wrong
 * answer, or memory that grows, ends it with 1.
 */
import { writeFileSync } from "node:fs";
import { readFlags } from "./base/flags.js";
import { endOnSignals, say } from "./base/program.js";
import { soakGateway } from "./soak/gateway.js";
import { makeGrants } from "./soak/grants.js";
import { kindsOf, singleKindsOf } from "./soak/kinds.js";
import { soakHost } from "./soak/node-host.js";
import { People } from "./soak/people.js";
import { faultsOf, table } from "./soak/tell.js";
import type { Goal } from "./soak/traffic.js";

const USAGE = {
  script: "soak",
  about:
    "Sends millions of requests through a real Envoy while trust bundles rotate, and watches every answer and the memory.",
  numbers: {
    requests: { about: "requests on Envoy", otherwise: 5_000_000 },
    rotations: { about: "bundles pushed meanwhile", otherwise: 1000 },
  },
  example: "--requests 200000 --rotations 50",
};

/** The Node host is slower: it gets so much less, but enough for every table to be built. */
const HOST_SHARE = 25;
const FEWEST_HOST_REQUESTS = 2000;

const hostGoal = ({ requests, rotations }: Goal): Goal => ({
  requests: Math.max(FEWEST_HOST_REQUESTS, Math.ceil(requests / HOST_SHARE)),
  rotations: Math.ceil(rotations / 2),
});

/** @param args see `--help` */
export async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(USAGE, args, process.env);
  if (flags === undefined) return;
  const goal = { requests: flags.number("requests"), rotations: flags.number("rotations") };
  // Envoy ends with this process.
  endOnSignals();
  say("making grants ...");
  const people = new People();
  const grants = makeGrants(people);
  const kinds = { lasting: kindsOf(people, grants), single: singleKindsOf(grants) };
  say(`Envoy: ${goal.requests} requests, ${goal.rotations} rotations`);
  const gateway = await soakGateway(people, kinds, goal, say);
  say("the Node host ...");
  const host = await soakHost(people, [...kinds.lasting, ...kinds.single], hostGoal(goal), say);
  const figures = { gateway, host };
  const faults = faultsOf(figures);
  say(`\n${table(figures)}\n`);
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify({ ...figures, faults }, null, 2)}\n`);
  for (const fault of faults) say(`FAULT: ${fault}`);
  say(`soak: ${faults.length === 0 ? "passed" : "failed"}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
