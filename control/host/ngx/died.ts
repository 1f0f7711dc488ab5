/** The worker process is gone, by a signal: its connections break, and nginx starts another in its place. */
export class WorkerDied extends Error {
  constructor(reason: string) {
    super(`${reason}: the worker dies by SIGSEGV`);
  }
}
