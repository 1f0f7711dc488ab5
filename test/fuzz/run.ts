/**
 * The loop of `npm run fuzz -- --minutes N`: bends inputs, gives them to the release filter, and keeps what reached something new in a
 * filter with probes. Never a trap, never growth; what takes long is measured again before it is told.
 */
import { messageOf } from "../../control/base/errors.js";
import { FilterHost } from "../../control/host/host.js";
import { referenceDecision } from "../reference/decide.js";
import { readCorpus, writeCorpus } from "./corpus.js";
import { bend, Random } from "./random.js";
import { play, type Shot, Targets } from "./targets.js";

export interface FuzzOptions {
  readonly minutes: number;
  readonly seed: number;
  /** A filter that calls `proxy_log` for each place that it reaches for the first time; without, nothing guides. */
  readonly guide?: string;
  /** Whether what is new is written to the corpus. */
  readonly keeps: boolean;
  readonly say: (line: string) => void;
}

/** Longer is told as slow; so many times longer is a fault, on the busiest machine. */
const SLOW_MS = 1;
const HANG_MS = 20;
/** Measured again so often, by the processor's time; the shortest counts, as the machine may have done something else. */
const MEASURES = 9;
/** Until then V8 has not compiled everything well. */
const WARM_UP = 5000;
/** One input in so many goes through the filter with probes as well: it is slower. */
const GUIDED = 4;
/** Making a VM takes longer than reading a configuration: of those, one in so many. */
const CONFIGURATIONS = 40;
const TELL_MS = 10_000;
const BATCH = 200;

export interface FuzzFindings {
  readonly executions: number;
  readonly seconds: number;
  readonly found: number;
  /** Took more than a millisecond each time that it was measured; the slowest first. */
  readonly slow: readonly { readonly ms: number; readonly what: string }[];
  readonly faults: readonly string[];
}

function processorMs(run: () => unknown): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

export async function fuzz({ minutes, seed, guide, keeps, say }: FuzzOptions): Promise<FuzzFindings> {
  const random = new Random(seed);
  const targets = new Targets();
  const { now } = targets.world;
  let news = 0;
  const clock = (): number => now * 1000;
  // Every configuration makes a canary, so the target `configuration` has a host of its own.
  const load = async (options: object = {}): Promise<FilterHost> => {
    const host = await FilterHost.load({ clock, ...options });
    if (!host.configure(targets.configuration).accepted) throw new Error("the configuration to begin with is refused");
    return host;
  };
  const intercept = ({ name }: { readonly name: string }): number | undefined => {
    if (name !== "proxy_log") return undefined;
    news += 1;
    return 0;
  };
  const hosts = { requests: await load(), configurations: await load() };
  const scouts =
    guide === undefined
      ? undefined
      : { requests: await load({ wasm: guide, intercept }), configurations: await load({ wasm: guide, intercept }) };
  const lists = targets.all.map((target) => ({
    target,
    inputs: [...target.seeds, ...readCorpus(target.name)],
    found: 0,
  }));
  const [plain, heavy] = [
    lists.filter(({ target }) => !("configuration" in target.shot(target.seeds[0] ?? ""))),
    lists.filter(({ target }) => "configuration" in target.shot(target.seeds[0] ?? "")),
  ];
  const sizeOf = (host: FilterHost): number => host.process.workers[0]?.allVms[0]?.memory.size ?? 0;
  const size = sizeOf(hosts.requests);
  const faults = new Set<string>();
  const slow: { ms: number; what: string }[] = [];
  let executions = 0;
  const source = (): string => `10.${random.below(256)}.${random.below(256)}.1:4711`;
  const kindOf = (shot: Shot | object): keyof typeof hosts => ("configuration" in shot ? "configurations" : "requests");

  const one = async (): Promise<void> => {
    const list = random.below(CONFIGURATIONS) === 0 ? random.oneOf(heavy) : random.oneOf(plain);
    const { target, inputs } = list;
    const input = bend(random, random.oneOf(inputs), random.oneOf(inputs));
    const shot = target.shot(input);
    const kind = kindOf(shot);
    const started = performance.now();
    const verdict = play(hosts[kind], shot, source());
    const ms = performance.now() - started;
    executions += 1;
    const shown = (): string => `${target.name}: ${JSON.stringify(input)}`;
    if (verdict === "a trap" || verdict === "no verdict") faults.add(`${verdict}, ${shown()}`);
    // A configuration makes a VM, which is Node's time.
    if (ms > SLOW_MS && kind === "requests" && executions > WARM_UP) {
      const shortest = Math.min(
        ...Array.from({ length: MEASURES }, () => processorMs(() => play(hosts[kind], shot, source()))),
      );
      if (shortest > SLOW_MS) slow.push({ ms: shortest, what: shown() });
      if (shortest > HANG_MS) faults.add(`${shortest.toFixed(2)} ms, ${shown()}`);
    }
    if (verdict === "allow" && !("configuration" in shot)) {
      const { path = "/orders/7", host = "api.example.com", grant, proof } = shot;
      const request = {
        method: "GET",
        host,
        path,
        isUpgrade: false,
        source: "10.0.0.1:1",
        proofs: proof === undefined ? [] : [proof],
      };
      const reference = await referenceDecision({
        configuration: targets.configuration,
        grants: [grant],
        request,
        now,
      });
      if (reference !== "allow") faults.add(`allow where the reference says ${reference}, ${shown()}`);
    }
    if (scouts === undefined || executions % GUIDED !== 0) return;
    news = 0;
    play(scouts[kind], shot, source());
    // Refused configurations are told in a log line as well, so there all that is new cannot be told apart: one line is none.
    if (news > (kind === "configurations" ? 4 : 0)) {
      list.inputs.push(input);
      list.found += 1;
    }
  };

  const started = performance.now();
  const until = started + minutes * 60_000;
  const seconds = (): number => (performance.now() - started) / 1000;
  let next = started + TELL_MS;
  while (performance.now() < until && faults.size === 0) {
    for (let i = 0; i < BATCH; i++) await one();
    if (performance.now() < next) continue;
    next += TELL_MS;
    const found = lists.reduce((sum, list) => sum + list.found, 0);
    say(
      `${executions} executions, ${Math.round(executions / seconds())} a second, ${found} inputs reached something new`,
    );
  }
  if (sizeOf(hosts.requests) !== size) faults.add(`the VM has grown from ${size} to ${sizeOf(hosts.requests)} bytes`);
  if (keeps) for (const { target, inputs } of lists) await writeCorpus(target.name, inputs.slice(target.seeds.length));
  const found = lists.reduce((sum, list) => sum + list.found, 0);
  return { executions, seconds: seconds(), found, slow: slow.sort((a, b) => b.ms - a.ms), faults: [...faults] };
}

/** For scripts/fuzz.mjs. @returns the exit code */
export async function main(options: Omit<FuzzOptions, "say">): Promise<number> {
  const say = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  try {
    const { executions, seconds, found, slow, faults } = await fuzz({ ...options, say });
    if (slow.length > 0)
      say(`${slow.length} took over a millisecond; the slowest ${slow[0]?.ms.toFixed(2)} ms: ${slow[0]?.what}`);
    for (const fault of faults) say(`FAULT: ${fault}`);
    const rate = Math.round(executions / seconds);
    say(
      `fuzz: ${faults.length === 0 ? "passed" : "failed"}, ${executions} executions, ${rate} a second, ${found} new inputs`,
    );
    return faults.length === 0 ? 0 : 1;
  } catch (error) {
    say(`error: ${messageOf(error)}`);
    return 1;
  }
}
