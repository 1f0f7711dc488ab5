/** `push` and `revoke` (docs/pushing.md): each brings its bundle or text into one file, and says "applied" when all workers serve it. */
import type { Setting, Task } from "./setting.js";
import { at, type Configuration, type Pusher, replaced, type State } from "./state.js";

const withPusher = (state: State, index: number, changes: Partial<Pusher>): State => ({
  ...state,
  pushers: replaced(state.pushers, index, { ...at(state.pushers, index), ...changes }),
});

/** Whether the file has all that the task brings. */
const holds = ({ version, text }: Configuration, task: Task): boolean => version >= task.version && text >= task.text;

/** What the file is to hold: the newest of what it holds, what others have begun, and the task's. */
function next(setting: Setting, state: State, task: Task, seen: Configuration): Configuration {
  const { fault } = setting;
  const begun = setting.isTickDivided === true ? seen : at(state.recorded, task.listener);
  const { version, signers } = [seen, begun, task].reduce((a, b) => (b.version > a.version ? b : a));
  return {
    generation: state.lastGeneration + 1,
    vmId: seen.vmId,
    version,
    signers,
    minVersion: Math.max(seen.minVersion, version),
    text:
      fault === "a push leaves out the texts that it found" ? task.text : Math.max(seen.text, begun.text, task.text),
  };
}

function write(state: State, index: number, listener: number, configuration: Configuration): State {
  const { version, signers, text } = configuration;
  const known = at(state.recorded, listener);
  const newest = version > known.version ? { version, signers } : known;
  return withPusher(
    {
      ...state,
      recorded: replaced(state.recorded, listener, { ...newest, text: Math.max(text, known.text) }),
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
  if (holds(file, task)) return [withPusher(state, index, { at: "written", wrote: file.generation })];
  if (setting.isTickDivided === true) return [withPusher(state, index, { at: "looked", seen: file })];
  return [write(state, index, task.listener, next(setting, state, task, file))];
}

/** The gauges: every VM serves that generation. */
function servesEverywhere(setting: Setting, state: State, listener: number, generation: number): boolean {
  const serving = state.workers.map(
    (worker) => !worker.isLost && at(worker.serving, listener).generation === generation,
  );
  return setting.fault === "a push reports when one worker serves" ? serving.includes(true) : !serving.includes(false);
}

function wait(setting: Setting, state: State, index: number, task: Task): State[] {
  const { listener } = task;
  const { wrote } = at(state.pushers, index);
  const file = at(state.files, listener);
  // Overtaken, by one that keeps what this one brought or by one that does not: look again.
  if (file.generation !== wrote) return [withPusher(state, index, { at: "idle" })];
  const isOffered = at(state.offered, listener) === wrote;
  if (isOffered && at(state.serves, listener).generation !== wrote) return [withPusher(state, index, { at: "failed" })];
  const steps: State[] = [];
  if (isOffered && servesEverywhere(setting, state, listener, wrote)) {
    const told = at(state.reported, listener);
    const reported = {
      version: Math.max(told.version, task.version),
      signers: 0,
      text: Math.max(told.text, task.text),
    };
    steps.push({
      ...withPusher(state, index, { at: "applied" }),
      reported: replaced(state.reported, listener, reported),
    });
  }
  // A VM is missing and the file is its own: a new vm_id.
  if (isOffered && state.workers.some(({ isLost }) => isLost) && file.vmId === 0) {
    const healed = { ...file, generation: state.lastGeneration + 1, vmId: 1 };
    steps.push(write(state, index, listener, healed));
  }
  return steps;
}

/** Where that pusher can be next. */
export function steps(setting: Setting, state: State, index: number): State[] {
  const task = at(setting.tasks, index);
  const pusher = at(state.pushers, index);
  if (pusher.at === "idle") return lookAndWrite(setting, state, index, task);
  if (pusher.at === "looked" && pusher.seen !== null)
    return [write(state, index, task.listener, next(setting, state, task, pusher.seen))];
  return pusher.at === "written" ? wait(setting, state, index, task) : [];
}
