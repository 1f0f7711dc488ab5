/** All that can happen next, and what must never be. */
import { decide } from "./filter.js";
import { catchUp, contextOf, endStreams, lose, notice, type Place, reload, request, restart } from "./gateway.js";
import { steps } from "./pushers.js";
import type { Move } from "./search.js";
import type { Listener, Setting } from "./setting.js";
import { at, type Configuration, NOTHING, replaced, type State } from "./state.js";

/** Versions of another domain are other numbers, so that a mix shows. */
export const firstVersionOf = (domain: number): number => 1 + domain * VERSIONS_OF_A_DOMAIN;
const VERSIONS_OF_A_DOMAIN = 100;
const domainOfVersion = (version: number): number => Math.floor(version / VERSIONS_OF_A_DOMAIN);

const firstFile = ({ domain, threshold }: Listener, index: number): Configuration => ({
  generation: index + 1,
  vmId: 0,
  version: firstVersionOf(domain),
  signers: threshold,
  minVersion: 0,
  text: 0,
});

/** A gateway whose listeners serve the first bundle of their domains, by as many roots as they ask for. */
export function begin(setting: Setting): State {
  const files = setting.listeners.map(firstFile);
  const started = restart(setting, {
    files,
    offered: [],
    serves: [],
    bases: [],
    workers: Array.from({ length: setting.workers }, () => ({ vms: [], inbox: [], serving: [], isLost: false })),
    recorded: files.map(({ version, signers, text }) => ({ version, signers, text })),
    pushers: setting.tasks.map(() => ({ at: "idle", seen: null, wrote: 0 })),
    lastGeneration: files.length,
    putBacks: 0,
    reported: setting.listeners.map(() => NOTHING),
    restarts: -1,
    losses: 0,
  });
  let state = started;
  for (const listener of setting.listeners.keys()) {
    state = notice(setting, state, listener) ?? state;
    for (const worker of state.workers.keys()) state = catchUp(setting, state, worker) ?? state;
  }
  return state;
}

/** A file that somebody put back: what it says after a restart is not `push`'s promise. */
const hasOldFile = (setting: Setting, state: State): boolean =>
  state.putBacks > 0 && state.files.some(({ generation }) => generation <= setting.listeners.length);

function* places(setting: Setting): Generator<Place> {
  for (let worker = 0; worker < setting.workers; worker++)
    for (const listener of setting.listeners.keys()) yield { worker, listener };
}

export function* movesFrom(setting: Setting, state: State): Generator<Move> {
  const move = function* (name: string, next: State | undefined): Generator<Move> {
    if (next !== undefined) yield { name, state: next };
  };
  for (const i of setting.tasks.keys())
    for (const next of steps(setting, state, i))
      yield { name: `pusher ${i} is ${at(next.pushers, i).at}`, state: next };
  for (const listener of setting.listeners.keys())
    yield* move(`the gateway reads the file of listener ${listener}`, notice(setting, state, listener));
  for (const worker of state.workers.keys()) {
    yield* move(`worker ${worker} takes what it was told`, catchUp(setting, state, worker));
    if (state.losses < (setting.losses ?? 0)) yield* move(`worker ${worker} loses its VMs`, lose(state, worker));
    yield* move(`worker ${worker} gets VMs again`, reload(setting, state, worker));
    if (setting.streams === true) yield* move(`the streams of worker ${worker} end`, endStreams(state, worker));
  }
  for (const place of setting.requests === true ? places(setting) : []) {
    const name = `a request on worker ${place.worker}, listener ${place.listener}`;
    yield* move(name, request(setting, state, place, false));
    if (setting.streams === true) yield* move(`${name}, stays open`, request(setting, state, place, true));
  }
  if (state.restarts < (setting.restarts ?? 0) && !hasOldFile(setting, state))
    yield { name: "the gateway restarts", state: restart(setting, state) };
  if (state.putBacks < (setting.putBacks ?? 0)) {
    for (const listener of setting.listeners.keys()) {
      const first = firstFile(at(setting.listeners, listener), listener);
      const { generation, vmId } = at(state.files, listener);
      // Only into what the gateway has read: the promise over a restart is the file's.
      if (generation === first.generation || at(state.offered, listener) !== generation) continue;
      // Under another vm_id than serves, VMs begin that remember nothing: to them it is a restart.
      if (vmId !== first.vmId && setting.putsBackVmIds !== true) continue;
      const files = replaced(state.files, listener, first);
      yield {
        name: `somebody puts the first file of listener ${listener} back`,
        state: { ...state, files, putBacks: state.putBacks + 1 },
      };
    }
  }
}

/** What must hold of every request that could come now, wherever it comes. */
export function wrongIn(setting: Setting, state: State): string | undefined {
  for (const place of places(setting)) {
    const found = contextOf(state, place);
    if (found === undefined) continue;
    const decision = decide(setting, found.vm, found.context);
    if (decision.version === 0) continue;
    const where = `worker ${place.worker}, listener ${place.listener}`;
    const { version, text } = at(state.reported, place.listener);
    if (decision.version < version)
      return `${where}: version ${decision.version} decides after ${version} was reported`;
    if (decision.text < text) return `${where}: text ${decision.text} counts after ${text} was reported`;
    if (decision.signers < at(setting.listeners, place.listener).threshold)
      return `${where}: a bundle that ${decision.signers} signed decides`;
    const { proven } = decision;
    if (domainOfVersion(decision.version) !== decision.domain)
      return `${where}: a bundle of domain ${domainOfVersion(decision.version)} decides in domain ${decision.domain}`;
    if (proven.domain !== decision.domain || proven.version !== decision.version)
      return `${where}: signatures checked under bundle ${proven.version} of domain ${proven.domain}, judged under ${decision.version} of ${decision.domain}`;
  }
  return undefined;
}
