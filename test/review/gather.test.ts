/** From the entries of a real small ledger to its reviews: who, what, when, and what proves it. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { reviewRows } from "../../control/cli/review-text.js";
import type { Call, Review, ReviewList } from "../../control/review/model.js";
import { reviewPage } from "../../control/review/page/review.js";
import type { ReadOptions } from "../../control/review/read.js";
import { isUnverified } from "../../control/review/words.js";
import { compact } from "../kit/token.js";
import type { GrantSpec } from "../kit/world.js";
import { bend, chained, line, memberOf, other, sha256 } from "../ledger/chain/kit.js";
import { entry, leaf } from "../ledger/make-log.js";
import { askOf, calmGrant, calmUse, hashOf, Scene } from "./scene.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-review-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let serial = 0;
const MINUTE = 60_000;
const place = { now: 0, ledger: "ledger", key: "ledger.vkey", anchors: [], isServed: true };

async function listOf(scene: Scene, more: Partial<ReadOptions> = {}): Promise<ReviewList> {
  const folder = join(base, `log-${serial++}`);
  await scene.write(folder);
  return scene.read(folder, more);
}

const reviewIn = ({ reviews }: ReviewList, grant: string): Review => {
  const review = reviews.find((one) => one.grant === hashOf(grant));
  if (review === undefined) throw new Error("the grant has no review");
  return review;
};

interface Used {
  readonly scene: Scene;
  readonly grant: string;
}
async function used(spec: GrantSpec = {}, start?: number): Promise<Used> {
  const scene = await Scene.start(start);
  const grant = calmGrant(scene, spec);
  scene.pass(2 * MINUTE);
  return { scene, grant };
}

describe("a review", () => {
  it("says who, why, when, and what was opened", async () => {
    const { scene, grant } = await used({
      claims: { incident: "INC-7", net: ["192.0.2.0/24"], aud: ["test", "staging"] },
    });
    await calmUse(scene, grant);
    const review = reviewIn(await listOf(scene, { asks: [askOf(grant, scene.world.rita2)] }), grant);
    const asked = Date.UTC(2026, 0, 14, 12);
    expect(review).toMatchObject({
      state: "open",
      openedAt: asked + 2 * MINUTE,
      dueAt: asked + 2 * MINUTE + 86_400_000,
      requester: { sub: "rita", person: "rita", roles: ["oncall"] },
      isRequesterProven: true,
      entitlement: "repair",
      reason: "outage",
      incident: "INC-7",
      text: 'refund "loop"\n\u00e9\u{1f600}',
      audience: ["test", "staging"],
      issuedAt: asked,
      binding: "bearer",
      networks: { granted: ["192.0.2.0/24"], used: ["192.0.2.0/24"] },
      granted: [
        {
          hosts: ["api.example.com"],
          methods: ["GET", "POST"],
          paths: ["/orders/*"],
          calls: 2,
          unusedMethods: [],
          unusedPaths: [],
        },
      ],
      // Of an hour at most, it ends ten minutes after the ask, whose quorum was there after one.
      minutes: { granted: 9, used: 0.02 },
      counts: { allowed: 2, denied: 0, answers: 2 },
      teardown: { exp: asked + 10 * MINUTE, openStreams: 0, acceptedAfter: 0 },
      evidence: { isProven: true, isPinned: true, gaps: [] },
      closures: [],
      blockers: [],
    });
    expect(review.approvals).toEqual([
      { sub: "adam", person: "adam", roles: ["lead"], at: asked + MINUTE, isProven: true },
      { sub: "anna", person: "anna", roles: ["security", "lead"], at: asked + MINUTE, isProven: true },
    ]);
    expect(review.timeline.map(({ what }) => what)).toEqual([
      "asked",
      "approved",
      "approved",
      "issued",
      "first_use",
      "call",
      "expired",
    ]);
    expect(review.calls.map(({ verdict, answer }) => [verdict, answer?.status])).toEqual([
      ["allow", 200],
      ["allow", 200],
    ]);
  });

  it("names the person behind an account, and the machine's owner", async () => {
    const { scene } = await used();
    const grant = scene.world.grant({ approvals: [{ by: scene.world.alex }, { by: scene.world.bot }] });
    await scene.call({ grant });
    const { approvals } = reviewIn(await listOf(scene), grant);
    expect(approvals.map(({ sub, person }) => [sub, person])).toEqual([
      ["alex", "alex"],
      ["bot", "adam"],
    ]);
  });

  it("covers exactly its entries, in a digest that anybody computes again", async () => {
    const { scene, grant } = await used();
    const other1 = calmGrant(scene);
    await calmUse(scene, grant);
    scene.pass(MINUTE);
    await calmUse(scene, other1);
    await scene.call({ grant, path: "/admin" });
    const list = await listOf(scene);
    const { evidence } = reviewIn(list, grant);
    const { entries } = scene.ledger.log;
    const mine = entries.flatMap((bytes, index) => {
      const body = bytes.toString("latin1").split("\n").slice(1).join("\n");
      if (!body.startsWith("{")) return [];
      const isEvidence = memberOf(body, "evidence") !== undefined && body.startsWith('{"evidence"');
      const payload = isEvidence ? String(memberOf(body, "evidence")).split("~")[0] : undefined;
      const named =
        payload === undefined ? memberOf(body, "grant_sha256") : createHash("sha256").update(payload).digest("hex");
      const id = memberOf(body, "status") === undefined ? undefined : memberOf(body, "request_id");
      return named === hashOf(grant) || id === "request-1" || id === "request-2" ? [index] : [];
    });
    expect(evidence.entries).toEqual(mine);
    let digest = Buffer.alloc(32);
    for (const index of mine)
      digest = createHash("sha256")
        .update(digest)
        .update(leaf(entries[index] ?? Buffer.alloc(0)))
        .digest();
    expect(evidence.digest).toBe(digest.toString("hex"));
    expect(evidence.checkpoint).toContain(`\n${entries.length}\n`);
  });

  it("counts what it does not keep: a list has the same sums, and no calls", async () => {
    const { scene, grant } = await used();
    await calmUse(scene, grant);
    await scene.call({ grant, path: "/admin", source: "198.51.100.7:1" });
    const folder = join(base, `log-${serial++}`);
    await scene.write(folder);
    const [whole, sums] = [await scene.read(folder), await scene.read(folder, { isWanted: () => false })];
    const [a, b] = [reviewIn(whole, grant), reviewIn(sums, grant)];
    expect(b.calls).toEqual([]);
    expect(b.unusual.map(({ says }) => says)).toEqual(a.unusual.map(({ says }) => says));
    expect({ ...b.counts, ...b.minutes, digest: b.evidence.digest, granted: b.granted }).toEqual({
      ...{ ...a.counts, ...a.minutes, digest: a.evidence.digest, granted: a.granted },
    });
  });

  it("is of an entitlement whose approvals nobody proves, where the evidence never came", async () => {
    const { scene, grant } = await used();
    const [first] = scene.linesOfCall({ grant });
    if (first === undefined) throw new Error("no record");
    await scene.hand(first);
    const review = reviewIn(await listOf(scene), grant);
    expect(review.evidence.isProven).toBe(false);
    expect(review.approvals.map(({ sub, isProven }) => [sub, isProven])).toEqual([
      ["adam", false],
      ["anna", false],
    ]);
    expect(review.granted).toEqual([]);
    expect(review.unusual.find(({ code }) => code === "alarm")?.says).toContain("evidence_missing");
  });

  it("joins what comes in another order: answer, evidence, record", async () => {
    const { scene, grant } = await used();
    const [record, evidence] = scene.linesOfCall({ grant, requestId: "early" });
    if (record === undefined || evidence === undefined) throw new Error("no lines");
    await scene.answer("early", { status: 204 });
    await scene.hand(evidence);
    await scene.hand(record);
    const review = reviewIn(await listOf(scene), grant);
    expect(review.calls.map(({ answer }) => answer?.status)).toEqual([204]);
    expect(review.evidence.isProven).toBe(true);
    expect(review.granted[0]?.calls).toBe(1);
  });

  it("says who is missing: records of the gateways that it touched", async () => {
    const { scene, grant } = await used();
    await scene.call({ grant });
    scene.linesOfCall({ grant });
    scene.linesOfCall({ grant });
    await scene.call({ grant });
    const review = reviewIn(await listOf(scene), grant);
    expect(review.evidence.gaps).toEqual([{ vm: expect.stringContaining("gateway-1/"), from: 2, to: 3 }]);
    expect(review.blockers).toEqual([expect.stringContaining("records 2 to 3 of gateway-1/")]);
  });

  it("takes a request that waited for its receipt for one call, and one that was taken back for none that was let in", async () => {
    const { scene, grant } = await used();
    const [record, evidence] = scene.linesOfCall({ grant, requestId: "waits" });
    if (record === undefined || evidence === undefined) throw new Error("no lines");
    const text = record.bytes.toString();
    const settled = { evidence: undefined, settles: 1 };
    const taken = { evidence: undefined, request_id: "taken" };
    const lines = chained("gateway-1/1768392000000000000/9", [
      bend(text, { verdict: "pending" }),
      bend(text, settled),
      bend(text, taken),
      bend(text, { ...taken, verdict: "internal", corrects: 3 }),
      bend(text, { verdict: "pending", request_id: "left", evidence: undefined }),
    ]);
    const receipt = compact(
      { alg: "Ed25519", kid: scene.world.rita.kid, typ: "bg-receipt+jws" },
      { record_sha256: sha256(lines[0] ?? "") },
      scene.world.rita,
    );
    await scene.hand(
      ...lines.slice(0, 2).map((one) => line(one)),
      evidence,
      line(JSON.stringify({ receipt })),
      ...lines.slice(2).map((one) => line(one)),
    );
    const review = reviewIn(await listOf(scene), grant);
    expect(review.calls.map(({ requestId, verdict, entry: at, receipt: by }) => [requestId, verdict, at, by])).toEqual([
      ["waits", "allow", 2, expect.any(Number)],
      ["taken", "internal", expect.any(Number), undefined],
      ["left", "pending", expect.any(Number), undefined],
    ]);
    expect(review.unusual.find(({ code }) => code === "denied_calls")?.says).toBe("1 call denied: 1 internal");
    expect(review.unusual.find(({ code }) => code === "no_answer")?.says).toMatch(/^of 1 allowed call /);
  });

  it("cannot be closed before its end", async () => {
    const { scene, grant } = await used();
    await scene.call({ grant });
    const folder = join(base, `log-${serial++}`);
    await scene.write(folder, 1000);
    const review = reviewIn(await scene.read(folder), grant);
    expect(review.blockers[0]).toMatch(
      /^The grant has not ended: it does at 2026-01-14 12:10:00 UTC, and what comes late is waited for until 2026-01-14 12:1\d:\d\d UTC\.$/,
    );
    expect(review.timeline.at(-1)?.what).toBe("first_use");
  });

  it("tells of a revocation, by a record", async () => {
    const scene = await Scene.start(undefined, (world) => world.bundleClaims());
    const grant = calmGrant(scene);
    scene.pass(2 * MINUTE);
    await scene.call({ grant });
    const { jti } = JSON.parse(Buffer.from(grant.split(".", 2)[1] ?? "", "base64url").toString());
    const claims = scene.world.bundleClaims({ revoked: { jti: [jti] }, iat: Math.floor(scene.clock.now / 1000) });
    scene.configure(claims);
    await scene.hand(other("bundle", scene.world.bundle(claims)));
    await scene.call({ grant });
    const review = reviewIn(await listOf(scene), grant);
    expect(review.calls.map(({ verdict }) => verdict)).toEqual(["allow", "revoked"]);
    expect(review.teardown.revokedAt).toBe(Number(claims.iat) * 1000);
    expect(review.timeline.map(({ what }) => what)).toContain("revoked");
  });

  it("is found by an ask that stands in the log itself", async () => {
    const { scene, grant } = await used();
    await calmUse(scene, grant);
    await scene.hand(line(askOf(grant, scene.world.rita)));
    expect(reviewIn(await listOf(scene), grant).isRequesterProven).toBe(true);
  });

  it("takes no ask of another grant, by another key, or under another type for one", async () => {
    const { scene, grant } = await used();
    const another = calmGrant(scene);
    await calmUse(scene, grant);
    const asks = [askOf(another, scene.world.rita), askOf(grant, scene.world.ritaAdmin), grant.split("~", 1)[0] ?? ""];
    expect(reviewIn(await listOf(scene, { asks }), grant).isRequesterProven).toBe(false);
  });
});

describe("grants that opened nothing", () => {
  it("share a review a person and hour, and leave it when they open something", async () => {
    const { scene } = await used();
    const [one, two, three] = [calmGrant(scene), calmGrant(scene), calmGrant(scene)];
    scene.pass(2 * MINUTE);
    for (const grant of [one, two, three]) await scene.call({ grant, path: "/admin" });
    await scene.call({ grant: two });
    const { denied, reviews } = await listOf(scene);
    expect(reviews.map(({ grant }) => grant)).toEqual([hashOf(two)]);
    expect(denied).toEqual([
      expect.objectContaining({
        key: "denied:rita:2026-01-14T12Z",
        sub: "rita",
        hour: Date.UTC(2026, 0, 14, 12),
        grants: [hashOf(one), hashOf(three)],
        verdicts: { scope_path: 2 },
        counts: { allowed: 0, denied: 2, answers: 0, alarms: 0 },
      }),
    ]);
    expect(denied[0]?.calls.map(({ path }: Call) => path)).toEqual(["/admin", "/admin"]);
    expect(reviews[0]?.counts).toMatchObject({ allowed: 1, denied: 1 });
  });
});

describe("what was signed", () => {
  const findings = "Refunded the loop; the entitlement is too wide.";
  const actions = [{ what: "Narrow the entitlement", owner: "adam", due: "2026-01-20" }];

  /** Signed by crowd-0, who reviews, over what was shown. */
  function sign(scene: Scene, review: Review): string {
    const [crowd] = scene.world.crowd;
    if (crowd === undefined) throw new Error("nobody is there");
    const { allowed, denied, answers, alarms } = review.counts;
    const { origin, digest, size, root } = review.evidence;
    const claims = {
      ...{ v: 1, origin, review: review.grant, classification: "real", findings, actions },
      ...{ counts: { allowed, denied, answers, alarms }, digest, checkpoint: { size, root }, sub: "crowd-0" },
      iat: Math.floor(scene.clock.now / 1000),
    };
    return compact({ alg: crowd.alg, kid: crowd.kid, typ: "bg-review+jws" }, claims, crowd);
  }
  const reviewed = async (): Promise<Used> => {
    const scene = await Scene.start(undefined, (world) => world.bundleClaims({ reviewers: ["crowd"] }));
    const grant = calmGrant(scene);
    scene.pass(2 * MINUTE);
    await calmUse(scene, grant);
    return { scene, grant };
  };

  it("is shown with who signed; something that comes later opens the review again; an action has its day", async () => {
    const { scene, grant } = await reviewed();
    const token = sign(scene, reviewIn(await listOf(scene), grant));
    await scene.hand(other("review", token));
    const list = await listOf(scene);
    const closed = reviewIn(list, grant);
    expect(closed.state).toBe("closed");
    expect(closed.closures).toEqual([
      expect.objectContaining({
        by: { sub: "crowd-0", person: "crowd-0", roles: ["crowd"] },
        ...{ classification: "real", findings, actions, isOutdated: false, isProven: true },
      }),
    ]);
    expect(closed.timeline.at(-1)).toMatchObject({ what: "closed", who: "crowd-0", says: "signed as real" });
    expect(list.dueActions).toEqual([]);
    // Whose key that is nobody knows who pins nothing: then it is the ledger's word.
    const unpinned = reviewIn(await listOf(scene, { anchors: [] }), grant);
    expect(unpinned.closures.map(({ isProven }) => isProven)).toEqual([false]);
    expect([closed, unpinned].map(isUnverified)).toEqual([false, true]);
    expect(reviewRows(closed, scene.clock.now, "sign").join("\n")).toContain("the signature was verified");
    const rows = reviewRows(unpinned, scene.clock.now, "sign").join("\n");
    expect(rows).toMatch(/state +closed, as the ledger says, by a signature that was not verified/);
    expect(rows).toContain("The signature was not verified");
    const page = reviewPage(unpinned, place);
    expect(page).toMatch(/>Closed, not verified<[\s\S]*>Signed, not verified<[\s\S]*The signature was not verified/);
    expect(page).not.toContain(">Closed<");
    expect(reviewPage(closed, place)).not.toContain("not verified");
    expect(reviewPage(closed, place)).toContain(">Closed<");
    // In Honolulu it is still that day.
    expect((await listOf(scene, { now: Date.UTC(2026, 0, 21, 9) })).dueActions).toEqual([]);
    const later = await listOf(scene, { now: Date.UTC(2026, 0, 21, 12) });
    expect(later.dueActions).toEqual([{ ...actions[0], grant: closed.grant }]);
    await scene.call({ grant });
    const again = reviewIn(await listOf(scene), grant);
    expect([again.state, again.closures.map(({ isOutdated }) => isOutdated)]).toEqual(["reopened", [true]]);
    const late = await listOf(scene, { now: scene.clock.now + 2 * 86_400_000 });
    expect(reviewIn(late, grant).state).toBe("overdue");
  });

  it("is not shown where it does not hold, and the log that let it in is not believed", async () => {
    const { scene, grant } = await reviewed();
    const token = sign(scene, reviewIn(await listOf(scene), grant));
    const forged = `${token.slice(0, -8)}AAAAAAAA`;
    const received = new Date(scene.clock.now + 1000).toISOString();
    const bytes = entry(forged, { type: "review", sender: "crowd-0", via: "signature", received });
    scene.ledger.log.entries.push(bytes);
    await expect(listOf(scene)).rejects.toThrow(/nothing of it is shown: .*review_invalid/);
    const said = {
      code: "review_invalid",
      subject: hashOf(grant),
      grant_sha256: hashOf(grant),
      about: [scene.ledger.log.size - 1],
      says: "it does not hold",
    };
    scene.ledger.log.entries.push(
      entry(JSON.stringify(said), { type: "alarm", sender: "ledger", via: "ledger", received }),
    );
    const review = reviewIn(await listOf(scene), grant);
    expect([review.state, review.closures]).toEqual(["open", []]);
    const unpinned = reviewIn(await listOf(scene, { anchors: [] }), grant);
    expect([unpinned.state, unpinned.closures]).toEqual(["open", []]);
    expect(review.unusual.find(({ code }) => code === "alarm")?.says).toContain("review_invalid");
  });
});
