/** The soak of the real Envoy: traffic and rotations in two parts, with a quiet moment after each, when memory is measured. */
import { startTestEnvoy, type TestEnvoy } from "../../test/kit/envoy.js";
import { becomeQuiet } from "../gateway/quiet.js";
import { type Findings, findingsOf } from "./findings.js";
import { type Sample, takeSample } from "./memory.js";
import type { People } from "./people.js";
import { Rotations } from "./rotations.js";
import { progressLine, type Say } from "./tell.js";
import { type Goal, type Kinds, Traffic } from "./traffic.js";

const WORKERS = 2;
/** Of requests and rotations: enough for every kind of request to have come often, and for V8 to have optimised what is hot. */
const WARM_UP = 0.1;
/** What is shown of Envoy's log where it fails. */
const LOG_LINES = 5;

function edited(config: string, where: RegExp, text: string): string {
  const changed = config.replace(where, text);
  if (changed === config) throw new Error(`the rendered gateway has no ${where}`);
  return changed;
}

/** Sources follow x-forwarded-for, so that forged grants come from many networks. */
const withManySources = (config: string): string =>
  edited(config, /^( *)use_remote_address: true/m, "$1xff_num_trusted_hops: 1\n$&");

/** The path that most requests have is answered by the gateway itself: a client and an upstream in one process are slow. */
const withDirectAnswers = (config: string): string =>
  edited(
    config,
    /^( *)- match: \{ prefix: \/ \}\n *route:/m,
    "$1- { match: { path: /orders/7 }, direct_response: { status: 200, body: { inline_string: ok } } }\n$&",
  );

/** The rendered gateway. */
const startGateway = (people: People): Promise<TestEnvoy> =>
  startTestEnvoy(people.world, {
    concurrency: WORKERS,
    render: { accessLogPath: "/dev/null" },
    edit: (config) => withDirectAnswers(withManySources(config)),
  });

export async function soakGateway(people: People, kinds: Kinds, goal: Goal, say: Say): Promise<Findings> {
  const gateway = await startGateway(people);
  try {
    const rotations = new Rotations(gateway, (version) => people.bundle(version));
    await rotations.next();
    people.normalToken = await gateway.normalToken();
    const traffic = await Traffic.open(gateway.port, kinds, rotations);
    const samples: Sample[] = [];
    const sample = async (): Promise<Sample> => {
      const taken = await takeSample(gateway.envoy, { requests: traffic.requests, rotations: rotations.count });
      samples.push(taken);
      return taken;
    };
    const look = async (): Promise<void> => {
      say(progressLine(goal, traffic, await sample()));
      gateway.upstream.take();
      // Each is good for an hour.
      people.normalToken = await gateway.normalToken();
    };
    const runTo = async (share: number): Promise<Sample> => {
      const until = { requests: Math.ceil(goal.requests * share), rotations: Math.ceil(goal.rotations * share) };
      await traffic.run(until, look);
      await becomeQuiet(gateway.envoy);
      return sample();
    };
    const warm = await runTo(WARM_UP);
    const end = await runTo(1);
    traffic.close();
    const decisions = await gateway.envoy.admin.stats("glassgate.decisions");
    return findingsOf(traffic, rotations, decisions, { warm, end, samples });
  } catch (error) {
    say(`Envoy's own log ends with:\n${gateway.envoy.log().trimEnd().split("\n").slice(-LOG_LINES).join("\n")}`);
    throw error;
  } finally {
    await gateway.stop();
  }
}
