/** The same traffic in the Node host, where a VM's linear memory is in plain sight: it must not grow once its tables are built. */
import { FilterHost } from "../../control/host/host.js";
import type { Header } from "../../control/host/stream.js";
import { showDuration } from "../base/duration.js";
import type { Kind } from "./kinds.js";
import { linearFaults } from "./memory.js";
import { Mix, type Shot } from "./mix.js";
import type { People } from "./people.js";
import type { Say } from "./tell.js";
import type { Goal } from "./traffic.js";

const WORKERS = 2;
/** Of the requests. Then come more ticks than all tables of this traffic's keys take: 17 each. */
const WARM_UP = 0.1;
const TICKS = 400;
/** Here nothing else fires the filter's timers. */
const REQUESTS_A_TICK = 50;
const PROGRESS_MS = 5000;

export interface HostFindings {
  readonly requests: number;
  readonly rotations: number;
  readonly wrong: number;
  /** Bytes of linear memory, a VM each: the main thread's and the workers'. */
  readonly linear: {
    readonly configured: readonly number[];
    readonly warm: readonly number[];
    readonly end: readonly number[];
  };
  readonly faults: readonly string[];
}

const linearMemories = ({ process }: FilterHost): number[] =>
  [process.main, ...process.workers].flatMap(({ allVms }) => allVms.map(({ memory }) => memory.size));

/** What a client would see: jwt_authn stands behind the filter, and lets pass who has a token. */
function statusOf(host: FilterHost, { kind, headers }: Shot, worker: number): number {
  const { method = "GET", path = "/orders/7", host: authority = "api.example.com" } = kind.target;
  const lines: Header[] = [[":method", method], [":path", path], [":authority", authority], ...Object.entries(headers)];
  const sourceAddress = `${headers["x-forwarded-for"] ?? "192.0.2.1"}:50000`;
  const { reply, filterState } = host.request({ headers: lines, sourceAddress, worker });
  if (reply !== undefined) return reply.status;
  return filterState.get("wasm.glassgate.verdict") === "allow" || headers.authorization !== undefined ? 200 : 401;
}

export async function soakHost(people: People, kinds: readonly Kind[], goal: Goal, say: Say): Promise<HostFindings> {
  const host = await FilterHost.load({ workers: WORKERS });
  let version = 1;
  const rotate = (): void => {
    version += 1;
    const { reason } = host.configure(people.configuration(version));
    if (reason !== undefined) throw new Error(`the Node host refuses bundle ${version}: ${reason}`);
  };
  rotate();
  const configured = linearMemories(host);
  const mix = new Mix(kinds);
  const examples = new Map<string, string>();
  let wrong = 0;
  let warm = configured;
  const started = performance.now();
  let toldAt = started;
  const apart = Math.ceil(goal.requests / (goal.rotations + 1));
  for (let i = 1; i <= goal.requests; i++) {
    const shot = mix.next();
    const status = statusOf(host, shot, i);
    if (!shot.kind.allowed(version).includes(status)) {
      wrong += 1;
      examples.set(shot.kind.name, `in the Node host, ${shot.kind.name}: ${status} under bundle ${version}`);
    }
    if (i % apart === 0) rotate();
    if (i % REQUESTS_A_TICK === 0) host.tick();
    if (i === Math.ceil(goal.requests * WARM_UP)) {
      for (let tick = 0; tick < TICKS; tick++) host.tick();
      warm = linearMemories(host);
    }
    const now = performance.now();
    if (now < toldAt + PROGRESS_MS) continue;
    toldAt = now;
    const left = ((now - started) / 1000) * (goal.requests / i - 1);
    say(`${Math.floor((100 * i) / goal.requests)} %, ${i} requests, ${wrong} wrong, ${showDuration(left)} left`);
  }
  const end = linearMemories(host);
  const faults = [...examples.values(), ...linearFaults("in the Node host", warm, end)];
  return { requests: goal.requests, rotations: version - 2, wrong, linear: { configured, warm, end }, faults };
}
