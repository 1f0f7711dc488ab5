/**
 * All that can happen next, and what must never be.
 *
 * What the model leaves out, and so does not show:
 * - Time. Bundles, grants and keys do not end, no clock is wrong, no push is late. For twelve seconds a VM that trapped still counts,
 *   so "applied" comes later than here (test/verdicts/generation.test.ts).
 * - What a bundle or a text says. A bundle is its version, content and signatures, and each has its own people; a text takes away more than
 *   its signer's earlier ones. That a text may take something back, that a key or a signer may be silenced, and that a revoker may be no
 *   revoker any more: test/verdicts/revocations.test.ts.
 * - Limits and memory: 16 signers, 64 domains, a VM that is full.
 * - Two threads inside one host call. Each takes a configuration whole; shared data is changed by compare-and-swap
 *   (test/verdicts/generation.test.ts).
 * - The gateway's wrong answers: gauges that lie, that cannot be seen, or are added up in a hot restart (test/gateway/push-liar.test.ts).
 *   `push` and `revoke` are here as docs/pushing.md has them; their own code runs in test/gateway/push-interleavings.test.ts
 *   and those beside it.
 * - The main thread: it takes everything at once, and serves nobody. In the walks with the filter it is there.
 * - Listeners under different anchors over time, and streams under anchors that nobody serves any more: docs/threat-model.md says what
 *   then remains. So it is with streams of a VM whose vm_id was given up: the filter ends them some seconds later
 *   (test/gateway/streams-node.test.ts), and a test here shows what holds until then. And of one that has trapped: here they
 *   end with it, and in truth nobody watches them.
 * - Several gateways: they share nothing.
 */
import { decide, decideStream } from "./filter.js";
import { contextOf, type Place, read, restart, standsOn, take } from "./gateway.js";
import { stepsOf } from "./pushers.js";
import type { Listener, Setting } from "./setting.js";
import { at, BLANK, type Configuration, NO_TEXTS, type Reported, replaced, type State, type Stream } from "./state.js";
import { type Move, type Step, stepFrom } from "./steps.js";

/** Versions of another domain are other numbers, so that a mix shows. */
export const firstVersionOf = (domain: number): number => 1 + domain * VERSIONS_OF_A_DOMAIN;
const VERSIONS_OF_A_DOMAIN = 100;
const domainOfVersion = (version: number): number => Math.floor(version / VERSIONS_OF_A_DOMAIN);

const firstFile = (setting: Setting, { domain, threshold }: Listener, index: number): Configuration => ({
  ...BLANK,
  texts: setting.firstTexts ?? NO_TEXTS,
  generation: index + 1,
  domain,
  threshold,
  bundle: { version: firstVersionOf(domain), variant: 0, signers: threshold, floors: NO_TEXTS },
});

/** A gateway whose listeners serve the first bundle of their domains, by as many roots as they ask for. */
export function begin(setting: Setting): State {
  const files = setting.listeners.map((listener, i) => firstFile(setting, listener, i));
  let state = restart(setting, {
    files,
    offered: [],
    serves: [],
    bases: [],
    workers: Array.from({ length: setting.workers }, () => ({ vms: [], inbox: [], serving: [] })),
    recorded: files,
    good: files,
    pushers: setting.tasks.map(() => ({ at: "idle", seen: null, wrote: 0 })),
    lastGeneration: files.length,
    reported: files.map(() => ({ version: 0, texts: NO_TEXTS })),
    restarts: -1,
    losses: 0,
    putBacks: 0,
  });
  for (const listener of setting.listeners.keys()) {
    state = read(setting, state, listener) ?? state;
    for (const worker of state.workers.keys()) state = take(setting, state, worker) ?? state;
  }
  return state;
}

/** Somebody put an old file back: what it says after a restart is not `push`'s promise, but where its min_version stayed. */
const hasOldFile = (setting: Setting, state: State): boolean => state.putBacks > 0 && setting.putsBack !== "bundle";

export function* places(setting: Setting): Generator<Place> {
  for (let worker = 0; worker < setting.workers; worker++)
    for (const listener of setting.listeners.keys()) yield { worker, listener };
}

/** One under which the context stays, and which no tick judges. */
const silentAt = (listener: number): Stream => ({ listener, version: 0, variant: 0, signer: 0, text: 0 });

/** A stream under the next grant that the place lets in. */
function streamAt(setting: Setting, state: State, place: Place): Stream | undefined {
  const found = contextOf(state, place);
  if (found === undefined) return undefined;
  if (setting.streams === "silent") return silentAt(place.listener);
  const { bundle, texts } = decide(setting, found.vm, found.context);
  if (bundle.version === 0) return undefined;
  const { version, variant } = bundle;
  return { listener: place.listener, version, variant, signer: 0, text: at(texts, 0) + 1 };
}

function* putBacks(setting: Setting, state: State): Generator<Move> {
  for (const [listener, told] of setting.listeners.entries()) {
    const first = firstFile(setting, told, listener);
    const file = at(state.files, listener);
    const isFirst =
      setting.putsBack === "bundle"
        ? file.bundle.version === first.bundle.version
        : file.generation === first.generation;
    // Only into what the gateway has read: the promise over a restart is the file's.
    if (isFirst || at(state.offered, listener) !== `${file.vmId} ${file.generation}`) continue;
    // Under another vm_id than serves, VMs begin that remember nothing: to them it is a restart.
    if (file.vmId !== first.vmId && setting.putsBackVmIds !== true) continue;
    const lastGeneration = state.lastGeneration + 1;
    const mixed = { ...file, generation: lastGeneration, bundle: first.bundle };
    const configuration = setting.putsBack === "bundle" ? mixed : first;
    yield {
      step: { does: "write", listener, configuration },
      state: {
        ...state,
        files: replaced(state.files, listener, configuration),
        lastGeneration: setting.putsBack === "bundle" ? lastGeneration : state.lastGeneration,
        putBacks: state.putBacks + 1,
      },
    };
  }
}

function* gatewaySteps(setting: Setting, state: State): Generator<Exclude<Step, { does: "push" }>> {
  for (const listener of setting.listeners.keys()) yield { does: "read", listener };
  for (const worker of state.workers.keys()) {
    yield { does: "take", worker };
    if (state.losses < (setting.losses ?? 0)) yield { does: "lose", worker };
    if (setting.streams !== undefined) yield { does: "leave", worker };
    if (setting.streams === "watched") yield { does: "tick", worker };
  }
  for (const place of places(setting)) {
    yield { does: "reload", ...place };
    if (setting.requests === true) yield { does: "request", ...place };
    const stream = setting.streams === undefined ? undefined : streamAt(setting, state, place);
    if (stream !== undefined) yield { does: "request", ...place, stream };
  }
  if (state.restarts < (setting.restarts ?? 0) && !hasOldFile(setting, state)) yield { does: "restart" };
}

export function* movesFrom(setting: Setting, state: State): Generator<Move> {
  for (const pusher of setting.tasks.keys())
    for (const next of stepsOf(setting, state, pusher))
      yield { step: { does: "push", pusher, comes: at(next.pushers, pusher).at }, state: next };
  for (const step of gatewaySteps(setting, state)) {
    const next = stepFrom(setting, state, step);
    if (next !== undefined) yield { step, state: next };
  }
  if (state.putBacks < (setting.putBacks ?? 0)) yield* putBacks(setting, state);
}

const isSuperseded = (version: number, texts: readonly number[], reported: Reported): string | undefined => {
  if (version < reported.version) return `version ${version} decides after ${reported.version} was reported`;
  for (const [signer, text] of reported.texts.entries())
    if (at(texts, signer) < text) return `text ${at(texts, signer)} counts after ${text} was reported`;
  return undefined;
};

/** What must hold of a request that comes now. */
function wrongAt(setting: Setting, state: State, place: Place): string | undefined {
  const found = contextOf(state, place);
  if (found === undefined) return undefined;
  const { bundle, texts, domain, proven } = decide(setting, found.vm, found.context);
  if (bundle.version === 0) return undefined;
  if (bundle.signers < at(setting.listeners, place.listener).threshold)
    return `a bundle that ${bundle.signers} signed decides`;
  if (domainOfVersion(bundle.version) !== domain)
    return `a bundle of domain ${domainOfVersion(bundle.version)} decides in domain ${domain}`;
  if (proven.domain !== domain || proven.version !== bundle.version)
    return `signatures checked under bundle ${proven.version} of domain ${proven.domain}, judged under ${bundle.version} of ${domain}`;
  return isSuperseded(bundle.version, texts, at(state.reported, place.listener));
}

/** What must hold of the streams that the next tick leaves open, wherever they began. */
function wrongStream(setting: Setting, state: State): string | undefined {
  for (const { vms } of state.workers)
    for (const vm of vms)
      for (const context of vm.contexts)
        for (const stream of context.streams) {
          if (!standsOn(setting, vm, context, stream)) continue;
          const { bundle, texts } = decideStream(setting, vm, context);
          const what = isSuperseded(bundle.version, texts, at(state.reported, stream.listener));
          if (what !== undefined) return `a stream goes on: ${what}`;
        }
  return undefined;
}

/** What must hold of every request that could come now, wherever it comes, and of every stream. */
export function wrongIn(setting: Setting, state: State): string | undefined {
  for (const place of places(setting)) {
    const what = wrongAt(setting, state, place);
    if (what !== undefined) return `worker ${place.worker}, listener ${place.listener}: ${what}`;
  }
  return setting.streams === "watched" ? wrongStream(setting, state) : undefined;
}
