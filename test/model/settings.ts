/** What is explored in full, each as small as shows its matter. */
import type { Setting } from "./setting.js";

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
