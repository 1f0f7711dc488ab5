/** Reviews in a ledger's state: overdue, reopened, kept over restarts and shards, and found again by whoever reads the log. */
import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { apply } from "../../../control/ledger/chain/apply.js";
import { Auditor } from "../../../control/ledger/chain/auditor.js";
import { carry } from "../../../control/ledger/chain/carry.js";
import type { LedgerOptions } from "../../../control/ledger/chain/ledger.js";
import { reviewStates } from "../../../control/ledger/chain/review-due.js";
import { shownOf } from "../../../control/ledger/chain/reviews.js";
import { type Pins, rulesOf } from "../../../control/ledger/chain/rules.js";
import { newState } from "../../../control/ledger/chain/state.js";
import { encodeEntry } from "../../../control/ledger/entry.js";
import type { Taken } from "../../../control/ledger/intake.js";
import { NO_DIGEST, type ReviewClaims, rollDigest, sharedDigest, signReview } from "../../../control/ledger/review.js";
import { encodeOpening, shardHead } from "../../../control/ledger/shard.js";
import { leafHash } from "../../../control/ledger/tlog/tree.js";
import { World } from "../../kit/world.js";
import { audited, claimsOver, GATEWAY, type Story, tellStory } from "../../review/closing-kit.js";
import { anchorsOf, line, type Opened, open, other } from "./kit.js";

let story: Story;
let pins: Pins;
beforeAll(async () => {
  story = await tellStory();
  pins = { anchors: [story.anchors], senders: { [GATEWAY]: [] }, origin: "ledger.example/test" };
});

const GRACE = { gap: 1, review: 3600 };
async function begin(more: Partial<LedgerOptions> = {}): Promise<Opened> {
  const opened = await open(pins, Date.now(), { grace: GRACE, ...more });
  await opened.ledger.take([other("bundle", story.bundle), ...story.lines.map((text) => line(text))]);
  return opened;
}
const pass = async ({ clock, ledger }: Opened, seconds: number): Promise<void> => {
  clock.now += seconds * 1000;
  await ledger.tick();
};
async function close(opened: Opened, review: string, changes: Partial<ReviewClaims> = {}): Promise<Taken | undefined> {
  const claims = claimsOver(story, opened.log.entries, opened.log.origin, Buffer.alloc(32), review, {
    iat: Math.floor(opened.clock.now / 1000),
    ...changes,
  });
  const bytes = Buffer.from(await signReview(claims, story.key("olga")));
  const [taken] = await opened.ledger.take([{ kind: "review", bytes, sender: { sender: "olga", via: "signature" } }]);
  return taken;
}
const overdue = ({ alarms }: Opened, key: string): string[] =>
  alarms.filter(({ code, subject }) => code === "review_overdue" && subject === key).map(({ says }) => says);
const states = ({ ledger }: Opened): number[] => reviewStates.map((state) => ledger.status().reviews.get(state) ?? 0);

describe("a review", () => {
  it("is overdue once, is closed, and is overdue again when something came after it", async () => {
    const opened = await begin();
    const { used } = story.grants;
    // Five grants were used, and one opened nothing.
    expect(states(opened)).toEqual([6, 0, 0, 0]);
    await pass(opened, 3590);
    expect(overdue(opened, used)).toEqual([]);
    await pass(opened, 20);
    await pass(opened, 7200);
    expect(overdue(opened, used)).toEqual([
      expect.stringMatching(/nobody has signed the review of the grant .* of rita for repair, first seen/),
    ]);
    expect(states(opened)).toEqual([0, 6, 0, 0]);
    expect(await close(opened, used)).toMatchObject({ isNew: true });
    await pass(opened, 7200);
    expect(overdue(opened, used)).toHaveLength(1);
    await opened.ledger.take([line(story.late)]);
    expect(states(opened)).toEqual([0, 5, 0, 1]);
    await pass(opened, 3700);
    expect(overdue(opened, used)).toEqual([
      expect.anything(),
      expect.stringMatching(/signed the review .* again, of which more came/),
    ]);
    expect(await close(opened, used)).toMatchObject({ isNew: true });
    expect(states(opened)).toEqual([0, 5, 1, 0]);
  });

  it("is the same after a restart, with a snapshot and without one, and where the ledger was down when it was due", async () => {
    let kept: Buffer | undefined;
    const snapshots = {
      read: async () => kept,
      write: async (bytes: Buffer) => {
        kept = bytes;
      },
    };
    for (const more of [{ snapshots }, {}]) {
      kept = undefined;
      const opened = await begin(more);
      expect(await close(opened, story.grants.drill, { classification: "drill" })).toMatchObject({ isNew: true });
      await opened.ledger.close();
      expect(kept !== undefined).toBe("snapshots" in more);
      const again = await opened.reopen();
      expect(states(again)).toEqual([5, 0, 1, 0]);
      // The clock that tells who was silent begins anew; a review has waited all the same.
      again.clock.now += 3_700_000;
      const late = await again.reopen();
      await late.ledger.tick();
      expect(overdue(late, story.grants.drill)).toEqual([]);
      expect(overdue(late, story.grants.used)).toHaveLength(1);
      expect(await close(late, story.grants.used)).toMatchObject({ isNew: true });
    }
  });

  it("under anchors that are not pinned is closed once they are: the ledger is started anew with them", async () => {
    const others = { ...pins, anchors: [anchorsOf(new World(0))] };
    const opened = await open(others, Date.now(), { grace: GRACE });
    await opened.ledger.take([other("bundle", story.bundle), ...story.lines.map((text) => line(text))]);
    expect((await close(opened, story.grants.used))?.refused).toEqual([
      expect.stringMatching(
        /None of the pinned anchors .* add their anchors to `anchors` in ledger\.yaml and start the ledger anew/,
      ),
    ]);
    await opened.ledger.close();
    const again = await opened.reopen({ pins });
    expect(await close(again, story.grants.used)).toMatchObject({ isNew: true });
    // Whoever reads that log without these pins has verified no signature, whatever else he pins.
    const heard = (anchors: Pins["anchors"]): boolean[] => {
      const all: boolean[] = [];
      const auditor = new Auditor({ anchors }, {}, undefined, (_, isProven) => all.push(isProven));
      for (const [index, entry] of again.log.decoded().entries()) auditor.take(index, entry);
      auditor.end();
      return all;
    };
    expect([pins.anchors, others.anchors, []].map(heard)).toEqual([[true], [false], [false]]);
  });

  it("covers a grant's own entries in the log's order, as anybody can compute it", async () => {
    const { log } = await begin();
    const joined = new Map<string, number[]>();
    const auditor = new Auditor({ anchors: [story.anchors], origin: log.origin }, {}, (grant, index) => {
      joined.set(grant, [...(joined.get(grant) ?? []), index]);
    });
    for (const [index, entry] of log.decoded().entries()) auditor.take(index, entry);
    auditor.end();
    const { reviews } = auditor.judging(Date.now(), 0).state;
    const { used, refused } = story.grants;
    const entries = joined.get(used) ?? [];
    const types = entries.map((index) => log.decoded()[index]?.head.type);
    expect(types.sort()).toEqual(["alarm", "answer", "answer", "evidence", "record", "record", "record"]);
    expect([...entries]).toEqual([...entries].sort((a, b) => a - b));
    const rolled = (indices: readonly number[]): string =>
      indices.reduce((digest, index) => rollDigest(digest, leafHash(log.entries[index] ?? Buffer.alloc(0))), NO_DIGEST);
    const counts = { allowed: 2, denied: 1, answers: 2, alarms: 1 };
    expect(shownOf(reviews, used)).toEqual({ digest: rolled(entries), counts });
    const [shared = ""] = reviews.shared.keys();
    expect(shownOf(reviews, shared).digest).toBe(sharedDigest([rolled(joined.get(refused) ?? [])]));
  });

  it("of what opened nothing is shared a person and hour, and is left by what is let in after all", async () => {
    const opened = await open(pins, Date.parse("2026-11-26T17:30:00.000Z"), { grace: GRACE });
    const denied = story.lines.find((text) => text.includes(story.grants.refused)) ?? "";
    const other = (grant: string, seq: number, changes: object = {}): string =>
      JSON.stringify({
        ...JSON.parse(denied),
        vm: `${GATEWAY}/1/1`,
        seq,
        grant_sha256: grant,
        jti: `jti-of-that-grant-${grant[0]}`,
        ...changes,
      });
    const [a, b, c] = ["a".repeat(64), "b".repeat(64), "c".repeat(64)];
    await opened.ledger.take([other(a, 1), other(b, 2)].map((text) => line(text)));
    opened.clock.now += 2_400_000;
    await opened.ledger.take([other(a, 3), other(c, 4)].map((text) => line(text)));
    const keys = (): Record<string, string[]> => {
      const { reviews } = audited(story, opened.log.entries, opened.log.origin).judging(0, 0).state;
      return Object.fromEntries([...reviews.shared].map(([key, { grants }]) => [key, [...grants]]));
    };
    expect(keys()).toEqual({ "denied:rita:2026-11-26T17Z": [a, b], "denied:rita:2026-11-26T18Z": [c] });
    await opened.ledger.take([line(other(c, 5, { verdict: "allow" }))]);
    expect(keys()).toEqual({ "denied:rita:2026-11-26T17Z": [a, b] });
    expect(states(opened)).toEqual([2, 0, 0, 0]);
  });

  it("that is open goes along into the next shard, and is closed there", async () => {
    const opened = await begin();
    expect(await close(opened, story.grants.drill, { classification: "drill" })).toMatchObject({ isNew: true });
    const { log, clock } = opened;
    const rules = rulesOf(pins, GRACE);
    const state = newState(randomBytes(32));
    for (const [index, entry] of log.decoded().entries()) apply(state, rules, index, entry);
    const carried = carry(state);
    const predecessor = { origin: log.origin, vkey: "v", checkpoint: "c" };
    const next = await open({ ...pins, origin: "ledger.example/next" }, clock.now, { grace: GRACE });
    next.log.entries.push(encodeEntry({ head: shardHead(clock.now), body: encodeOpening({ predecessor, carried }) }));
    const again = await next.reopen();
    expect(states(again)).toEqual([5, 0, 0, 0]);
    const along = audited(story, again.log.entries, "ledger.example/next").judging(0, 0).state.reviews;
    expect([...along.used.values()].map(({ isCarried }) => isCarried)).toEqual([true, true, true, true]);
    await again.ledger.take([other("bundle", story.bundle)]);
    const closing = claimsOver(story, again.log.entries, "ledger.example/next", Buffer.alloc(32), story.grants.used);
    expect(closing).toMatchObject({ ...shownOf(state.reviews, story.grants.used) });
    const bytes = Buffer.from(await signReview(closing, story.key("olga")));
    const sender = { sender: "olga", via: "signature" as const };
    const [taken] = await again.ledger.take([{ kind: "review", bytes, sender }]);
    expect(taken).toMatchObject({ isNew: true });
    expect(audited(story, again.log.entries, "ledger.example/next").end()).not.toContainEqual(
      expect.objectContaining({ code: "review_invalid" }),
    );
  });
});
