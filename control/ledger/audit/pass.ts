/** All bundles of a log, checked in parallel and handed on in their order: memory holds a few bundles, however long the log is. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { UserError } from "../../base/errors.js";
import { type CheckedBundle, checkBundle } from "./bundle.js";
import { bundlesOf, widthOf } from "./files.js";
import { Broken, type Problem } from "./problem.js";
import { openSource } from "./source.js";

/** Bundles that a thread is given at a time: enough that the handing over costs nothing, few enough to hold. */
const CHUNK = 4;
/** Below this a thread takes longer to start than the work. */
const WORTH_THREADS = 32;
const MOST_THREADS = 8;

/** The log, as `openSource` finds it. */
export interface Place {
  readonly where: string;
  readonly token?: string | undefined;
}

export interface Chunk {
  readonly first: number;
  readonly count: number;
  readonly size: number;
}

/** What a thread hands back. */
export type Done =
  | { readonly bundles: readonly CheckedBundle[] }
  | { readonly broken: Problem }
  | { readonly error: { readonly message: string; readonly hint: string | undefined; readonly exitCode: number } };

function bundlesIn(done: Done): readonly CheckedBundle[] {
  if ("bundles" in done) return done.bundles;
  if ("broken" in done) throw new Broken(done.broken);
  const { message, hint, exitCode } = done.error;
  throw new UserError(message, { exitCode, ...(hint === undefined ? {} : { hint }) });
}

function ask(worker: Worker, chunk: Chunk): Promise<Done> {
  return new Promise((resolve, reject) => {
    const ended = (code: number): void => reject(new Error(`A thread of the verifier ended (${code}).`));
    worker.once("error", reject);
    worker.once("exit", ended);
    worker.once("message", (done: Done) => {
      worker.off("error", reject);
      worker.off("exit", ended);
      resolve(done);
    });
    worker.postMessage(chunk);
  });
}

async function* inThreads({ where, token }: Place, size: number, threads: number): AsyncGenerator<CheckedBundle> {
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL("./worker.js", import.meta.url), { workerData: { where, token } satisfies Place }),
  );
  const bundles = bundlesOf(size);
  try {
    // Chunk n is worker n mod threads': each has one chunk at work, and is given the next once that is taken in.
    const waiting: Promise<Done>[] = [];
    let next = 0;
    const give = (): void => {
      const worker = workers[(next / CHUNK) % threads];
      if (worker === undefined || next >= bundles) return;
      const done = ask(worker, { first: next, count: Math.min(CHUNK, bundles - next), size });
      done.catch(() => {}); // Whoever takes it in hears of it; until then it is no unhandled rejection.
      waiting.push(done);
      next += CHUNK;
    };
    for (let i = 0; i < threads; i++) give();
    for (let done = waiting.shift(); done !== undefined; done = waiting.shift()) {
      const taken = bundlesIn(await done);
      give();
      yield* taken;
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** @param threads 1: no thread besides this one. Undefined: as many as fit the machine and the work. */
export async function* checkBundles(place: Place, size: number, threads?: number): AsyncGenerator<CheckedBundle> {
  const bundles = bundlesOf(size);
  const fitting = bundles < WORTH_THREADS ? 1 : Math.min(availableParallelism(), MOST_THREADS);
  const wanted = threads ?? fitting;
  if (wanted > 1) {
    yield* inThreads(place, size, wanted);
    return;
  }
  const source = openSource(place.where, place.token);
  for (let bundle = 0; bundle < bundles; bundle++) yield await checkBundle(source, bundle, widthOf(bundle, size));
}
