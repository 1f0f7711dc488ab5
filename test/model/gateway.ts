/**
 * The gateway's part: Envoy reads a file, asks a canary, and tells its workers, which take it one after the other (docs/envoy-facts.md: a
 * verdict of the canary is remembered for the same bytes; a context that is still there is not configured again).
 */
import { canaryTakes, configure, decide, decideStream, domainOf, raise } from "./filter.js";
import type { Setting } from "./setting.js";
import {
  at,
  type Base,
  BLANK,
  type Configuration,
  type Context,
  FRESH,
  NOBODY,
  replaced,
  type Serving,
  type State,
  type Stream,
  type Told,
  type Vm,
  type Worker,
} from "./state.js";

const domainsOf = (setting: Setting): number[] => [
  ...Array(1 + Math.max(...setting.listeners.map(({ domain }) => domain))).keys(),
];

const baseOf = (setting: Setting, state: State, vmId: number): Base =>
  state.bases.find((base) => base.vmId === vmId) ?? {
    vmId,
    shared: domainsOf(setting).map(() => NOBODY),
    accepted: [],
    refused: [],
  };
const withBase = (state: State, base: Base): State => ({
  ...state,
  bases: [...state.bases.filter(({ vmId }) => vmId !== base.vmId), base].sort((a, b) => a.vmId - b.vmId),
});
const withWorker = (state: State, index: number, worker: Worker): State => ({
  ...state,
  workers: replaced(state.workers, index, worker),
});
const withVm = (worker: Worker, vm: Vm): Worker => ({
  ...worker,
  vms: [...worker.vms.filter(({ vmId }) => vmId !== vm.vmId), vm].sort((a, b) => a.vmId - b.vmId),
});

/** Shared data and canary verdicts live as long as something of that vm_id is served or held. */
function withoutForgotten(state: State): State {
  const isNeeded = (vmId: number): boolean =>
    state.serves.some((configuration) => configuration.generation > 0 && configuration.vmId === vmId) ||
    state.workers.some(
      ({ vms, inbox, serving }) =>
        vms.some((vm) => vm.vmId === vmId) ||
        inbox.some(({ configuration }) => configuration.vmId === vmId) ||
        serving.some(({ configuration }) => configuration.generation > 0 && configuration.vmId === vmId),
    );
  return { ...state, bases: state.bases.filter(({ vmId }) => isNeeded(vmId)) };
}

/** The gateway reads the listener's file. Undefined when it has read that before. */
export function read(setting: Setting, state: State, listener: number): State | undefined {
  const configuration = at(state.files, listener);
  const { vmId, generation } = configuration;
  const offer = `${vmId} ${generation}`;
  if (at(state.offered, listener) === offer) return undefined;
  const offered = replaced(state.offered, listener, offer);
  const base = baseOf(setting, state, vmId);
  const isKnown = base.accepted.includes(generation);
  const isTaken = isKnown || (!base.refused.includes(generation) && canaryTakes(setting, configuration, base.shared));
  const once = (list: readonly number[]): number[] => [...new Set([...list, generation])].sort((a, b) => a - b);
  if (!isTaken) return withoutForgotten({ ...withBase(state, { ...base, refused: once(base.refused) }), offered });
  const shared = isKnown ? base.shared : raise(setting, configuration, base.shared);
  const workers = state.workers.map((worker) => ({ ...worker, inbox: [...worker.inbox, { listener, configuration }] }));
  const serves = replaced(state.serves, listener, configuration);
  return withoutForgotten({
    ...withBase(state, { ...base, shared, accepted: once(base.accepted) }),
    offered,
    serves,
    workers,
  });
}

const isOf = ({ configuration, isDead }: Serving, { generation, vmId }: Configuration): boolean =>
  !isDead && configuration.generation === generation && configuration.vmId === vmId;

/** Contexts that neither serve nor have a stream end; with the last of a domain goes what the VM knew of it; and VMs without contexts. */
function swept(setting: Setting, worker: Worker): Worker {
  const isHeld = ({ configuration, streams }: Context): boolean =>
    streams.length > 0 || worker.serving.some((serving) => isOf(serving, configuration));
  const vms = worker.vms.flatMap((vm) => {
    const contexts = vm.contexts.filter(isHeld);
    const isThere = (domain: number): boolean =>
      contexts.some(({ configuration }) => domainOf(setting, configuration) === domain);
    const known = vm.known.map((one, domain) => (isThere(domain) ? one : FRESH));
    return contexts.length === 0 ? [] : [{ ...vm, known, contexts }];
  });
  return { ...worker, vms };
}

function serve(setting: Setting, state: State, index: number, { listener, configuration }: Told): State {
  const worker = at(state.workers, index);
  const { vmId, generation } = configuration;
  const base = baseOf(setting, state, vmId);
  const known = domainsOf(setting).map(() => FRESH);
  const vm = worker.vms.find((other) => other.vmId === vmId) ?? { vmId, known, contexts: [], cached: null };
  const isThere = vm.contexts.some((context) => context.configuration.generation === generation);
  const taken = isThere ? { vm, shared: base.shared } : configure(setting, configuration, vm, base.shared);
  const serving = replaced(worker.serving, listener, { configuration, isDead: false });
  const next = withWorker(state, index, swept(setting, { ...withVm(worker, taken.vm), serving }));
  return withoutForgotten(withBase(next, { ...base, shared: taken.shared }));
}

/** The worker takes what it was told next. */
export function take(setting: Setting, state: State, index: number): State | undefined {
  const worker = at(state.workers, index);
  const [next, ...inbox] = worker.inbox;
  return next && serve(setting, withWorker(state, index, { ...worker, inbox }), index, next);
}

/** All of the worker's VMs trap, and their streams end. */
export function lose(state: State, index: number): State | undefined {
  const worker = at(state.workers, index);
  if (worker.vms.length === 0) return undefined;
  const serving = worker.serving.map((one) => ({ ...one, isDead: one.configuration.generation > 0 }));
  return withoutForgotten({
    ...withWorker(state, index, { ...worker, vms: [], serving }),
    losses: state.losses + 1,
  });
}

export interface Place {
  readonly worker: number;
  readonly listener: number;
}

/** The next request there makes the VM anew, with what it served. */
export function reload(setting: Setting, state: State, { worker, listener }: Place): State | undefined {
  const { configuration, isDead } = at(at(state.workers, worker).serving, listener);
  return isDead ? serve(setting, state, worker, { listener, configuration }) : undefined;
}

/** Everything but the files is gone. */
export function restart(setting: Setting, state: State): State {
  const serving = setting.listeners.map(() => ({ configuration: BLANK, isDead: false }));
  return {
    ...state,
    offered: setting.listeners.map(() => ""),
    serves: setting.listeners.map(() => BLANK),
    bases: [],
    workers: state.workers.map(() => ({ vms: [], inbox: [], serving })),
    restarts: state.restarts + 1,
  };
}

/** What a request meets there. */
export function contextOf(state: State, { worker, listener }: Place): { vm: Vm; context: Context } | undefined {
  const { vms, serving } = at(state.workers, worker);
  const served = at(serving, listener);
  const vm = vms.find(({ vmId }) => vmId === served.configuration.vmId);
  const context = vm?.contexts.find(({ configuration }) => isOf(served, configuration));
  return vm === undefined || context === undefined ? undefined : { vm, context };
}

/** A grant is shown there that is good, and stays open where `stream` says as what. Undefined where no grant opens. */
export function request(setting: Setting, state: State, place: Place, stream?: Stream): State | undefined {
  const found = contextOf(state, place);
  if (found === undefined) return undefined;
  const { bundle, context, proven, serial } = decide(setting, found.vm, found.context);
  const opens = stream !== undefined && !context.streams.some((other) => isSame(other, stream));
  const asked = opens ? { ...context, streams: [...context.streams, stream] } : context;
  const cached = bundle.version > 0 ? { serial, ...proven } : found.vm.cached;
  const contexts = found.vm.contexts.map((other) => (other === found.context ? asked : other));
  const worker = at(state.workers, place.worker);
  return withWorker(state, place.worker, withVm(worker, { ...found.vm, contexts, cached }));
}

const isSame = (a: Stream, b: Stream): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Whether the grant of that stream still stands where it began. */
export function standsOn(setting: Setting, vm: Vm, context: Context, stream: Stream): boolean {
  // One without a grant, which is never touched.
  if (stream.version === 0) return true;
  const { bundle, texts } = decideStream(setting, vm, context);
  return (
    bundle.version === stream.version && bundle.variant === stream.variant && at(texts, stream.signer) < stream.text
  );
}

/** Of all streams those end that `ends` tells, once their contexts have kept up. */
function endStreams(
  setting: Setting,
  state: State,
  index: number,
  ends: (vm: Vm, context: Context, stream: Stream) => boolean,
): State | undefined {
  const worker = at(state.workers, index);
  if (!worker.vms.some(({ contexts }) => contexts.some(({ streams }) => streams.length > 0))) return undefined;
  const vms = worker.vms.map((vm) => ({
    ...vm,
    contexts: vm.contexts.map((context) =>
      context.streams.length === 0
        ? context
        : {
            ...decideStream(setting, vm, context).context,
            streams: context.streams.filter((stream) => !ends(vm, context, stream)),
          },
    ),
  }));
  return withoutForgotten(withWorker(state, index, swept(setting, { ...worker, vms })));
}

/** Streams end whose grants stand no more. */
export const tick = (setting: Setting, state: State, index: number): State | undefined =>
  endStreams(setting, state, index, (vm, context, stream) => !standsOn(setting, vm, context, stream));

/** All streams of that worker end, as their clients go. */
export const leave = (setting: Setting, state: State, index: number): State | undefined =>
  endStreams(setting, state, index, () => true);
