/** What is explored in full, each as small as shows its matter. */
import type { Fault, Setting, Task } from "./setting.js";
import { NO_BUNDLE, NO_TEXTS } from "./state.js";

const one = [{ domain: 0, threshold: 1 }];
const twoThresholds = [
  { domain: 0, threshold: 1 },
  { domain: 0, threshold: 2 },
];
const bundle = (version: number, listener = 0, signers = 1, floor = 0): Task => ({
  listener,
  bundle: { version, variant: 0, signers, floors: [floor, 0] },
  texts: NO_TEXTS,
});
const text = (version: number, signer = 0, listener = 0): Task => ({
  listener,
  bundle: NO_BUNDLE,
  texts: NO_TEXTS.map((none, i) => (i === signer ? version : none)),
});

export const SETTINGS = {
  "two pushes at once": { listeners: one, workers: 2, tasks: [bundle(2), bundle(3)], losses: 1 },
  "a push and a revocation at once": { listeners: one, workers: 2, tasks: [bundle(2), text(1)], losses: 1 },
  "a push and a revocation at once, and a restart": {
    listeners: one,
    workers: 1,
    tasks: [bundle(2), text(1)],
    restarts: 1,
    losses: 1,
  },
  "two people revoke at once": { listeners: one, workers: 2, tasks: [text(1), text(1, 1)], restarts: 1 },
  "a push that takes in what another revokes meanwhile": {
    listeners: one,
    workers: 1,
    tasks: [text(1), text(2), bundle(2, 0, 1, 1)],
    restarts: 1,
  },
  "a push that the gateway refuses, and a revocation": {
    listeners: one,
    workers: 1,
    tasks: [{ ...bundle(2), isRefused: true }, text(1)],
    restarts: 1,
    losses: 1,
  },
  "a further revocation, and an old file": {
    listeners: one,
    workers: 2,
    firstTexts: [1, 0],
    tasks: [text(2), bundle(2)],
    putBacks: 1,
  },
  "an old file, and a VM that is lost": { listeners: one, workers: 2, tasks: [bundle(2)], losses: 1, putBacks: 1 },
  "an old bundle in the newer file": {
    listeners: one,
    workers: 1,
    tasks: [bundle(2)],
    restarts: 1,
    putBacks: 1,
    putsBack: "bundle",
  },
  "streams that outlive their configuration": {
    listeners: one,
    workers: 1,
    tasks: [bundle(2), text(1)],
    requests: true,
    streams: "watched",
    putBacks: 1,
  },
  "two thresholds over one domain": {
    listeners: twoThresholds,
    workers: 1,
    tasks: [bundle(3), bundle(2, 1, 2)],
    putBacks: 1,
    streams: "silent",
  },
  "two thresholds, and a bundle that takes in a text": {
    listeners: twoThresholds,
    workers: 1,
    tasks: [text(1, 0, 1), bundle(3, 0, 1, 1)],
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
  "a text is remembered by its configuration alone": ["streams that outlive their configuration", "counts after"],
  "an older text replaces a newer one": ["a further revocation, and an old file", "counts after"],
  "a text is forgotten once any bundle has taken it in": [
    "two thresholds, and a bundle that takes in a text",
    "text 0 counts after 1",
  ],
  "a push leaves out the texts that it found": [
    "a push and a revocation at once, and a restart",
    "text 0 counts after 1",
  ],
  "a push reports when one worker serves": ["two pushes at once", "version 1 decides after 2 was reported"],
  "a push leaves min_version as it was": ["an old bundle in the newer file", "version 1 decides after 2 was reported"],
  "a heal writes what it saw at its beginning": ["two pushes at once", "version 1 decides after 2 was reported"],
  "what is put back leaves out the texts": [
    "a push that the gateway refuses, and a revocation",
    "text 0 counts after 1",
  ],
  "a context that comes back keeps its old bundle": [
    "streams that outlive their configuration",
    "version 1 decides after 2 was reported",
  ],
  "a context follows only when it is asked": [
    "two thresholds over one domain",
    "version 1 decides after 2 was reported",
  ],
  "a tick judges a stream by the bundle that it began under": [
    "streams that outlive their configuration",
    "a stream goes on: version 1 decides after 2",
  ],
  "one memory for all domains": ["two domains in one VM", "domain"],
};
