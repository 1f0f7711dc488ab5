/**
 * Every state that a small gateway can reach while bundles are pushed, texts revoke, workers lag, VMs are lost and files are put back:
 * in none is a request allowed under what was superseded or revoked once "applied" was said, and in none do two bundles or two domains
 * mix. And the search notices when a rule is left out.
 */
import { describe, expect, it } from "vitest";
import { begin, movesFrom, wrongIn } from "./model.js";
import { type Found, search } from "./search.js";
import { FAULTS, type Setting } from "./setting.js";
import { SETTINGS, SHOWN } from "./settings.js";

/** So many states take seconds. More: the setting has grown beyond what can be seen in full. */
const MOST = 40_000;

/** A VM is lost while another has a stream. */
const HEALED: Partial<Setting> = { workers: 2, losses: 1, putBacks: 0, requests: false };

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
      expect(found.states).toBeGreaterThan(50);
    });
});

describe("a rule that is left out is noticed", () => {
  for (const fault of FAULTS)
    it(fault, () => {
      const [name, what] = SHOWN[fault];
      const { wrong } = explore({ ...SETTINGS[name], fault });
      expect(wrong?.what ?? "nothing").toContain(what);
    });

  it("a push that is stopped between its last look and its write, and killed: what docs/pushing.md says remains", () => {
    const { wrong } = explore({ ...SETTINGS["a push and a revocation at once, and a restart"], isTickDivided: true });
    expect(wrong?.story).toContain("the gateway restarts");
  });

  it("a stream under a vm_id that was given up: what remains until its VM has seen it", () => {
    const { wrong } = explore({ ...SETTINGS["streams that outlive their configuration"], ...HEALED });
    expect(wrong?.what).toContain("a stream goes on");
    expect(wrong?.story.some((line) => line.endsWith("loses its VMs"))).toBe(true);
  });

  it("an old file with the vm_id from before a heal: like a restart with an old file, it is its writer's doing", () => {
    const { wrong } = explore({ ...SETTINGS["an old file, and a VM that is lost"], putsBackVmIds: true });
    expect(wrong?.story).toContain("worker 0 loses its VMs");
    expect(wrong?.story.some((line) => line.startsWith("the file of listener 0 holds generation 1 "))).toBe(true);
  });
});
