/**
 * `push` and `revoke` (docs/pushing.md): each brings its bundle or texts into one file, says "applied" when all workers serve it, heals
 * where a VM is missing, and puts back what served where the gateway refuses.
 */
import type { Setting, Task } from "./setting.js";
import {
  at,
  type Bundle,
  beside,
  type Configuration,
  covers,
  NO_TEXTS,
  newer,
  type Pusher,
  replaced,
  type State,
} from "./state.js";

const withPusher = (state: State, index: number, changes: Partial<Pusher>): State => ({
  ...state,
  pushers: replaced(state.pushers, index, { ...at(state.pushers, index), ...changes }),
});

type Brought = Pick<Configuration, "bundle" | "texts">;

/** Whether the file has all of it. */
const holds = ({ bundle, texts }: Configuration, brought: Brought): boolean =>
  bundle.version >= brought.bundle.version && covers(newer(texts, bundle.floors), brought.texts);

const newest = (...bundles: readonly Bundle[]): Bundle => bundles.reduce((a, b) => (b.version > a.version ? b : a));

/** What the file is to hold: the newest of what it holds, what others have begun, and the task's. */
function next(setting: Setting, state: State, task: Task, seen: Configuration): Configuration {
  const { fault } = setting;
  const begun = at(state.recorded, task.listener);
  const bundle = newest(seen.bundle, begun.bundle, task.bundle);
  const found = fault === "a push leaves out the texts that it found" ? task.texts : newer(seen.texts, begun.texts);
  const isLow = fault === "a push leaves min_version as it was";
  return {
    ...seen,
    generation: state.lastGeneration + 1,
    bundle,
    minVersion: isLow ? seen.minVersion : Math.max(seen.minVersion, bundle.version),
    texts: beside(newer(found, task.texts), bundle),
    isBroken: setting.tasks.some((one) => one.isRefused === true && one.bundle.version === bundle.version),
  };
}

function write(state: State, index: number, listener: number, configuration: Configuration): State {
  const { bundle, texts } = configuration;
  const known = at(state.recorded, listener);
  const record = { bundle: newest(known.bundle, bundle), texts: newer(known.texts, texts) };
  return withPusher(
    {
      ...state,
      recorded: replaced(state.recorded, listener, record),
      files: replaced(state.files, listener, configuration),
      lastGeneration: configuration.generation,
    },
    index,
    { at: "written", seen: null, wrote: configuration.generation },
  );
}

/** Looks again and writes in one tick; where the tick can be divided, the look is a step of its own. */
function lookAndWrite(setting: Setting, state: State, index: number, task: Task): State[] {
  const file = at(state.files, task.listener);
  // Another has brought all of it already: this one waits until that serves.
  if (holds(file, task) && holds(file, at(state.recorded, task.listener)))
    return [withPusher(state, index, { at: "written", wrote: file.generation })];
  const configuration = next(setting, state, task, file);
  if (setting.isTickDivided === true) return [withPusher(state, index, { at: "looked", seen: configuration })];
  return [write(state, index, task.listener, configuration)];
}

/** By the gauges: every VM serves that generation, and holds the texts that others have told of. */
export function servesEverywhere(
  setting: Setting,
  { workers }: Pick<State, "workers">,
  listener: number,
  { generation, vmId }: Configuration,
): boolean {
  const serving = workers.map((worker) => {
    const { configuration, isDead } = at(worker.serving, listener);
    return !isDead && configuration.generation === generation && configuration.vmId === vmId;
  });
  return setting.fault === "a push reports when one worker serves" ? serving.includes(true) : !serving.includes(false);
}

/** The gateway refused it: what served last on all workers comes back, with what was revoked meanwhile. */
function restore(setting: Setting, state: State, index: number, listener: number): State {
  // Another's bundle is at fault: this one comes again without it.
  const isAgain = at(state.files, listener).isBroken && at(setting.tasks, index).isRefused !== true;
  const good = at(state.good, listener);
  const record = at(state.recorded, listener);
  const leavesOut = setting.fault === "what is put back leaves out the texts";
  const file = {
    ...good,
    vmId: at(state.files, listener).vmId,
    generation: state.lastGeneration + 1,
    texts: leavesOut ? NO_TEXTS : beside(newer(good.texts, record.texts), good.bundle),
  };
  // Nobody brings in again what was refused.
  const recorded = replaced(state.recorded, listener, { ...record, bundle: good.bundle });
  return withPusher(
    { ...state, recorded, files: replaced(state.files, listener, file), lastGeneration: file.generation },
    index,
    { at: isAgain ? "idle" : "failed", wrote: 0 },
  );
}

function wait(setting: Setting, state: State, index: number, task: Task): State[] {
  const { listener } = task;
  const pusher = at(state.pushers, index);
  const file = at(state.files, listener);
  // Overtaken, by one that keeps what this one brought or by one that does not: look again.
  if (file.generation !== pusher.wrote)
    return [withPusher(state, index, { at: task.isRefused === true ? "failed" : "idle" })];
  // What it wrote was older than what another had begun.
  if (setting.isTickDivided === true && !holds(file, at(state.recorded, listener)))
    return [withPusher(state, index, { at: "idle" })];
  if (at(state.offered, listener) !== `${file.vmId} ${file.generation}`) return [];
  const served = at(state.serves, listener);
  if (served.generation !== file.generation || served.vmId !== file.vmId)
    return [restore(setting, state, index, listener)];
  const steps: State[] = [];
  if (servesEverywhere(setting, state, listener, file)) {
    const told = at(state.reported, listener);
    const isBundle = task.bundle.version > 0;
    const reported = {
      version: Math.max(told.version, task.bundle.version),
      texts: newer(told.texts, isBundle ? newer(task.bundle.floors, file.texts) : task.texts),
    };
    steps.push({
      ...withPusher(state, index, { at: "applied" }),
      reported: replaced(state.reported, listener, reported),
      good: replaced(state.good, listener, file),
    });
  }
  // A VM is missing and the file is its own: a new vm_id.
  const isMissing = state.workers.some(({ serving }) => serving.some(({ isDead }) => isDead));
  if (isMissing && file.vmId === 0) {
    const source = setting.fault === "a heal writes what it saw at its beginning" ? at(state.good, listener) : file;
    steps.push(write(state, index, listener, { ...source, generation: state.lastGeneration + 1, vmId: 1 }));
  }
  return steps;
}

/** Where that pusher can be next. */
export function stepsOf(setting: Setting, state: State, index: number): State[] {
  const task = at(setting.tasks, index);
  const pusher = at(state.pushers, index);
  if (pusher.at === "idle") return lookAndWrite(setting, state, index, task);
  if (pusher.at === "looked" && pusher.seen !== null)
    return [write(state, index, task.listener, { ...pusher.seen, generation: state.lastGeneration + 1 })];
  return pusher.at === "written" ? wait(setting, state, index, task) : [];
}
