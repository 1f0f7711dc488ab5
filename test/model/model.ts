/** All that can happen next, and what must never be. */
import { decide } from "./filter.js";
import { catchUp, contextOf, endStreams, lose, notice, type Place, reload, request, restart } from "./gateway.js";
import { steps } from "./pushers.js";
import type { Move } from "./search.js";
import type { Setting } from "./setting.js";
import { at, type Configuration, NOTHING, replaced, type State } from "./state.js";

/** A gateway that serves version 1, by as many roots as its listener asks for. */
export function begin(setting: Setting): State {
  const files = setting.listeners.map(
    ({ threshold }, i): Configuration => ({
      generation: i + 1,
      vmId: 0,
      version: 1,
      signers: threshold,
      minVersion: 1,
      text: 0,
    }),
  );
  const started = restart(setting, {
    files,
    offered: [],
    serves: [],
    bases: [],
    workers: Array.from({ length: setting.workers }, () => ({ vms: [], inbox: [], serving: [], isLost: false })),
    pushers: setting.tasks.map(() => ({ at: "idle", seen: null, wrote: 0 })),
    lastGeneration: files.length,
    isPutBack: false,
    reported: setting.listeners.map(() => NOTHING),
    restarts: -1,
    losses: 0,
  });
  let state = started;
  for (const listener of setting.listeners.keys()) state = notice(setting, state, listener) ?? state;
  for (const worker of state.workers.keys())
    for (const _ of setting.listeners) state = catchUp(setting, state, worker) ?? state;
  return state;
}

function* places(setting: Setting): Generator<Place> {
  for (let worker = 0; worker < setting.workers; worker++)
    for (const listener of setting.listeners.keys()) yield { worker, listener };
}

export function* movesFrom(setting: Setting, state: State): Generator<Move> {
  const move = function* (name: string, next: State | undefined): Generator<Move> {
    if (next !== undefined) yield { name, state: next };
  };
  for (const i of setting.tasks.keys())
    for (const next of steps(setting, state, i)) yield { name: `pusher ${i} is ${at(next.pushers, i).at}`, state: next };
  for (const listener of setting.listeners.keys())
    yield* move(`the gateway reads the file of listener ${listener}`, notice(setting, state, listener));
  for (const worker of state.workers.keys()) {
    yield* move(`worker ${worker} takes what it was told`, catchUp(setting, state, worker));
    if (state.losses < (setting.losses ?? 0)) yield* move(`worker ${worker} loses its VMs`, lose(state, worker));
    yield* move(`worker ${worker} gets VMs again`, reload(setting, state, worker));
    if (setting.streams === true) yield* move(`the streams of worker ${worker} end`, endStreams(state, worker));
  }
  for (const place of places(setting)) {
    const name = `a request on worker ${place.worker}, listener ${place.listener}`;
    yield* move(name, request(setting, state, place, false));
    if (setting.streams === true) yield* move(`${name}, stays open`, request(setting, state, place, true));
  }
  if (state.restarts < (setting.restarts ?? 0) && !state.isPutBack)
    yield { name: "the gateway restarts", state: restart(setting, state) };
  if (setting.putsBack === true && !state.isPutBack) {
    for (const [listener, { domain, threshold }] of setting.listeners.entries()) {
      const first: Configuration = { generation: listener + 1, vmId: 0, version: 1, signers: threshold, minVersion: 1, text: 0 };
      if (domain >= 0 && at(state.files, listener).generation !== first.generation)
        yield {
          name: `somebody puts the first file of listener ${listener} back`,
          state: { ...state, files: replaced(state.files, listener, first), isPutBack: true },
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
    if (decision.version < version) return `${where}: version ${decision.version} decides after ${version} was reported`;
    if (decision.text < text) return `${where}: text ${decision.text} counts after ${text} was reported`;
    if (decision.signers < at(setting.listeners, place.listener).threshold)
      return `${where}: a bundle that ${decision.signers} signed decides`;
    const { proven } = decision;
    if (proven.domain !== decision.domain || proven.version !== decision.version)
      return `${where}: signatures checked under bundle ${proven.version} of domain ${proven.domain}, judged under ${decision.version} of ${decision.domain}`;
  }
  return undefined;
}
