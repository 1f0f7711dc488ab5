/**
 * The gateway's part: Envoy reads a file, asks a canary, and tells its workers, which take it one after the other (HOSTS: a verdict
 * of the canary is remembered for the same bytes; a context with a stream is not configured again).
 */
import { accept, canaryTakes, configure, decide, raise, type Taken } from "./filter.js";
import type { Setting } from "./setting.js";
import {
  at,
  type Base,
  type Configuration,
  type Context,
  NOTHING,
  replaced,
  type State,
  type Vm,
  type Worker,
} from "./state.js";

const domainsOf = (setting: Setting): number => 1 + Math.max(...setting.listeners.map(({ domain }) => domain));
const nothingKnown = (setting: Setting) => Array.from({ length: domainsOf(setting) }, () => NOTHING);

const newBase = (setting: Setting, vmId: number): Base => ({
  vmId,
  shared: nothingKnown(setting),
  accepted: [],
  refused: [],
});
const newVm = (setting: Setting, vmId: number): Vm => ({
  vmId,
  known: nothingKnown(setting),
  contexts: [],
  cached: null,
});

const baseOf = (setting: Setting, state: State, vmId: number): Base =>
  state.bases.find((base) => base.vmId === vmId) ?? newBase(setting, vmId);
const withBase = (state: State, base: Base): State => ({
  ...state,
  bases: [...state.bases.filter(({ vmId }) => vmId !== base.vmId), base].sort((a, b) => a.vmId - b.vmId),
});
const withWorker = (state: State, index: number, worker: Worker): State => ({
  ...state,
  workers: replaced(state.workers, index, worker),
});

/** Shared data and canary verdicts live as long as something of that vm_id is served or held. */
function withoutForgotten(state: State): State {
  const isNeeded = (vmId: number): boolean =>
    state.serves.some((configuration) => configuration.generation > 0 && configuration.vmId === vmId) ||
    state.workers.some(
      ({ vms, inbox }) =>
        vms.some((vm) => vm.vmId === vmId) || inbox.some(({ configuration }) => configuration.vmId === vmId),
    );
  return { ...state, bases: state.bases.filter(({ vmId }) => isNeeded(vmId)) };
}

/** The gateway reads the listener's file. Undefined when it has read that before. */
export function notice(setting: Setting, state: State, listener: number): State | undefined {
  const configuration = at(state.files, listener);
  if (at(state.offered, listener) === configuration.generation) return undefined;
  const offered = replaced(state.offered, listener, configuration.generation);
  const base = baseOf(setting, state, configuration.vmId);
  const isKnown = base.accepted.includes(configuration.generation);
  const isTaken =
    isKnown ||
    (!base.refused.includes(configuration.generation) && canaryTakes(setting, listener, configuration, base.shared));
  if (!isTaken) {
    const refused = [...new Set([...base.refused, configuration.generation])].sort();
    return withoutForgotten({ ...withBase(state, { ...base, refused }), offered });
  }
  const shared = isKnown ? base.shared : raise(setting, listener, configuration, base.shared);
  const accepted = [...new Set([...base.accepted, configuration.generation])].sort();
  const workers = state.workers.map((worker) => ({ ...worker, inbox: [...worker.inbox, { listener, configuration }] }));
  return {
    ...withBase(state, { ...base, shared, accepted }),
    offered,
    serves: replaced(state.serves, listener, configuration),
    workers,
  };
}

/** Contexts that neither serve nor have a stream end, and VMs without contexts. */
function swept(worker: Worker): Worker {
  const isServed = ({ listener, configuration }: Context): boolean => {
    const serving = at(worker.serving, listener);
    return serving.generation === configuration.generation && serving.vmId === configuration.vmId;
  };
  const vms = worker.vms
    .map((vm) => ({ ...vm, contexts: vm.contexts.filter((context) => context.hasStream || isServed(context)) }))
    .filter(({ contexts }) => contexts.length > 0);
  return { ...worker, vms };
}

function serveWith(
  setting: Setting,
  state: State,
  index: number,
  listener: number,
  configuration: Configuration,
): State {
  const worker = at(state.workers, index);
  const { vmId, generation } = configuration;
  const vm = worker.vms.find((other) => other.vmId === vmId) ?? newVm(setting, vmId);
  const base = baseOf(setting, state, vmId);
  const isThere = vm.contexts.some(
    (context) => context.listener === listener && context.configuration.generation === generation,
  );
  const taken: Taken = isThere
    ? { vm, shared: base.shared }
    : configure(setting, listener, configuration, vm, base.shared);
  const vms = [...worker.vms.filter((other) => other.vmId !== vmId), taken.vm].sort((a, b) => a.vmId - b.vmId);
  const serving = replaced(worker.serving, listener, { generation, vmId });
  const next = withWorker(state, index, swept({ ...worker, vms, serving }));
  return withoutForgotten(withBase(next, { ...base, shared: taken.shared }));
}

/** The worker takes what it was told next. */
export function catchUp(setting: Setting, state: State, index: number): State | undefined {
  const worker = at(state.workers, index);
  const [next, ...inbox] = worker.inbox;
  if (next === undefined || worker.isLost) return undefined;
  return serveWith(setting, withWorker(state, index, { ...worker, inbox }), index, next.listener, next.configuration);
}

/** All of the worker's VMs trap. */
export function lose(state: State, index: number): State | undefined {
  const worker = at(state.workers, index);
  if (worker.isLost || worker.vms.length === 0) return undefined;
  return {
    ...withWorker(state, index, { ...worker, vms: [], isLost: true }),
    losses: state.losses + 1,
  };
}

/** The next request makes VMs anew, with what the worker served. */
export function reload(setting: Setting, state: State, index: number): State | undefined {
  const worker = at(state.workers, index);
  if (!worker.isLost) return undefined;
  let next = withWorker(state, index, { ...worker, isLost: false });
  for (const [listener, { generation }] of worker.serving.entries()) {
    const told = [...state.serves, ...state.files].find((configuration) => configuration.generation === generation);
    // Behind what is offered by now: what it has to take first waits in its inbox.
    if (generation > 0 && told !== undefined) next = serveWith(setting, next, index, listener, told);
  }
  return next;
}

/** Everything but the files is gone. */
export function restart(setting: Setting, state: State): State {
  const fresh = setting.listeners.map(() => ({ generation: 0, vmId: 0 }));
  const blank: Configuration = { generation: 0, vmId: 0, version: 0, signers: 0, minVersion: 0, text: 0 };
  return {
    ...state,
    offered: setting.listeners.map(() => 0),
    serves: setting.listeners.map(() => blank),
    bases: [],
    workers: state.workers.map(() => ({ vms: [], inbox: [], serving: fresh, isLost: false })),
    restarts: state.restarts + 1,
  };
}

export interface Place {
  readonly worker: number;
  readonly listener: number;
}

/** What a request meets there. */
export function contextOf(state: State, { worker, listener }: Place): { vm: Vm; context: Context } | undefined {
  const { vms, serving } = at(state.workers, worker);
  const { generation, vmId } = at(serving, listener);
  const vm = vms.find((other) => other.vmId === vmId);
  const context = vm?.contexts.find(
    (other) => other.listener === listener && other.configuration.generation === generation,
  );
  return vm === undefined || context === undefined ? undefined : { vm, context };
}

/** A grant is shown there, and stays open as a stream where `opens`. Undefined where it is denied. */
export function request(setting: Setting, state: State, place: Place, opens: boolean): State | undefined {
  const found = contextOf(state, place);
  if (found === undefined) return undefined;
  const { vm, context } = found;
  const decision = decide(setting, vm, context);
  if (decision.version === 0) return undefined;
  const allowed = accept(vm, context, decision);
  const contexts = allowed.contexts.map((other) =>
    opens && other.listener === context.listener && other.configuration === context.configuration
      ? { ...other, hasStream: true }
      : other,
  );
  const worker = at(state.workers, place.worker);
  const vms = worker.vms.map((other) => (other === vm ? { ...allowed, contexts } : other));
  return withWorker(state, place.worker, { ...worker, vms });
}

/** All streams of that worker end. */
export function endStreams(state: State, index: number): State | undefined {
  const worker = at(state.workers, index);
  if (!worker.vms.some(({ contexts }) => contexts.some(({ hasStream }) => hasStream))) return undefined;
  const vms = worker.vms.map((vm) => ({
    ...vm,
    contexts: vm.contexts.map((context) => ({ ...context, hasStream: false })),
  }));
  return withoutForgotten(withWorker(state, index, swept({ ...worker, vms })));
}
