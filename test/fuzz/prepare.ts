/** What one thread fuzzes with: filters that have served for a while, the hosts beside them, targets and corpus. */
import { readFileSync } from "node:fs";
import { loadProgram, wasmPath } from "../../control/host/wasm.js";
import { Clock } from "./clock.js";
import { Configurations } from "./configurations.js";
import { type Inputs, minimise, readCorpus, writeCorpus } from "./corpus.js";
import { type LeanRequest, type LeanVm, leanWorker } from "./lean.js";
import { requestOf } from "./play.js";
import { Random } from "./random.js";
import { Scout } from "./scout.js";
import { Stopwatch } from "./stopwatch.js";
import { type Target, Targets } from "./targets.js";
import { Twin } from "./twin.js";

/** Enough for a table of every key that there is room for. */
const TABLE_TICKS = 200;
const WARM_ROUNDS = 4;

export interface Line {
  readonly target: Target;
  seeds: readonly string[];
  /** The seeds at first, the corpus, and what was found. */
  readonly inputs: string[];
  readonly found: string[];
}

function seedRequests(targets: Targets): readonly [LeanRequest, ...LeanRequest[]] {
  const [first, ...rest] = targets.all.flatMap(({ seeds, shot, signed = shot }) =>
    seeds()
      .map(signed)
      .flatMap((seed) => ("configuration" in seed ? [] : [requestOf(seed, "10.0.0.1:1")])),
  );
  if (first === undefined) throw new Error("there is no target whose input is a request");
  return [first, ...rest];
}

async function loadScout(guide: string, targets: Targets, clock: Clock, goodRequest: LeanRequest): Promise<Scout> {
  const configuration = Buffer.from(targets.configuration);
  return new Scout({ program: await loadProgram(guide), clock, configuration, goodRequest });
}

/** Puts what was found to the corpus, and leaves out what adds nothing. @returns how many inputs it has now */
export async function keep(guide: string, found: Inputs): Promise<number> {
  const clock = new Clock();
  const targets = new Targets(() => clock.seconds);
  const corpus = minimise(targets.all, found, await loadScout(guide, targets, clock, seedRequests(targets)[0]));
  await writeCorpus(corpus);
  return Object.values(corpus).flat().length;
}

export async function prepare(seed: number, guide: string | undefined) {
  const clock = new Clock();
  const targets = new Targets(() => clock.seconds);
  const configuration = Buffer.from(targets.configuration);
  // Read once: it may be built anew meanwhile.
  const wasm = readFileSync(wasmPath);
  const program = await loadProgram(wasm);
  const lines: Line[] = targets.all.map((target) => ({
    target,
    seeds: target.seeds(),
    inputs: [...target.seeds(), ...readCorpus(target.name)],
    found: [],
  }));
  const good = seedRequests(targets);
  const [goodRequest] = good;
  /** Every key has signed, and has its table. */
  const warm = (vm: LeanVm): void => {
    for (let i = 0; i < WARM_ROUNDS; i++) {
      for (const request of good) vm.request(request);
      for (let tick = 0; tick < TABLE_TICKS; tick++) vm.tick();
    }
  };
  const vm = leanWorker({ program, clock, configuration });
  warm(vm);
  const scout = guide === undefined ? undefined : await loadScout(guide, targets, clock, goodRequest);
  return {
    clock,
    lines,
    wasm,
    program,
    vm,
    scout,
    goodRequest,
    configuration: targets.configuration,
    random: new Random(seed),
    before: vm.memory.size,
    configurations: new Configurations(program, clock),
    stopwatch: new Stopwatch({ program, clock, configuration }, warm),
    twin: await Twin.load({ wasm, program, clock }, configuration),
  };
}
