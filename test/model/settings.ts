/** What is explored in full, each as small as shows its matter. */
import type { Fault, Setting } from "./setting.js";

const one = [{ domain: 0, threshold: 1 }];
const bundle = (version: number, listener = 0, signers = 1) => ({ listener, version, signers, text: 0 });
const text = (version: number) => ({ listener: 0, version: 0, signers: 0, text: version });

export const SETTINGS = {
  "two pushes at once": { listeners: one, workers: 2, tasks: [bundle(2), bundle(3)], restarts: 1, losses: 1 },
  "a push and a revocation at once": {
    listeners: one,
    workers: 2,
    tasks: [bundle(2), text(1)],
    restarts: 1,
    losses: 1,
  },
  "two revocations, and an old file": {
    listeners: one,
    workers: 1,
    tasks: [text(1), text(2)],
    restarts: 1,
    putBacks: 1,
  },
  "an old file, and a VM that is lost": { listeners: one, workers: 1, tasks: [bundle(2)], losses: 1, putBacks: 1 },
  "streams that outlive their configuration": {
    listeners: one,
    workers: 1,
    tasks: [bundle(2)],
    requests: true,
    streams: true,
    putBacks: 1,
  },
  "two thresholds over one domain": {
    listeners: [
      { domain: 0, threshold: 1 },
      { domain: 0, threshold: 2 },
    ],
    workers: 1,
    tasks: [bundle(3), bundle(2, 1, 2)],
    putBacks: 1,
  },
  "two domains in one VM": {
    listeners: [
      { domain: 0, threshold: 1 },
      { domain: 1, threshold: 1 },
    ],
    workers: 1,
    tasks: [bundle(2), bundle(102, 1)],
    requests: true,
    losses: 1,
  },
} satisfies Record<string, Setting>;

/** Where each rule that is left out shows, and by which words. */
export const SHOWN: Readonly<Record<Fault, readonly [keyof typeof SETTINGS, string]>> = {
  "a new VM does not ask shared data": ["an old file, and a VM that is lost", "version 1 decides after 2 was reported"],
  "the cache is found by bytes alone": [
    "streams that outlive their configuration",
    "signatures checked under bundle 1",
  ],
  "a worker falls back on what too few roots signed": ["two thresholds over one domain", "that 1 signed decides"],
  "a text is remembered by its configuration alone": ["two revocations, and an old file", "counts after"],
  "an older text replaces a newer one": ["two revocations, and an old file", "counts after"],
  "a push leaves out the texts that it found": ["a push and a revocation at once", "text 0 counts after 1"],
  "a push reports when one worker serves": ["two pushes at once", "version 1 decides after 2 was reported"],
  "a context that comes back keeps its old bundle": [
    "streams that outlive their configuration",
    "version 1 decides after 2 was reported",
  ],
  "one memory for all domains": ["two domains in one VM", "domain"],
};
