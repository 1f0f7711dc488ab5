/**
 * Every state that a small gateway can reach while bundles are pushed, texts revoke, workers lag, VMs are lost and files are put back:
 * in none is a request allowed under what was superseded or revoked once "applied" was said, and in none do two bundles or two domains
 * mix. And the search notices when a rule is left out.
 */
import { describe, expect, it } from "vitest";
import { begin, movesFrom, wrongIn } from "./model.js";
import { type Found, search } from "./search.js";
import { FAULTS, type Fault, type Setting } from "./setting.js";
import { SETTINGS } from "./settings.js";

/** So many states take seconds. More: the setting has grown beyond what can be seen in full. */
const MOST = 60_000;

const explore = (setting: Setting): Found =>
  search(
    begin(setting),
    (state) => movesFrom(setting, state),
    (state) => wrongIn(setting, state),
    MOST,
  );

describe("no reachable state is wrong", () => {
  for (const [name, setting] of Object.entries(SETTINGS))
    it(name, () => {
      const found = explore(setting);
      console.log(`${name}: ${found.states} states`);
      expect(found.wrong).toBeUndefined();
      expect(found.states).toBeGreaterThan(100);
    });
});

/** Where each rule that is left out shows, and by which words. */
const SHOWN: Readonly<Record<Fault, readonly [keyof typeof SETTINGS, string]>> = {
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

describe("a rule that is left out is noticed", () => {
  for (const fault of FAULTS)
    it(fault, () => {
      const [name, what] = SHOWN[fault];
      const { wrong } = explore({ ...SETTINGS[name], fault });
      expect(wrong?.what).toContain(what);
    });

  it("a push that is stopped between its last look and its write, and killed: what docs/pushing.md says remains", () => {
    const { wrong } = explore({ ...SETTINGS["a push and a revocation at once"], isTickDivided: true });
    expect(wrong?.story).toContain("the gateway restarts");
  });

  it("an old file with the vm_id from before a heal: like a restart with an old file, it is its writer's doing", () => {
    const { wrong } = explore({ ...SETTINGS["an old file, and a VM that is lost"], putsBackVmIds: true });
    expect(wrong?.story).toContain("worker 0 loses its VMs");
    expect(wrong?.story).toContain("somebody puts the first file of listener 0 back");
  });
});
