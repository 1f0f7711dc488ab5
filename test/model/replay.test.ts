/**
 * Walks through the model, walked with the release filter on workers that take what they are told one at a time: each request, stream,
 * refusal and "applied" must be as the model says. First each way on which a broken rule opens in the model; then ways made up at
 * random, of pushes and of files that somebody writes. A disagreement prints the shortest walk that shows it.
 *
 * WALKS=5000 GLASSGATE_SEED=7 npx vitest run test/model/replay.test.ts
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import "../kit/seed.js";
import { anybodysStep, type Choice, choice } from "./anybody.js";
import { begin, movesFrom, places, wrongIn } from "./model.js";
import { servesEverywhere } from "./pushers.js";
import { search } from "./search.js";
import { FAULTS, type Fault, type Setting } from "./setting.js";
import { SETTINGS, SHOWN } from "./settings.js";
import { at, type State } from "./state.js";
import { type Move, stepFrom } from "./steps.js";
import { Walk } from "./walk.js";

const WALKS = Number(process.env.WALKS ?? 8);
const LONGEST = 40;

/** Rules of `push` and `revoke`: the filter cannot know what a file should have held, nor what somebody was told. */
const NOT_THE_FILTERS: ReadonlySet<Fault> = new Set(
  FAULTS.filter((fault) => /^(a push|a heal|what is put)/.test(fault)),
);

describe("a way on which a broken rule opens stays closed", () => {
  for (const fault of FAULTS.filter((one) => !NOT_THE_FILTERS.has(one)))
    it(fault, async () => {
      const setting: Setting = SETTINGS[SHOWN[fault][0]];
      const broken = { ...setting, fault };
      const { wrong } = search(
        begin(broken),
        (state) => movesFrom(broken, state),
        (state) => wrongIn(broken, state),
        40_000,
      );
      if (wrong === undefined) return expect.unreachable("the model finds nothing");
      const walk = await Walk.from(setting, begin(setting));
      for (const { step, state } of wrong.path) {
        // What is in the files is the broken model's; what comes of it, the right one's.
        if (step.does === "push") await walk.take(step, withFiles(walk.state, state));
        else await walk.goes(step);
      }
      await walk.settle();
      // And the broken model is caught in its error; whether a signature was checked anew, no verdict tells.
      if (fault === "the cache is found by bytes alone") return;
      const liar = await Walk.from(broken, begin(broken));
      const lies = async (): Promise<void> => {
        for (const { step, state } of wrong.path) await liar.take(step, state);
        await liar.settle();
      };
      await expect(lies()).rejects.toThrow(/expected/);
    });
});

const withFiles = (state: State, { files, pushers, recorded, good, reported, lastGeneration }: State) => ({
  ...state,
  files,
  pushers,
  recorded,
  good,
  reported,
  lastGeneration,
});

/** All that can happen in the setting, and requests everywhere. */
function movesAt(setting: Setting, state: State): Move[] {
  const moves = [...movesFrom(setting, state)];
  for (const place of places(setting)) {
    const step = { does: "request", ...place } as const;
    const next = stepFrom(setting, state, step);
    if (next !== undefined) moves.push({ step, state: next });
  }
  return moves;
}

describe("random walks of pushes and revocations", () => {
  for (const [name, setting] of Object.entries<Setting>(SETTINGS))
    it(name, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat({ max: 255 }), { maxLength: LONGEST, size: "max" }), async (numbers) => {
          const walk = await Walk.from(setting, begin(setting));
          for (const number of numbers) {
            const moves = movesAt(setting, walk.state);
            const { step, state } = at(moves, number % moves.length);
            await walk.take(step, state);
            expect(wrongIn(setting, walk.state)).toBeUndefined();
            if (step.does === "push" && step.comes === "applied") expectShown(walk, step.pusher);
          }
          await walk.settle();
        }),
        { numRuns: Math.ceil(WALKS / 4) },
      );
    }, 3_600_000);
});

/** What the model calls applied, the gauges show: where no other listener's generation stands in its place. */
function expectShown(walk: Walk, pusher: number): void {
  const { setting, state } = walk;
  const { listener } = at(setting.tasks, pusher);
  expect(servesEverywhere(setting, state, listener, at(state.files, listener))).toBe(true);
  // What a VM said before it trapped counts for twelve seconds more: then "applied" comes later than here.
  if (setting.listeners.length > 1 || setting.putBacks !== undefined || state.losses > 0) return;
  const told = `${walk.told}\n${walk.shownBy(listener)}`;
  expect(walk.isShown(listener), told).toBe(true);
  expect(walk.isDigestShown(listener), told).toBe(true);
}

describe("random walks of files that somebody writes", () => {
  const setting: Setting = {
    listeners: [0, 1, 2].map((domain) => ({ domain, threshold: 1 })),
    workers: 2,
    tasks: [],
    losses: 1000,
    streams: "watched",
  };
  const walkOf = async (steps: readonly Choice[], allow?: string): Promise<void> => {
    const walk = await Walk.from(setting, begin(setting), allow);
    for (const step of steps) for (const one of anybodysStep(walk.state, step)) await walk.goes(one);
    await walk.settle();
    await walk.end();
  };

  it(`${WALKS} of them: the right bundle and texts decide, always`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(choice, { maxLength: LONGEST, size: "max" }), (steps) => walkOf(steps)),
      { numRuns: WALKS },
    );
  }, 3_600_000);

  it("and one that says something else is noticed, in its shortest form", async () => {
    const wrong = fc.assert(
      fc.asyncProperty(fc.array(choice, { minLength: 1, maxLength: LONGEST }), (steps) => walkOf(steps, "denied")),
    );
    await expect(wrong).rejects.toThrow(/Counterexample/);
  });
});
